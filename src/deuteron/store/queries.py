# SPDX-License-Identifier: Apache-2.0
"""Selects: what a caller may see, filtered, sorted and paged.

Invariant: the number of statements of a read does not depend on the number of rows; a condition
names tables only through `SqlContext`, and values only as bound parameters, so that a statement
is compiled once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import GenericFunction

from deuteron.declare.attribute import Attribute, Stored, Who
from deuteron.declare.registry import Assembled
from deuteron.declare.types import Boolean, Invalid, Nullable, Type
from deuteron.declare.validate import refused
from deuteron.store.schema import Schema

CALLER_PROJECT: Final = "caller_project"
_MOST_IN: Final = 20_000


class json_text(GenericFunction[str]):  # noqa: N801  an SQL function's name
    """The value of a key of a JSON object in a text column, as text; SQL null for null."""

    type = sa.Text()
    inherit_cache = True
    name = "json_text"


@compiles(json_text, "sqlite")
def _json_text_sqlite(element: Any, compiler: Any, **kw: Any) -> str:
    column, key = (compiler.process(c, **kw) for c in element.clauses)
    return f"CAST(json_extract({column}, '$.\"' || {key} || '\"') AS TEXT)"


@compiles(json_text, "postgresql")
def _json_text_postgresql(element: Any, compiler: Any, **kw: Any) -> str:
    column, key = (compiler.process(c, **kw) for c in element.clauses)
    return f"(({column})::json ->> {key})"


@compiles(json_text, "mysql")
def _json_text_mysql(element: Any, compiler: Any, **kw: Any) -> str:
    column, key = (compiler.process(c, **kw) for c in element.clauses)
    return f"JSON_VALUE({column}, CONCAT('$.\"', {key}, '\"'))"


class position(GenericFunction[int]):  # noqa: N801  an SQL function's name
    """Where text occurs in text, exactly; 0 if it does not."""

    type = sa.Integer()
    inherit_cache = True
    name = "instr"


@compiles(position, "postgresql")
def _position_postgresql(element: Any, compiler: Any, **kw: Any) -> str:
    column, text = (compiler.process(c, **kw) for c in element.clauses)
    return f"strpos({column}, {text})"


@dataclass(frozen=True, slots=True)
class SqlContext:
    """What a declaration's SQL may name: the schema, and the caller's project as a parameter."""

    schema: Schema
    admin: bool = False

    @property
    def tables(self) -> dict[str, sa.Table]:
        return self.schema.tables

    @property
    def project(self) -> sa.BindParameter[str]:
        return sa.bindparam(CALLER_PROJECT, type_=sa.String())

    def shared(self, object_type: str, table: sa.Table, action: str = "access_as_shared") -> Any:
        """Whether RBAC lets the caller's project use the row of `table`."""
        rbac = self.tables["rbac_policy"]
        return sa.exists().where(
            rbac.c.object_type == object_type,
            rbac.c.object_id == table.c.id,
            rbac.c.action == action,
            rbac.c.target_tenant.in_(("*", self.project)),
        )


@dataclass(slots=True)
class Query:
    """A list request. `filters` are query string values by attribute name, already known names.

    `fields` empty means all. `sort` are (attribute, ascending). `limit` None means all.
    """

    filters: dict[str, list[str]] = field(default_factory=dict)
    fields: tuple[str, ...] = ()
    sort: list[tuple[str, bool]] = field(default_factory=list)
    limit: int | None = None
    marker: str | None = None
    page_reverse: bool = False


def visible(assembled: Assembled, context: SqlContext) -> Any | None:
    """The condition for the caller to see a row, None if there is none."""
    resource, table = assembled.resource, context.tables[assembled.name]
    if context.admin:
        return None
    if resource.read_who is Who.ADMIN:
        return sa.false()
    if resource.visible is not None:
        return resource.visible(table, context)
    if "project_id" not in assembled.attributes:
        return None
    own = table.c.project_id == context.project
    return own | context.shared(resource.rbac, table) if resource.rbac else own


def expression(assembled: Assembled, attribute: Attribute, context: SqlContext) -> Any:
    """The SQL expression of an attribute's stored or computed value."""
    table = context.tables[assembled.name]
    if attribute.sql is not None:
        return attribute.sql(table, context)
    if attribute.stored is Stored.EXT:
        return json_text(table.c.ext, attribute.name)
    return table.c[attribute.column]


