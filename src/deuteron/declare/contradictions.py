# SPDX-License-Identifier: Apache-2.0
"""What a declaration must not say, refused when the registry is built, before any request.

Invariant: a declaration that passes has a route, a column and a value for everything it promises.
Each function yields what is wrong, in words for the person who wrote the declaration.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from deuteron.declare.attribute import Attribute, Stored, Who

if TYPE_CHECKING:
    from deuteron.declare.registry import Assembled

Resources = Mapping[str, "Assembled"]


def find(resources: Resources) -> Iterator[str]:
    """Everything that is wrong, across all resources."""
    yield from _prefixes(resources)
    tables: dict[str, str] = {}
    for name, assembled in resources.items():
        for wrong in (*_place(assembled, resources), *_serving(assembled), *_rules(assembled)):
            yield f"{name}: {wrong}"
        for attribute in assembled.attributes.values():
            for wrong in _attribute(attribute, assembled, resources):
                yield f"{name}.{attribute.name}: {wrong}"
        if assembled.resource.stored:
            table = assembled.resource.table
            if tables.setdefault(table, name) != name:
                yield f"{name}: its table {table} is {tables[table]}'s"


def _prefixes(resources: Resources) -> Iterator[str]:
    """Errors of paths that nothing answers need one dialect for each prefix."""
    dialects: dict[str, str] = {}
    for name, assembled in resources.items():
        resource = assembled.resource
        if resource.parent is not None:
            continue
        for prefix in (resource.prefix, *resource.other_prefixes):
            if dialects.setdefault(prefix, resource.dialect.name) != resource.dialect.name:
                yield f"{name}: another dialect than others below {prefix}"


def _place(assembled: Assembled, resources: Resources) -> Iterator[str]:
    resource = assembled.resource
    if resource.parent is None:
        return
    if resource.parent not in resources:
        yield f"its parent {resource.parent} is not declared"
    key = assembled.attributes.get(resource.parent_key)
    if resource.stored and (key is None or key.stored is not Stored.COLUMN):
        yield f"its parent_key '{resource.parent_key}' is not one of its columns"
    if not resource.parent_key:
        yield "it has a parent but no parent_key"


def _serving(assembled: Assembled) -> Iterator[str]:
    resource = assembled.resource
    if resource.singleton:
        if resource.stored:
            yield "a singleton is always there, so it cannot be stored"
        if "create" in resource.verbs or (resource.parent and "list" in resource.verbs):
            yield "a singleton is neither created nor, below a parent, listed"
    if not resource.stored:
        for verb in sorted(resource.verbs - resource.handlers.keys()):
            yield f"it is not stored and has no handler for {verb}"
    for name in (name for group in resource.unique for name in group):
        attribute = assembled.attributes.get(name)
        if attribute is None or attribute.stored is not Stored.COLUMN:
            yield f"'{name}' in unique is not one of its columns"


def _rules(assembled: Assembled) -> Iterator[str]:
    for item in (item for moment in assembled.rules.values() for item in moment):
        for name in sorted(item.when - assembled.attributes.keys()):
            yield f"a rule of the moment {item.at} waits for unknown attribute '{name}'"


def _attribute(attribute: Attribute, assembled: Assembled, resources: Resources) -> Iterator[str]:
    if attribute.read not in (Who.ANYONE, Who.ADMIN):
        yield "reading is decided per request, so read is ANYONE (who sees the object) or ADMIN"
    if attribute.stored is not Stored.COLUMN and (attribute.index or attribute.references):
        yield "only a column can be indexed or refer to another resource"
    if attribute.references is not None and attribute.references not in resources:
        yield f"it refers to unknown resource {attribute.references}"
    if assembled.resource.stored:
        yield from _computed(attribute, assembled)


def _computed(attribute: Attribute, assembled: Assembled) -> Iterator[str]:
    if attribute.stored is not Stored.COMPUTED:
        if attribute.sql is not None:
            yield "sql makes a computed attribute; this one is stored"
        return
    expanded = any(
        not r.when or attribute.name in r.when for r in assembled.rules.get("expand", ())
    )
    if attribute.visible and attribute.sql is None and not expanded:
        yield "it is computed and visible, and neither sql nor an expand rule makes it"
    if attribute.filter and attribute.sql is None and attribute.filter_sql is None:
        yield "it cannot be filtered by without sql or filter_sql"
