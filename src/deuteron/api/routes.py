# SPDX-License-Identifier: Apache-2.0
"""The route table: which handler answers which path, made from the registry.

Invariant: a path's handler is found in as many steps as it has segments, whatever the number of
resources.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

VARIABLE: Final = "{}"


@dataclass(slots=True)
class Node:
    """A segment of paths: the segments that may follow it and the methods served at its end."""

    children: dict[str, Node] = field(default_factory=dict)
    methods: dict[str, Callable[..., Any]] = field(default_factory=dict)


class Routes:
    """Handlers by method and path; a segment `{}` matches anything and is passed on.

    Slashes at the end and doubled ones make no difference, nor does it whether the words of a
    name are parted by `-` or `_`: upstream takes both, and its clients use both. `exact` finds a
    collection's path, as clients write it, in one step.
    """

    def __init__(self) -> None:
        self._root = Node()
        self.exact: dict[str, Node] = {}

    def add(self, method: str, path: str, handler: Callable[..., Any]) -> None:
        """Serve `method path`, for example GET `/v2.0/networks/{}`. Raises if served already."""
        node = self._root
        for segment in filter(None, path.split("/")):
            node = node.children.setdefault(segment, Node())
        if method in node.methods:
            raise ValueError(f"{method} {path} is declared twice")
        node.methods[method] = handler
        if VARIABLE not in path:
            self.exact[path] = node

    def find(self, path: str) -> tuple[Node | None, list[str]]:
        """The node of a path with the values of its variable segments; None for no such path."""
        node: Node | None = self._root
        values: list[str] = []
        for segment in filter(None, path.split("/")):
            assert node is not None
            following = None if segment == VARIABLE else node.children.get(segment)
            if following is None and (following := node.children.get(VARIABLE)) is not None:
                values.append(segment)
            following = following or _respelled(node, segment)
            if following is None:
                return None, []
            node = following
        return node, values

    def paths(self) -> dict[str, list[str]]:
        """Every path with its methods, sorted: the endpoint list."""
        found: dict[str, list[str]] = {}

        def walk(node: Node, path: str) -> None:
            if node.methods:
                found[path or "/"] = sorted(node.methods)
            for segment, child in sorted(node.children.items()):
                walk(child, f"{path}/{segment}")

        walk(self._root, "")
        return dict(sorted(found.items()))


def _respelled(node: Node, segment: str) -> Node | None:
    """The child of the same name with its words parted the other way."""
    found = node.children.get(segment.replace("_", "-"))
    return found or node.children.get(segment.replace("-", "_"))
