# SPDX-License-Identifier: Apache-2.0
"""Our types and neutron-lib's validators and converters make the same of the same values."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest

from deuteron.declare import validate
from deuteron.declare.attribute import UNSET
from deuteron.errors import BadRequest
from tests.contract import deviations
from tests.contract.deviations import REFUSED, Deviation
from tests.contract.oracle import ATTRIBUTES, NotGiven, Refused, treat
from tests.contract.probes import VALUES
from tests.contract.test_attributes import PAIRS, of

GIVEN = [
    pair
    for pair in PAIRS
    if any(ATTRIBUTES[pair[0]][pair[1]].get(key) for key in ("allow_post", "allow_put"))
]
USED: set[str] = set()


def theirs(collection: str, name: str, value: Any) -> Any:
    try:
        return treat(name, ATTRIBUTES[collection][name], value)
    except Refused:
        return REFUSED


def ours(collection: str, name: str, value: Any) -> Any:
    assembled, attribute, _ = of(collection, name)
    only = {attribute.name: replace(attribute, post=True)}
    bare = replace(assembled, attributes=only, required=frozenset())
    try:
        _, given = validate.for_create(bare, {attribute.name: copy.deepcopy(value)})
    except BadRequest:
        return REFUSED
    found = given[attribute.name]
    return NotGiven() if found is UNSET else found


def same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and one == other


def allowed(where: str, value: Any, their: Any, our: Any) -> Deviation | None:
    for deviation in deviations.VALUES:
        if deviation.on and where not in deviation.on:
            continue
        if deviation.when(value, their, our):
            return deviation
    return None


@pytest.mark.parametrize(("collection", "name"), GIVEN)
def test_values(collection: str, name: str) -> None:
    different = []
    for value in VALUES:
        their, our = theirs(collection, name, value), ours(collection, name, value)
        if same(their, our):
            continue
        deviation = allowed(f"{collection}.{name}", value, their, our)
        if deviation is None:
            different.append(f"{value!r:.90}: theirs {their!r:.90}, ours {our!r:.90}")
        else:
            USED.add(deviation.reason)
    assert not different, "\n".join(different)


def test_every_allowed_deviation_is_one() -> None:
    """Run after the others of this module."""
    for collection, name in GIVEN if not USED else []:
        test_values(collection, name)
    assert {d.reason for d in deviations.VALUES} <= USED


@pytest.mark.parametrize(("collection", "name"), GIVEN)
def test_the_probes_tell_values_apart(collection: str, name: str) -> None:
    """Some are taken and some refused, unless neutron-lib takes everything."""
    found = {theirs(collection, name, value) == REFUSED for value in VALUES}
    assert False in found
    assert True in found or name in {"binding:host_id", "host"}
