# SPDX-License-Identifier: Apache-2.0
"""Every attribute that neutron-lib knows of the aliases we serve is ours too, and says the same."""

from __future__ import annotations

from typing import Any

import pytest

from deuteron.declare.attribute import REQUIRED, UNSET, Attribute, Stored, Who
from deuteron.declare.registry import Assembled
from tests.contract import deviations
from tests.contract.oracle import ATTRIBUTES, OURS, Facts, NotGiven, Refused, default

NAMES = {"tenant_id": "project_id"}
PAIRS = [
    (collection, name)
    for collection, said in ATTRIBUTES.items()
    if collection in OURS
    for name in said
    if (collection, name) not in deviations.MISSING
]

# Those that a create may give; the project is the caller's if not given.
CREATED = [
    (collection, name)
    for collection, name in PAIRS
    if ATTRIBUTES[collection][name].get("allow_post") and name != "tenant_id"
]


def of(collection: str, name: str) -> tuple[Assembled, Attribute, Facts]:
    """Our resource and attribute, and neutron-lib's dictionary."""
    assembled = OURS[collection]
    attribute = assembled.attributes.get(NAMES.get(name, name))
    assert attribute is not None, f"{collection}.{name} is missing"
    return assembled, attribute, ATTRIBUTES[collection][name]


def flags(assembled: Assembled, attribute: Attribute, facts: Facts) -> dict[str, tuple[Any, Any]]:
    """What differs: neutron-lib's value and ours, by the key of its dictionary."""
    sortable = attribute.stored is Stored.COLUMN or not assembled.resource.stored
    ours: dict[str, Any] = {
        "allow_post": attribute.post,
        "allow_put": attribute.put,
        "is_visible": attribute.visible,
        "is_filter": attribute.filter,
        "is_sort_key": attribute.sort and sortable,
        "primary_key": attribute.name == "id",
    }
    theirs = {key: bool(facts.get(key, False)) for key in ours}
    if not (theirs["primary_key"] and assembled.resource.stored):
        del ours["primary_key"]  # it does not say so of every id; handlers have keys of their own
    if attribute.write > Who.OWNER:
        ours["enforce_policy"], theirs["enforce_policy"] = True, bool(facts.get("enforce_policy"))
    return {key: (theirs[key], ours[key]) for key in ours if theirs[key] != ours[key]}


@pytest.mark.parametrize(("collection", "name"), PAIRS)
def test_flags(collection: str, name: str) -> None:
    different = flags(*of(collection, name))
    allowed = {key for c, n, key in deviations.FLAGS if (c, n) == (collection, name)} - {"default"}
    assert different.keys() == allowed, different


@pytest.mark.parametrize(("collection", "name"), CREATED)
def test_default(collection: str, name: str) -> None:
    _, attribute, facts = of(collection, name)
    try:
        theirs: Any = default(name, facts)
    except Refused:
        theirs = REQUIRED
    ours = attribute.default_value()
    if ours is UNSET:
        ours = NotGiven()
    if (collection, name) in deviations.FILLED:
        assert theirs != ours, "no deviation any more"
        assert ours == deviations.FILLED[collection, name]
    elif (collection, name, "default") in deviations.FLAGS:
        assert theirs != ours, "no deviation any more"
    else:
        assert (theirs, type(theirs)) == (ours, type(ours))


def test_every_collection_is_served() -> None:
    missing = ATTRIBUTES.keys() - OURS.keys()
    assert missing <= deviations.COLLECTIONS.keys()


def test_every_allowed_deviation_is_one() -> None:
    for collection, name in deviations.MISSING:
        assert name in ATTRIBUTES[collection]
        assert name not in OURS[collection].attributes
    for collection, name, _key in deviations.FLAGS:
        assert (collection, name) in PAIRS
    for pair in deviations.FILLED:
        assert pair in PAIRS
    assert not deviations.COLLECTIONS.keys() & OURS.keys()


def test_most_of_neutron_lib_is_compared() -> None:
    """The oracle is there, and knows the resources that this is about."""
    assert len(PAIRS) >= 100
    assert {"networks", "subnets", "ports", "subnetpools", "segments"} <= {c for c, _ in PAIRS}