def condition(
    assembled: Assembled, attribute: Attribute, values: list[str], context: SqlContext
) -> Any:
    """The condition of one filter: the attribute equals one of the values.

    Raises 400 if a value cannot be one of the attribute's.
    """
    try:
        if attribute.filter_sql is not None:
            return attribute.filter_sql(context.tables[assembled.name], context, values)
        wanted = [attribute.type.parse(v) for v in values]
    except Invalid as error:
        raise refused(attribute.name, error) from None
    left = expression(assembled, attribute, context)
    if _is_boolean(attribute.type):
        return _boolean(attribute, left, wanted)
    if attribute.stored is Stored.EXT:
        wanted = [None if v is None else str(v) for v in wanted]
    given = [v for v in wanted if v is not None and _storable(v)]
    alternatives = [left.in_(given)] if given else []
    if None in wanted:
        alternatives.append(left.is_(None) | (sa.cast(left, sa.Text) == ""))
    return sa.or_(sa.false(), *alternatives)


def _storable(value: Any) -> bool:
    """Whether databases can compare with the value at all."""
    return not isinstance(value, int) or abs(value) < 2**63


def _is_boolean(type_: Type) -> bool:
    return isinstance(type_.of if isinstance(type_, Nullable) else type_, Boolean)


def _boolean(attribute: Attribute, left: Any, wanted: list[Any]) -> Any:
    """Truth is stored as the database has it; in `ext`, databases spell it 1 or true."""
    alternatives = []
    for value in dict.fromkeys(wanted):
        if value is None:
            alternatives.append(left.is_(None))
        elif attribute.stored is Stored.EXT:
            alternatives.append(left.in_(("1", "true") if value else ("0", "false")))
        elif attribute.sql is not None:
            alternatives.append(left if value else sa.not_(left))
        else:
            alternatives.append(left == value)
    return sa.or_(*alternatives)


def tags_condition(
    table: sa.Table, tags: Sequence[str], *, every: bool, negate: bool, encode: Any
) -> Any:
    """Rows whose tags include every one, or any, of `tags`; or not.

    Tags are stored as a JSON list of strings, in which a quoted tag that follows a bracket or a
    comma occurs only as itself: quotes within tags follow a backslash.
    """
    quoted = [encode(t).decode() for t in tags]
    found = [
        (position(table.c.tags, f"[{tag}") > 0) | (position(table.c.tags, f",{tag}") > 0)
        for tag in quoted
    ]
    together = sa.and_(*found) if every else sa.or_(*found)
    return sa.not_(together) if negate else together


def order_and_page(
    statement: sa.Select[Any], assembled: Assembled, query: Query, context: SqlContext, marker: Any
) -> sa.Select[Any]:
    """Sort (ties by id) and cut to the page after `marker` (the marker's row, or None)."""
    table = context.tables[assembled.name]
    keys = [*query.sort]
    if "id" in assembled.attributes and all(name != "id" for name, _ in keys):
        keys.append(("id", True))
    if query.page_reverse:
        keys = [(name, not ascending) for name, ascending in keys]
    columns = [(table.c[assembled.attributes[n].column], n, ascending) for n, ascending in keys]
    if marker is not None:
        statement = statement.where(_after(columns, marker))
    order = [c.asc() if ascending else c.desc() for c, _, ascending in columns]
    statement = statement.order_by(*order)
    return statement if query.limit is None else statement.limit(query.limit)


def _after(columns: list[tuple[Any, str, bool]], marker: dict[str, Any]) -> Any:
    """Rows behind the marker in lexicographic order of the sort keys. Nulls sort as least."""
    alternatives: list[Any] = []
    equal: list[Any] = []
    for column, name, ascending in columns:
        value = marker[name]
        if value is None:
            alternatives.append(sa.and_(*equal, column.is_not(None) if ascending else sa.false()))
            equal.append(column.is_(None))
            continue
        beyond = column > value if ascending else (column < value) | column.is_(None)
        alternatives.append(sa.and_(*equal, beyond))
        equal.append(column == value)
    return sa.or_(*alternatives)


def among(column: Any, ids: Sequence[str]) -> Any:
    """`column` is one of `ids`; everything if they are too many to name in one statement."""
    return column.in_(ids) if len(ids) <= _MOST_IN else sa.true()
