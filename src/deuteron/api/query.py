# SPDX-License-Identifier: Apache-2.0
"""The query language of lists: filters, fields, sorting, paging.

Invariant: what leaves here names only declared attributes. Rules are those of the extensions
filter-validation, sorting and pagination of the Networking API.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qsl

from deuteron.declare.attribute import Stored
from deuteron.declare.registry import Assembled
from deuteron.errors import BadRequest
from deuteron.store.queries import Query

Pairs = list[tuple[str, str]]
_SPECIAL: Final = frozenset({"fields", "sort_key", "sort_dir", "limit", "marker", "page_reverse"})


def parse_pairs(query_string: bytes) -> Pairs:
    """The names and values of a query string, in order, empty values kept."""
    return parse_qsl(query_string.decode("utf-8", "replace"), keep_blank_values=True)


def parse(assembled: Assembled, pairs: Pairs, max_limit: int | None) -> Query:
    """The list request that a query string makes. Raises 400."""
    query = Query()
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        if "\x00" in value:
            raise _refused(f"the value of {name} must not contain NUL characters")
        values.setdefault(name, []).append(value)
    query.fields = tuple(f for f in values.get("fields", ()) if f)
    _sorting(assembled, values, query)
    _paging(values, query, max_limit)
    unknown = []
    for name, wanted in values.items():
        if name in _SPECIAL:
            continue
        attribute = assembled.attributes.get("project_id" if name == "tenant_id" else name)
        if attribute is None or not attribute.filter:
            unknown.append(name)
        else:
            query.filters[name] = wanted
    if unknown:
        names = ", ".join(sorted(unknown))
        raise _refused(f"[{names}] is invalid attribute for filter")
    return query


def _sorting(assembled: Assembled, values: dict[str, list[str]], query: Query) -> None:
    keys = values.get("sort_key", [])
    directions = values.get("sort_dir", [])
    if len(directions) > len(keys) or (directions and len(directions) != len(keys)):
        raise _refused("The number of sort_keys and sort_dirs must be same")
    for index, key in enumerate(keys):
        name = "project_id" if key == "tenant_id" else key
        attribute = assembled.attributes.get(name)
        if attribute is None or not attribute.sort or attribute.stored is not Stored.COLUMN:
            raise _refused(f"{key} is invalid attribute for sort_keys")
        direction = directions[index] if directions else "asc"
        if direction not in ("asc", "desc"):
            raise _refused(
                f"{direction} is invalid value for sort_dirs, valid value is 'asc' and 'desc'"
            )
        query.sort.append((name, direction == "asc"))


def _paging(values: dict[str, list[str]], query: Query, max_limit: int | None) -> None:
    if "limit" in values:
        text = values["limit"][0]
        if not text.isascii() or not text.isdigit():
            raise _refused(f"Limit must be an integer 0 or greater and not '{text}'")
        number = int(text[:18])
        query.limit = number or None
    if max_limit is not None:
        query.limit = min(query.limit or max_limit, max_limit)
    query.marker = values["marker"][0] if values.get("marker", [""])[0] else None
    query.page_reverse = values.get("page_reverse", ["false"])[0].lower() in ("true", "1")


def _refused(message: str) -> BadRequest:
    return BadRequest("HTTPBadRequest", message)
