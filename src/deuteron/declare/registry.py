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

from deuteron.declare import contradictions
from deuteron.declare.attribute import REQUIRED, UNSET, Attribute, Stored
from deuteron.declare.resource import (
    NEUTRON,
    Action,
    Dialect,
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
    the names that a create must give; `stored`, the name, column and whether it is JSON of each
    attribute with a column.
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
    name: str
    stored: tuple[tuple[str, str, bool], ...]


class Registry(dict[str, Assembled]):
    """Every resource by name, and every extension by alias."""

    def __init__(self, resources: dict[str, Assembled], extensions: dict[str, Extension]) -> None:
        super().__init__(resources)
        self.resources = resources
        self.extensions = extensions
        self._dialects = {
            prefix: a.resource.dialect
            for a in resources.values()
            if a.resource.parent is None
            for prefix in (a.resource.prefix, *a.resource.other_prefixes)
        }

    def paths(self, name: str) -> tuple[str, ...]:
        """The path of a collection below each of its prefixes; `{}` stands for a parent's id."""
        resource = self[name].resource
        if resource.parent is None:
            prefixes = (resource.prefix, *resource.other_prefixes)
            return tuple(f"{prefix}/{resource.url}" for prefix in prefixes)
        parent = self[resource.parent].resource
        return tuple(f"{parent.item(above)}/{resource.url}" for above in self.paths(parent.name))

    def dialect_of(self, path: str) -> Dialect:
        """How errors of a request for `path` look, also of one that nothing answers."""
        found = [prefix for prefix in self._dialects if f"{path}/".startswith(f"{prefix}/")]
        return self._dialects[max(found, key=len)] if found else NEUTRON

    @classmethod
    def build(cls, core: Iterable[Resource], extensions: Iterable[Extension]) -> Registry:
        """Apply extensions to resources. Raises ValueError if declarations contradict."""
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
        wrong = list(contradictions.find(assembled))
        if wrong:
            raise ValueError("; ".join(wrong))
        return cls(assembled, dict(sorted(by_alias.items())))


def installed_extensions() -> list[Extension]:
    """The extensions of other packages, found by their entry points."""
    found = importlib.metadata.entry_points(group=ENTRY_POINTS)
    return [extension for point in found for extension in as_list(point.load())]


def as_list(loaded: Any) -> list[Extension]:
    """What an entry point names: one extension or several. Raises TypeError for anything else."""
    extensions = loaded if isinstance(loaded, (list, tuple)) else [loaded]
    for extension in extensions:
        if not isinstance(extension, Extension):
            raise TypeError(f"{extension!r} is not a deuteron Extension")
    return list(extensions)


def _refuse_unknown(extensions: Iterable[Extension], declared: dict[str, Resource]) -> None:
    for extension in extensions:
        added = (extension.attributes, extension.rules, extension.actions, extension.compile)
        for name in (name for mapping in added for name in mapping):
            if name not in declared:
                raise ValueError(f"extension {extension.alias} adds to unknown resource {name}")


def _assemble(
    resource: Resource, extensions: list[Extension], declared: dict[str, Resource]
) -> Assembled:
    attributes: dict[str, Attribute] = {}
    added = [a for e in extensions for a in e.attributes.get(resource.name, ())]
    derived = resource.derive(declared) if resource.derive else ()
    for attribute in (
        *standard_attributes(resource, added),
        *resource.attributes,
        *derived,
        *added,
    ):
        if attribute.name in attributes:
            raise ValueError(f"{resource.name}.{attribute.name} is declared twice")
        attributes[attribute.name] = attribute
    rules: dict[Moment, tuple[Rule, ...]] = {}
    for item in (*resource.rules, *(r for e in extensions for r in e.rules.get(resource.name, ()))):
        rules[item.at] = (*rules.get(item.at, ()), item)
    actions = [
        *resource.actions,
        *(a for e in extensions for a in e.actions.get(resource.name, ())),
    ]
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
            a.name: a.default if callable(a.default) else a.default.copy
            for a in given.values()
            if callable(a.default) or isinstance(a.default, (list, dict))
        },
        required=frozenset(a.name for a in given.values() if a.post and a.default is REQUIRED),
        rules=rules,
        actions={(a.method, a.on, a.name): a for a in actions},
        compile=tuple(e.compile[resource.name] for e in extensions if resource.name in e.compile),
        columns=tuple(a for a in stored if a.stored is Stored.COLUMN),
        ext=tuple(a for a in stored if a.stored is Stored.EXT),
        name=resource.name,
        stored=tuple((a.name, a.column, a.is_json) for a in stored if a.stored is Stored.COLUMN),
    )
