# SPDX-License-Identifier: Apache-2.0
"""Everything this server speaks: our own resources and extensions, and installed packages'.

Invariant: a file in `resources/` or `extensions/` is served because it is there; no list names it.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import pkgutil
from collections.abc import Iterator
from types import ModuleType
from typing import TypeVar

from deuteron import extensions, resources
from deuteron.declare.registry import ENTRY_POINTS, Registry, as_list, installed_extensions
from deuteron.declare.resource import Extension, Resource

Declared = TypeVar("Declared", Resource, Extension)


def load() -> Registry:
    """The registry of all declarations. Raises ValueError if two contradict each other."""
    own = list(_declared(extensions, Extension))
    return Registry.build(_declared(resources, Resource), [*own, *installed_extensions()])


def origins() -> dict[str, str]:
    """The module that brings each extension, by alias; installed packages' by entry point."""
    found: dict[str, str] = {}
    prefix = f"{extensions.__name__}."
    for info in pkgutil.walk_packages(extensions.__path__, prefix):
        for value in vars(importlib.import_module(info.name)).values():
            for item in value if isinstance(value, tuple) else (value,):
                if isinstance(item, Extension):
                    found.setdefault(item.alias, info.name)
    for point in importlib.metadata.entry_points(group=ENTRY_POINTS):
        for item in as_list(point.load()):
            found[item.alias] = point.value
    return found


def _declared(package: ModuleType, kind: type[Declared]) -> Iterator[Declared]:
    """The objects of a kind that the modules of a package define, packages within included."""
    seen: set[int] = set()
    prefix = f"{package.__name__}."
    for info in sorted(pkgutil.walk_packages(package.__path__, prefix), key=lambda i: i.name):
        for value in vars(importlib.import_module(info.name)).values():
            found = value if isinstance(value, tuple) else (value,)
            for item in found:
                if isinstance(item, kind) and id(item) not in seen:
                    seen.add(id(item))
                    yield item
