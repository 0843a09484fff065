# SPDX-License-Identifier: Apache-2.0
"""All declarations put together: the resources with every extension's additions applied.

Invariant: after `Registry.build`, nothing about the API changes; every other part derives from it.
Third parties add `Extension` objects through the entry point group `deuteron.extensions`.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from deuteron.declare.attribute import REQUIRED, UNSET, Attribute, Stored
from deuteron.declare.resource import (
    Action,
    Extension,
    Moment,
    Resource,
    Row,
    Rule,
    standard_attributes,
)

ENTRY_POINTS: Final = "deuteron.extensions"


@dataclass(frozen=True, slots=True)
class Assembled:
    """A resource with its standard attributes and those of all extensions.

    `defaults` is the row of a create that gives nothing (values may be `UNSET`); `required`,
    the names that a create must give.
    """

    resource: Resource
    attributes: dict[str, Attribute]
    defaults: dict[str, Any]
    default_makers: dict[str, Callable[[], Any]]
    required: frozenset[str]
    rules: dict[Moment, tuple[Rule, ...]]
    actions: dict[tuple[str, str, str], Action]
    compile: tuple[Callable[[Row, Any], Any], ...]
    columns: tuple[Attribute, ...]
    ext: tuple[Attribute, ...]

    @property
    def name(self) -> str:
        return self.resource.name


class Registry:
    """Every resource by name, and every extension by alias."""

    def __init__(self, resources: dict[str, Assembled], extensions: dict[str, Extension]) -> None:
        self.resources = resources
        self.extensions = extensions

    def __getitem__(self, name: str) -> Assembled:
        return self.resources[name]

    def __contains__(self, name: str) -> bool:
        return name in self.resources

    @classmethod
    def build(cls, core: Iterable[Resource], extensions: Iterable[Extension]) -> Registry:
        """Apply extensions to resources. Raises ValueError if a declaration contradicts another."""
        by_alias: dict[str, Extension] = {}
        for extension in extensions:
            if extension.alias in by_alias:
                raise ValueError(f"extension {extension.alias} is declared twice")
            by_alias[extension.alias] = extension
        declared = {r.name: r for r in core}
        for extension in by_alias.values():
            for resource in extension.resources:
                if resource.name in declared:
                    raise ValueError(f"resource {resource.name} is declared twice")
                declared[resource.name] = resource
        _refuse_unknown(by_alias.values(), declared)
        order = list(by_alias.values())
        assembled = {name: _assemble(r, order, declared) for name, r in declared.items()}
        return cls(assembled, dict(sorted(by_alias.items())))


def installed_extensions() -> list[Extension]:
    """The extensions of other packages, found by their entry points."""
    found = importlib.metadata.entry_points(group=ENTRY_POINTS)
    return [extension for point in found for extension in _as_list(point.load())]


def _as_list(loaded: Any) -> list[Extension]:
    extensions = loaded if isinstance(loaded, (list, tuple)) else [loaded]
    for extension in extensions:
        if not isinstance(extension, Extension):
            raise TypeError(f"{extension!r} is not a deuteron Extension")
    return list(extensions)


def _refuse_unknown(extensions: Iterable[Extension], declared: dict[str, Resource]) -> None:
    for extension in extensions:
        for name in (*extension.attributes, *extension.rules, *extension.compile):
            if name not in declared:
                raise ValueError(f"extension {extension.alias} adds to unknown resource {name}")


def _assemble(
    resource: Resource, extensions: list[Extension], declared: dict[str, Resource]
) -> Assembled:
    attributes: dict[str, Attribute] = {}
    added = [a for e in extensions for a in e.attributes.get(resource.name, ())]
    derived = resource.derive(declared) if resource.derive else ()
    for attribute in (*standard_attributes(resource), *resource.attributes, *derived, *added):
        if attribute.name in attributes:
            raise ValueError(f"{resource.name}.{attribute.name} is declared twice")
        attributes[attribute.name] = attribute
    rules: dict[Moment, tuple[Rule, ...]] = {}
    for item in (*resource.rules, *(r for e in extensions for r in e.rules.get(resource.name, ()))):
        rules[item.at] = (*rules.get(item.at, ()), item)
    stored = [a for a in attributes.values() if a.stored is not Stored.COMPUTED]
    given = {a.name: a for a in attributes.values() if a.stored is not Stored.COMPUTED or a.post}
    return Assembled(
        resource=resource,
        attributes=attributes,
        defaults={
            a.name: UNSET if a.default is REQUIRED else a.default
            for a in given.values()
            if not callable(a.default) and not isinstance(a.default, (list, dict))
        },
        default_makers={
            a.name: a.default_value
            for a in given.values()
            if callable(a.default) or isinstance(a.default, (list, dict))
        },
        required=frozenset(a.name for a in given.values() if a.post and a.default is REQUIRED),
        rules=rules,
        actions={(a.method, a.on, a.name): a for a in resource.actions},
        compile=tuple(e.compile[resource.name] for e in extensions if resource.name in e.compile),
        columns=tuple(a for a in stored if a.stored is Stored.COLUMN),
        ext=tuple(a for a in stored if a.stored is Stored.EXT),
    )
