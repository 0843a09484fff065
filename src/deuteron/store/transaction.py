# SPDX-License-Identifier: Apache-2.0
"""What a rule can do inside a request's transaction.

Invariant: every write to an object that the engine knows leaves a dirty mark in the same
transaction; statements looked up by equal keys are built once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from deuteron.declare.attribute import Stored
from deuteron.declare.registry import Assembled, Registry
from deuteron.declare.resource import Row
from deuteron.store.database import Retry
from deuteron.store.queries import CALLER_PROJECT, Query, SqlContext
from deuteron.store.rows import Reader, encode, encode_changes
from deuteron.store.schema import Schema, insert_into

if TYPE_CHECKING:
    from deuteron.auth.caller import Caller
    from deuteron.service import Service
    from deuteron.settings import Settings


# Marks a key that is compared with several values.
_SEVERAL: Final = "__in"


def now() -> str:
    """The present second as the API writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Statements:
    """Selects built once per process: by resource, keys and whether for rules or for answers."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self._found: dict[tuple[Any, ...], tuple[sa.Select[Any], Reader]] = {}

    def by_keys(self, assembled: Assembled, keys: tuple[str, ...]) -> tuple[sa.Select[Any], Reader]:
        """A select of whole rows by columns equal to (or among) parameters named as they are."""
        cached = self._found.get((assembled.name, keys))
        if cached is None:
            cached = self._found[assembled.name, keys] = self._build(assembled, keys)
        return cached

    def _build(self, assembled: Assembled, keys: tuple[str, ...]) -> tuple[sa.Select[Any], Reader]:
        table = self.schema.tables[assembled.name]
        context = SqlContext(self.schema)
        computed = {
            a.name: a.sql(table, context)
            for a in assembled.attributes.values()
            if a.stored is Stored.COMPUTED and a.sql is not None
        }
        names = [*assembled.attributes]
        reader = Reader(assembled, table, names, computed, raw=False)
        statement = sa.select(*reader.columns).select_from(table)
        for key in keys:
            name, several, _ = key.partition(_SEVERAL)
            column = table.c[assembled.attributes[name].column]
            if several:
                statement = statement.where(column.in_(sa.bindparam(key, expanding=True)))
            else:
                statement = statement.where(column == sa.bindparam(key))
        if "id" in assembled.attributes:
            statement = statement.order_by(table.c.id)
        return statement, reader


class Transaction:
    """One request's reads and writes, as one caller."""

    def __init__(
        self,
        connection: sa.Connection,
        statements: Statements,
        registry: Registry,
        settings: Settings,
        caller: Caller,
        service: Service,
    ) -> None:
        self.connection = connection
        self.statements = statements
        self.schema = statements.schema
        self.registry = registry
        self.settings = settings
        self.caller = caller
        self.service = service
        # The attributes that the URL gives of what is above the object, for a resource's handlers.
        self.parent: Row | None = None
        # The list request under way; a `list` handler takes out the filters that it has applied.
        self.query = Query()

    def find(self, kind: str, **keys: Any) -> list[Row]:
        """Whole rows whose attributes equal the keys; a list or tuple means any of its items."""
        several = {k for k, v in keys.items() if isinstance(v, (list, tuple, set, frozenset))}
        if any(not keys[k] for k in several):
            return []
        names = tuple(k + _SEVERAL if k in several else k for k in keys)
        statement, reader = self.statements.by_keys(self.registry[kind], names)
        values = (list(v) if k in several else v for k, v in keys.items())
        parameters = dict(zip(names, values, strict=True))
        parameters[CALLER_PROJECT] = self.caller.project_id
        return reader.rows(self.connection.execute(statement, parameters))

    def get(self, kind: str, id_: str) -> Row | None:
        """The row with this id, whoever owns it."""
        found = self.find(kind, id=id_)
        return found[0] if found else None

    def insert(self, kind: str, rows: Sequence[Row]) -> None:
        """Insert whole rows in one statement. Raises the resource's `conflict` for a double."""
        if not rows:
            return
        assembled = self.registry[kind]
        columns = [encode(assembled, row) for row in rows]
        try:
            self.connection.execute(insert_into(self.schema.tables[kind]), columns)
        except IntegrityError as error:
            raise self._conflict(assembled, error, rows[0]) from error
        if assembled.resource.engine:
            self.mark_dirty(kind, [row["id"] for row in rows])

    def update(self, kind: str, old: Row, new: Row) -> None:
        """Write what differs, if anything does, as the next revision of the row; `new` follows.

        Raises `Retry` if another transaction changed the row since `old` was read.
        """
        assembled = self.registry[kind]
        changed = [n for n in new if n in assembled.attributes and new[n] != old.get(n)]
        if changed:
            self._write(assembled, old, new, changed)

    def _write(self, assembled: Assembled, old: Row, new: Row, changed: list[str]) -> None:
        table = self.schema.tables[assembled.name]
        condition = table.c.id == old["id"]
        if "revision_number" in assembled.attributes:
            condition &= table.c.revision_number == old["revision_number"]
            new["revision_number"] = old["revision_number"] + 1
            new["updated_at"] = now()
            changed = [*changed, "revision_number", "updated_at"]
        columns = encode_changes(assembled, new, changed)
        if columns:
            try:
                done = self.connection.execute(table.update().where(condition).values(columns))
            except IntegrityError as error:
                raise self._conflict(assembled, error, new) from error
            if not done.rowcount:
                raise Retry
        if assembled.resource.engine:
            self.mark_dirty(assembled.name, [old["id"]])

    def bump(self, kind: str, ids: Iterable[str]) -> None:
        """Count a change of objects whose children changed."""
        table = self.schema.tables[kind]
        self.connection.execute(
            table.update()
            .where(table.c.id.in_(sorted(set(ids))))
            .values(revision_number=table.c.revision_number + 1, updated_at=now())
        )

    def delete(self, kind: str, ids: Sequence[str]) -> None:
        """Delete rows by id."""
        if not ids:
            return
        table = self.schema.tables[kind]
        try:
            self.connection.execute(table.delete().where(table.c.id.in_(ids)))
        except IntegrityError as error:
            raise _lost_race(error) from error
        if self.registry[kind].resource.engine:
            self.mark_dirty(kind, ids)

    def mark_dirty(self, kind: str, ids: Iterable[str]) -> None:
        """Ask the loop to look at these objects once the transaction is committed."""
        marks = [{"kind": kind, "id": id_} for id_ in ids]
        if marks:
            self.connection.execute(insert_into(self.schema.dirty), marks)

    def _conflict(self, assembled: Assembled, error: IntegrityError, row: Row) -> Exception:
        text = str(error.orig)
        for group in assembled.resource.unique:
            columns = [assembled.attributes[n].column for n in group]
            table = self.schema.tables[assembled.name].name
            by_name = "_".join(("uq", table, *columns))
            by_columns = ", ".join(f"{table}.{c}" for c in columns)
            if re.search(rf"\b{by_name}\b", text) or by_columns in text:
                if assembled.resource.conflict is None:
                    return Retry()
                return assembled.resource.conflict(row, group)
        return _lost_race(error)


def _lost_race(error: IntegrityError) -> Exception:
    """A parent that was deleted, or a child that was inserted, since the rules looked: `Retry`."""
    return Retry() if "foreign key" in str(error.orig).lower() else error


def mapping(rows: Iterable[Row], key: str = "id") -> Mapping[str, Row]:
    """Rows by one attribute."""
    return {row[key]: row for row in rows}
