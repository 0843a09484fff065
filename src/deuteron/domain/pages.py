# SPDX-License-Identifier: Apache-2.0
"""Filters, sorts and pages rows that do not come from a table of their own.

Invariant: gives what `store.queries` would give for the same rows in a table.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from deuteron.declare.attribute import Attribute
from deuteron.declare.registry import Assembled
from deuteron.declare.resource import Row
from deuteron.declare.types import Invalid
from deuteron.declare.validate import refused
from deuteron.domain import tags
from deuteron.store.queries import Query


def select_rows(assembled: Assembled, rows: Sequence[Row], query: Query) -> list[Row]:
    """The page of `rows` that the query asks for."""
    found = [row for row in rows if _matches(assembled, row, query)]
    for name, ascending in reversed(query.sort):
        found.sort(key=lambda row: _sortable(row.get(name)), reverse=not ascending)
    if query.page_reverse:
        found.reverse()
    if query.marker is not None:
        ids = [row.get("id") for row in found]
        found = found[ids.index(query.marker) + 1 :] if query.marker in ids else []
    if query.limit is not None:
        found = found[: query.limit]
    return found[::-1] if query.page_reverse else found


def _matches(assembled: Assembled, row: Row, query: Query) -> bool:
    for name, values in query.filters.items():
        if name in tags.FILTERS:
            if not tags.match(name, values, row.get("tags") or []):
                return False
            continue
        attribute = assembled.attributes["project_id" if name == "tenant_id" else name]
        if row.get(attribute.name) not in _parsed(attribute, values):
            return False
    return True


def _parsed(attribute: Attribute, values: list[str]) -> list[Any]:
    try:
        return [attribute.type.parse(value) for value in values]
    except Invalid as error:
        raise refused(attribute.name, error) from None


def _sortable(value: Any) -> tuple[bool, str | float]:
    number = isinstance(value, (int, float))
    return (value is not None, value if number else str(value))
