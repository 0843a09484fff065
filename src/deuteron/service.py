# SPDX-License-Identifier: Apache-2.0
"""Create, show, list, update, delete and act, once, for every resource.

Invariant: a write is one transaction: it happens whole, with its dirty marks, or not at all; a
read is a constant number of statements. Nothing here knows HTTP or a single resource.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from deuteron.auth.caller import Caller
from deuteron.declare import validate
from deuteron.declare.attribute import UNSET, Stored
from deuteron.declare.registry import Assembled, Registry
from deuteron.declare.resource import Action, Change, Moment, Row
from deuteron.domain import policy, quota, tags
from deuteron.domain.pages import select_rows
from deuteron.errors import NotFound, PreconditionFailed, invalid
from deuteron.settings import Settings
from deuteron.store.database import Database
from deuteron.store.queries import (
    CALLER_PROJECT,
    Query,
    SqlContext,
    condition,
    expression,
    order_and_page,
    tags_condition,
    visible,
)
from deuteron.store.rows import Reader
from deuteron.store.schema import Schema
from deuteron.store.transaction import Statements, Transaction, mapping, now

_encode = msgspec.json.Encoder().encode
_MOST_READINGS: Final = 1000


@dataclass(frozen=True, slots=True)
class _Reading:
    """How a resource is read for an answer: made once for each shape of request.

    `wanted` are the answer's attributes; `needed` others that rules read, left out of the answer.
    """

    statement: sa.Select[Any]
    one: sa.Select[Any]
    reader: Reader
    context: SqlContext
    wanted: list[str]
    needed: list[str]


def not_found(assembled: Assembled, id_: str) -> NotFound:
    resource = assembled.resource
    noun = resource.name.replace("_", " ").capitalize()
    message = resource.not_found_message or f"{noun} {{id}} could not be found."
    return NotFound(resource.missing_type, message.format(id=id_))


class Service:
    """The Networking API without HTTP. `committed` is called after each write that is durable."""

    def __init__(
        self,
        registry: Registry,
        schema: Schema,
        database: Database,
        settings: Settings,
        committed: Callable[[], None] = lambda: None,
    ) -> None:
        self.registry = registry
        self.schema = schema
        self.database = database
        self.settings = settings
        self.committed = committed
        self.statements = Statements(schema)
        self._readable: dict[tuple[str, bool, frozenset[str]], list[str]] = {}
        self._readings: dict[tuple[str, bool, tuple[str, ...]], _Reading] = {}

    def transaction(self, connection: sa.Connection, caller: Caller) -> Transaction:
        return Transaction(connection, self.statements, self.registry, self.settings, caller, self)

    def _write(self, caller: Caller, run: Callable[[Transaction], Any]) -> Any:
        result = self.database.write(lambda c: run(self.transaction(c, caller)))
        self.committed()
        return result

    # ---- create

    def create(
        self, caller: Caller, kind: str, bodies: Sequence[Any], above: Sequence[str] = ()
    ) -> list[Row]:
        """Create all of `bodies` or none; the answers in the same order.

        `above` are the ids of the objects that these are below, the parent last.
        """
        assembled = self.registry[kind]
        drafts = [validate.for_create(assembled, body) for body in bodies]

        def run(tx: Transaction) -> list[Row]:
            rows = [dict(row) for row, _ in drafts]
            self._enter(tx, assembled, above, "create")
            for row, (_, given) in zip(rows, drafts, strict=True):
                row.update(tx.parent or {})
                policy.authorize_create(tx, assembled, row, given)
            rows = self.create_in(tx, kind, rows)
            return self._answers(tx, assembled, rows)

        return list(self._write(caller, run))

    def create_in(self, tx: Transaction, kind: str, rows: list[Row]) -> list[Row]:
        """Insert validated rows as part of a transaction under way, with every rule."""
        assembled = self.registry[kind]
        if "create" in assembled.resource.handlers:
            return list(assembled.resource.handlers["create"](tx, rows))
        names = assembled.attributes
        moment = now()
        for row in rows:
            if "id" in names and not isinstance(row.get("id"), str):
                row["id"] = str(uuid.uuid4())
            if "created_at" in names:
                row["created_at"] = row["updated_at"] = moment
            if "revision_number" in names:
                row["revision_number"] = assembled.resource.first_revision
        self._run(assembled, "validate", rows, tx, rows)
        quota.check(tx, assembled, rows)
        self._run(assembled, "create", rows, tx, rows)
        tx.insert(kind, rows)
        self._run(assembled, "created", rows, tx, rows)
        for row in rows:
            for name in [n for n, value in row.items() if value is UNSET]:
                row[name] = None  # as it is stored
        return rows

    def _run(self, assembled: Assembled, at: Moment, given: Sequence[Row], *args: Any) -> None:
        """Run the rules of a moment whose attributes are given a value other than the default."""
        for item in assembled.rules.get(at, ()):
            if not item.when or any(
                row.get(name) != assembled.attributes[name].default
                for row in given
                for name in item.when
            ):
                item.run(*args)

    # ---- read

    def show(
        self,
        caller: Caller,
        kind: str,
        id_: str,
        fields: tuple[str, ...] = (),
        above: Sequence[str] = (),
    ) -> Row:
        """One object as the caller may see it. Raises 404."""
        assembled = self.registry[kind]
        with self.database.read() as connection:
            tx = self.transaction(connection, caller)
            self._enter(tx, assembled, above)
            if "show" in assembled.resource.handlers:
                found = [assembled.resource.handlers["show"](tx, id_)]
                return self._answers(tx, assembled, found, fields)[0]
            reading = self._reading(assembled, caller, fields)
            statement = self._below(assembled, reading.one, tx.parent)
            rows = self._rows(tx, assembled, reading, statement, {"id": id_})
        if not rows:
            raise not_found(assembled, id_)
        return rows[0]

    def list_(
        self, caller: Caller, kind: str, query: Query, above: Sequence[str] = ()
    ) -> list[Row]:
        """A page of objects as the caller may see them."""
        assembled = self.registry[kind]
        with self.database.read() as connection:
            tx = self.transaction(connection, caller)
            self._enter(tx, assembled, above)
            if "list" in assembled.resource.handlers:
                tx.query = query
                rows = select_rows(assembled, assembled.resource.handlers["list"](tx), query)
                return self._answers(tx, assembled, rows, query.fields)
            return self._select(tx, assembled, query)

    def _select(self, tx: Transaction, assembled: Assembled, query: Query) -> list[Row]:
        """Rows ready for an answer: JSON values stay as stored."""
        reading = self._reading(assembled, tx.caller, query.fields)
        statement = self._below(assembled, reading.statement, tx.parent)
        for clause in self._conditions(assembled, query, reading.context):
            statement = statement.where(clause)
        marker = self._marker(tx, assembled, query)
        statement = order_and_page(statement, assembled, query, reading.context, marker)
        rows = self._rows(tx, assembled, reading, statement, {})
        if query.page_reverse and query.limit is not None:
            rows.reverse()
        return rows

    def _rows(
        self,
        tx: Transaction,
        assembled: Assembled,
        reading: _Reading,
        statement: sa.Select[Any],
        parameters: Row,
    ) -> list[Row]:
        parameters[CALLER_PROJECT] = tx.caller.project_id
        rows = reading.reader.rows(tx.connection.execute(statement, parameters))
        self._expand(tx, assembled, rows, reading.wanted)
        for name in reading.needed:
            for row in rows:
                del row[name]
        return rows

    def _reading(self, assembled: Assembled, caller: Caller, fields: tuple[str, ...]) -> _Reading:
        wanted = tuple(self._wanted(assembled, caller, fields))
        key = (assembled.name, caller.is_admin, wanted)
        found = self._readings.get(key)
        if found is None:
            if len(self._readings) >= _MOST_READINGS:
                self._readings.clear()
            found = self._readings[key] = self._read_by(assembled, caller.is_admin, [*wanted])
        return found

    def _read_by(self, assembled: Assembled, admin: bool, wanted: list[str]) -> _Reading:
        context = SqlContext(self.schema, admin)
        table = self.schema.tables[assembled.name]
        attributes = [assembled.attributes[n] for n in wanted if n in assembled.attributes]
        computed = {
            a.name: expression(assembled, a, context)
            for a in attributes
            if a.stored is Stored.COMPUTED and a.sql is not None
        }
        needed = self._needed(assembled, wanted)
        reader = Reader(assembled, table, [*wanted, *needed], computed, raw=True)
        statement = sa.select(*reader.columns).select_from(table)
        seen = visible(assembled, context)
        if seen is not None:
            statement = statement.where(seen)
        one = statement
        if "id" in assembled.attributes:
            one = statement.where(table.c.id == sa.bindparam("id"))
        return _Reading(statement, one, reader, context, wanted, needed)

    def _below(
        self, assembled: Assembled, statement: sa.Select[Any], parent: Row | None
    ) -> sa.Select[Any]:
        table = self.schema.tables[assembled.name]
        for name, value in (parent or {}).items():
            statement = statement.where(table.c[assembled.attributes[name].column] == value)
        return statement

    def _conditions(self, assembled: Assembled, query: Query, context: SqlContext) -> list[Any]:
        found = []
        for name, values in query.filters.items():
            if name in tags.FILTERS:
                found.append(
                    tags_condition(
                        context.tables[assembled.name],
                        tags.split(values),
                        every=not name.endswith("any"),
                        negate=name.startswith("not"),
                        encode=_encode,
                    )
                )
                continue
            attribute = assembled.attributes["project_id" if name == "tenant_id" else name]
            found.append(condition(assembled, attribute, values, context))
        return found

    def _marker(self, tx: Transaction, assembled: Assembled, query: Query) -> Row | None:
        if query.marker is None:
            return None
        row = tx.get(assembled.name, query.marker)
        if row is None:
            raise not_found(assembled, query.marker)
        return row

    def _wanted(self, assembled: Assembled, caller: Caller, fields: tuple[str, ...]) -> list[str]:
        key = (assembled.name, caller.is_admin, caller.roles)
        names = self._readable.get(key)
        if names is None:
            if len(self._readable) >= _MOST_READINGS:
                self._readable.clear()
            names = self._readable[key] = policy.readable(assembled, caller)
        return [n for n in names if n in fields] if fields else names

    def _needed(self, assembled: Assembled, wanted: Sequence[str]) -> list[str]:
        """Attributes that the expand rules of the wanted ones read, and `id`."""
        if not any(not r.when or r.when & {*wanted} for r in assembled.rules.get("expand", ())):
            return [] if wanted else [assembled.columns[0].name]
        stored = [a.name for a in assembled.attributes.values() if a.stored is not Stored.COMPUTED]
        return [n for n in stored if n not in wanted]

    def _expand(
        self, tx: Transaction, assembled: Assembled, rows: list[Row], wanted: Sequence[str]
    ) -> None:
        for item in assembled.rules.get("expand", ()):
            if rows and (not item.when or item.when & {*wanted}):
                item.run(tx, rows, wanted)

    def _answers(
        self, tx: Transaction, assembled: Assembled, rows: list[Row], fields: tuple[str, ...] = ()
    ) -> list[Row]:
        """Whole rows, just written, as the caller may see them."""
        wanted = self._wanted(assembled, tx.caller, fields)
        if any(assembled.attributes[n].sql for n in wanted if n in assembled.attributes):
            if len(rows) > 1:
                again = mapping(tx.find(assembled.name, id=[r["id"] for r in rows]))
                rows = [again[row["id"]] for row in rows]
            else:
                rows = tx.find(assembled.name, id=rows[0]["id"])
        # An expand rule may take an attribute that does not apply out of a row.
        absent = dict.fromkeys(wanted) if assembled.resource.stored else {}
        rows = [{**absent, **row} for row in rows]
        self._expand(tx, assembled, rows, wanted)
        for row in rows:
            if "project_id" in row:
                row["tenant_id"] = row["project_id"]
        return [{name: row[name] for name in wanted if name in row} for row in rows]

    # ---- write

    def see(self, tx: Transaction, assembled: Assembled, id_: str, parent: Any = None) -> Row:
        """The whole row, if the caller may see it. Raises 404."""
        found = tx.find(assembled.name, id=id_, **(parent or {}))
        if not found:
            raise not_found(assembled, id_)
        row = found[0]
        caller = tx.caller
        if caller.is_admin or row.get("project_id") == caller.project_id:
            return row
        clause = visible(assembled, SqlContext(self.schema, caller.is_admin))
        if clause is not None:
            table = self.schema.tables[assembled.name]
            statement = sa.select(table.c.id).where(table.c.id == id_, clause)
            parameters = {CALLER_PROJECT: caller.project_id}
            if not tx.connection.execute(statement, parameters).first():
                raise not_found(assembled, id_)
        return row

    def _enter(
        self, tx: Transaction, assembled: Assembled, above: Sequence[str], verb: str = ""
    ) -> Row | None:
        """The parent's row, if the caller may see everything that the URL names above it.

        Sets `tx.parent` to what the URL gives. With `verb` (create, update, delete, or an
        action's name) also: may the caller do that below the parent? Raises 404 of the first
        object that is missing, 403.
        """
        resource = assembled.resource
        if resource.parent is None:
            return None
        parent = self.registry[resource.parent]
        owner = self._enter(tx, parent, above[:-1])
        row = self.see(tx, parent, above[-1], tx.parent)
        tx.parent = {resource.parent_key: above[-1]}
        if "project_id" not in row and owner is not None:
            row["project_id"] = owner["project_id"]
        if verb and "project_id" not in assembled.attributes:
            policy.authorize_below(tx, assembled, row, verb)
        return row

    def update(
        self,
        caller: Caller,
        kind: str,
        id_: str,
        body: Any,
        above: Sequence[str] = (),
        revision: int | None = None,
    ) -> Row:
        """Change what the body gives. Raises 412 unless the row is at `revision`, if given."""
        assembled = self.registry[kind]
        given = validate.for_update(assembled, body)

        def run(tx: Transaction) -> Row:
            self._enter(tx, assembled, above, "update")
            if "update" in assembled.resource.handlers:
                return self._answers(
                    tx, assembled, [assembled.resource.handlers["update"](tx, id_, dict(given))]
                )[0]
            old = self.see(tx, assembled, id_, tx.parent)
            policy.authorize_update(tx, assembled, old, given)
            _match(assembled, old, revision)
            return self._answers(tx, assembled, [self.update_in(tx, kind, old, dict(given))])[0]

        return dict(self._write(caller, run))

    def update_in(self, tx: Transaction, kind: str, old: Row, given: Row) -> Row:
        """Change a row as part of a transaction under way, with every rule; the new row."""
        assembled = self.registry[kind]
        change = Change(old, {**old, **given}, given)
        moments: tuple[Moment, Moment] = ("update", "updated")
        for at in moments:
            if at == "updated":
                tx.update(kind, old, change.new)
            for item in assembled.rules.get(at, ()):
                if not item.when or item.when & given.keys():
                    item.run(tx, change)
        return change.new

    def delete(
        self,
        caller: Caller,
        kind: str,
        id_: str,
        above: Sequence[str] = (),
        revision: int | None = None,
    ) -> None:
        """Delete an object with what belongs to it. Raises 404, 403, 409, 412."""
        assembled = self.registry[kind]

        def run(tx: Transaction) -> None:
            self._enter(tx, assembled, above, "delete")
            if "delete" in assembled.resource.handlers:
                assembled.resource.handlers["delete"](tx, id_)
                return
            row = self.see(tx, assembled, id_, tx.parent)
            policy.authorize_write(tx, assembled, row, f"delete_{assembled.name}")
            _match(assembled, row, revision)
            self.delete_in(tx, kind, [row])

        self._write(caller, run)

    def delete_in(self, tx: Transaction, kind: str, rows: Sequence[Row]) -> None:
        """Delete rows as part of a transaction under way, with every rule."""
        assembled = self.registry[kind]
        for item in assembled.rules.get("delete", ()):
            for row in rows:
                item.run(tx, row)
        tx.delete(kind, [row["id"] for row in rows])
        for item in assembled.rules.get("deleted", ()):
            for row in rows:
                item.run(tx, row)

    def act(
        self,
        caller: Caller,
        kind: str,
        action: Action,
        id_: str | None,
        body: Any,
        query: Any,
        above: Sequence[str] = (),
        revision: int | None = None,
    ) -> Any:
        """Run an action on an object or, without id, on the collection."""
        assembled = self.registry[kind]

        def run(tx: Transaction) -> Any:
            row = self._enter(tx, assembled, above, action.name if action.writes else "")
            if id_ is not None:
                stored = assembled.resource.stored
                row = self.see(tx, assembled, id_, tx.parent) if stored else {"id": id_}
                _match(assembled, row, revision)
            policy.authorize_action(tx, assembled, action, row, member=id_ is not None)
            return action.run(tx, row, body, query)

        if action.writes:
            return self._write(caller, run)
        with self.database.read() as connection:
            return run(self.transaction(connection, caller))


def _match(assembled: Assembled, row: Row, revision: int | None) -> None:
    """The `If-Match: revision_number=N` of the revision-if-match extension."""
    if revision is None:
        return
    if "revision_number" not in row:
        raise invalid(f"{assembled.name} has no revision_number")
    if row["revision_number"] != revision:
        raise PreconditionFailed(
            "RevisionNumberConstraintFailed",
            f"Constrained to {revision}, but current revision is {row['revision_number']}",
        )
