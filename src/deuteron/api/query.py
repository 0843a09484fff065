# SPDX-License-Identifier: Apache-2.0
"""The query language of lists: filters, fields, sorting, paging.

Invariant: what leaves here names only declared attributes. Rules and error texts are those of the
extensions filter-validation, empty-string-filtering, sorting and pagination of the Networking API.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qsl

from deuteron.declare.attribute import Stored
from deuteron.declare.registry import Assembled
from deuteron.domain.tags import FILTERS as TAG_FILTERS
from deuteron.errors import MALFORMED, BadRequest, bad_request
from deuteron.store.queries import Query

Pairs = list[tuple[str, str]]
_SPECIAL: Final = frozenset({"fields", "sort_key", "sort_dir", "limit", "marker", "page_reverse"})
_MOST: Final = 2**31 - 1


def parse_pairs(query_string: bytes) -> Pairs:
    """The names and values of a query string, in order, empty values kept. Raises 400."""
    if not query_string:
        return []
    try:
        text = query_string.decode("ascii")
        return parse_qsl(text, keep_blank_values=True, errors="strict")
    except ValueError:
        raise BadRequest("HTTPBadRequest", MALFORMED) from None


def parse_fields(pairs: Pairs) -> tuple[str, ...]:
    """The attributes that an answer is to have; empty for all. Unknown ones are left out of it."""
    return tuple(value for name, value in pairs if name == "fields")


def parse(assembled: Assembled, pairs: Pairs, max_limit: int | None = None) -> Query:
    """The list request that a query string makes. Raises 400."""
    query = Query()
    if pairs:
        values: dict[str, list[str]] = {}
        for name, value in pairs:
            values.setdefault(name, []).append(value)
        query.fields = parse_fields(pairs)
        query.filters = _filters(assembled, values)
        query.sort = _sorting(assembled, values)
        _paging(values, query)
    if max_limit is not None:
        query.limit = min(query.limit or max_limit, max_limit)
    if query.limit is None:
        query.marker = None
    return query


def _filters(assembled: Assembled, values: dict[str, list[str]]) -> dict[str, list[str]]:
    found, unknown = {}, []
    for name, wanted in values.items():
        if name in _SPECIAL:
            continue
        if name in TAG_FILTERS:
            known = assembled.resource.taggable
        else:
            attribute = assembled.attributes.get("project_id" if name == "tenant_id" else name)
            known = attribute is not None and attribute.filter
        if not known:
            unknown.append(name)
        elif any("\x00" in value for value in wanted):
            raise _refused(f"the value of {name} must not contain NUL characters")
        else:
            found[name] = wanted
    if unknown:
        raise _refused(f"{unknown} is invalid attribute for filtering")
    return found


def _sorting(assembled: Assembled, values: dict[str, list[str]]) -> list[tuple[str, bool]]:
    keys = [key for key in values.get("sort_key", ()) if key]
    directions = [direction for direction in values.get("sort_dir", ()) if direction]
    if len(keys) != len(directions):
        raise _refused("The number of sort_keys and sort_dirs must be same")
    unknown = [key for key in keys if not _sortable(assembled, key)]
    if unknown:
        raise _refused(f"{unknown} is invalid attribute for sort_keys")
    wrong = [direction for direction in directions if direction not in ("asc", "desc")]
    if wrong:
        raise _refused(f"{wrong} is invalid value for sort_dirs, valid value is 'asc' and 'desc'")
    names = ["project_id" if key == "tenant_id" else key for key in keys]
    return [(n, d == "asc") for n, d in zip(names, directions, strict=True)]


def _sortable(assembled: Assembled, key: str) -> bool:
    attribute = assembled.attributes.get("project_id" if key == "tenant_id" else key)
    if attribute is None or not attribute.sort:
        return False
    return attribute.stored is Stored.COLUMN or not assembled.resource.stored


def _paging(values: dict[str, list[str]], query: Query) -> None:
    """The last of repeated values counts."""
    if "limit" in values:
        text = values["limit"][-1]
        try:
            number = int(text[:4000])
        except ValueError:
            number = -1
        if number < 0:
            raise bad_request("limit", f"Limit must be an integer 0 or greater and not '{text}'")
        query.limit = min(number, _MOST) or None
    query.marker = values.get("marker", [""])[-1] or None
    query.page_reverse = values.get("page_reverse", ["false"])[-1].lower() == "true"


def _refused(message: str) -> BadRequest:
    return BadRequest("HTTPBadRequest", message)
