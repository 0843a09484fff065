# SPDX-License-Identifier: Apache-2.0
"""Declarations that cannot be served are refused when they are put together, with the reason."""

from __future__ import annotations

from typing import Any

import pytest

from deuteron.declare.attribute import Attribute, Stored, Who
from deuteron.declare.registry import Registry
from deuteron.declare.resource import LBAAS, Extension, Resource, rule
from deuteron.declare.types import Integer, String


def thing(*attributes: Attribute, name: str = "thing", **said: Any) -> Resource:
    said = {"collection": f"{name}s", **said}
    return Resource(name=name, doc="Made up.", attributes=attributes, **said)


def one(**said: Any) -> Attribute:
    return Attribute(**{"name": "size", "type": Integer(), "default": 0, "doc": "Made up.", **said})


def extension(**said: Any) -> Extension:
    return Extension(**{"alias": "a", "name": "A", "description": "", "updated": "", **said})


COMPUTED: dict[str, Any] = {"stored": Stored.COMPUTED, "sort": False}
CASES: dict[str, tuple[list[Resource], list[Extension], str]] = {
    "twice": ([thing(one(), one())], [], "thing.size is declared twice"),
    "twice by an extension": (
        [thing(one())], [extension(attributes={"thing": (one(),)})], "size is declared twice"
    ),
    "resource twice": (
        [thing()], [extension(resources=(thing(),))], "resource thing is declared twice"
    ),
    "alias twice": ([], [extension(), extension()], "extension a is declared twice"),
    "unknown resource": (
        [], [extension(attributes={"nothing": (one(),)})], "adds to unknown resource nothing"
    ),
    "unknown parent": (
        [thing(one(), parent="nobody", parent_key="size")], [], "parent nobody is not declared"
    ),
    "no parent key": ([thing(), thing(name="part", parent="thing")], [], "no parent_key"),
    "parent key not stored": (
        [thing(), thing(one(stored=Stored.EXT), name="part", parent="thing", parent_key="size")],
        [], "'size' is not one of its columns",
    ),
    "one table for two": (
        [thing(), thing(name="other", collection="things", prefix="/v2.0/x")], [],
        "its table things is thing's",
    ),
    "two dialects": (
        [thing(), thing(name="other", dialect=LBAAS)], [], "another dialect than others"
    ),
    "stored singleton": ([thing(singleton=True)], [], "cannot be stored"),
    "created singleton": ([thing(singleton=True, stored=False)], [], "neither created"),
    "nothing makes it": ([thing(stored=False)], [], "no handler for show"),
    "unique without column": ([thing(unique=(("size",),))], [], "'size' in unique"),
    "rule without attribute": (
        [thing(rules=(rule("create", print, "size"),))], [], "unknown attribute 'size'"
    ),
    "read by owners": ([thing(one(read=Who.OWNER))], [], "ANYONE (who sees the object) or ADMIN"),
    "indexed ext": ([thing(one(stored=Stored.EXT, index=True))], [], "only a column"),
    "unknown reference": ([thing(one(references="nobody"))], [], "unknown resource nobody"),
    "nobody computes": ([thing(one(**COMPUTED, filter=False))], [], "neither sql nor an expand"),
    "filter by nothing": (
        [thing(one(**COMPUTED), rules=(rule("expand", print),))], [], "cannot be filtered by"
    ),
    "sql of a column": ([thing(one(sql=lambda t, c: t.c.id))], [], "this one is stored"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_refused(case: str) -> None:
    resources, extensions, reason = CASES[case]
    with pytest.raises(ValueError, match=r".") as refused:
        Registry.build(resources, extensions)
    assert reason in str(refused.value)


def test_what_an_extension_declares_goes_before_what_flags_give() -> None:
    other = one(name="name", type=String(10), default="n")
    registry = Registry.build([thing()], [extension(attributes={"thing": (other,)})])
    assert registry["thing"].attributes["name"] is other
