# SPDX-License-Identifier: Apache-2.0
"""Ranges of segment ids, without a database."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deuteron.domain.segments import Draft, Pool, Ranges, check, without
from deuteron.errors import ApiError
from deuteron.settings import Settings

SPAN = st.tuples(st.integers(1, 60), st.integers(0, 20)).map(lambda t: (t[0], t[0] + t[1]))


def ids(spans: Any) -> set[int]:
    return {i for low, high in spans for i in range(low, high + 1)}


@given(st.lists(SPAN), st.lists(SPAN))
def test_without_is_set_difference(spans: list[Any], holes: list[Any]) -> None:
    left = without(spans, holes)
    assert ids(left) == ids(spans) - ids(holes)
    assert all(a[1] < b[0] for a, b in itertools.pairwise(left))


@given(st.lists(SPAN, min_size=1), st.integers(1, 100))
def test_sample_is_of_the_pool_and_without_doubles(spans: list[Any], count: int) -> None:
    pool = Pool("vlan", "foo", without(spans, ()))
    found = pool.sample(count)
    assert len(set(found)) == len(found) == min(count, pool.size)
    assert set(found) <= ids(spans)


def test_a_pool_of_all_vnis_costs_nothing() -> None:
    pool = Pool("geneve", None, ((1, 2**24 - 1),))
    assert len(pool.sample(32)) == 32


def row(**given: Any) -> dict[str, Any]:
    common = {"network_type": "vlan", "physical_network": "foo", "shared": False}
    return {**common, "project_id": None, **given}


def settings() -> Settings:
    return Settings(
        database="sqlite:///unused",
        flat_networks=("public",),
        network_vlan_ranges={"foo": ((1, 10),), "all": ()},
    )


def spans(ranges: Ranges, project: str, physical: str | None = "foo") -> list[Any]:
    return [pool.spans for pool in ranges.pools(project, "vlan", physical)]


def test_own_ranges_come_first_and_no_other_project_gets_them() -> None:
    ranges = Ranges(settings(), [row(project_id="a", minimum=5, maximum=12)])
    assert spans(ranges, "a") == [((5, 12),), ((1, 10),)]
    assert spans(ranges, "b") == [((1, 4),)]


def test_shared_ranges_join_those_of_the_settings() -> None:
    ranges = Ranges(settings(), [row(shared=True, minimum=11, maximum=12)])
    assert spans(ranges, "a") == [((1, 12),)]


def test_a_physical_network_without_ranges_has_all_vlans() -> None:
    assert spans(Ranges(settings(), []), "a", "all") == [((1, 4094),)]


@pytest.mark.parametrize(
    ("draft", "reason"),
    [
        (Draft("p", "token-ring"), "not supported"),
        (Draft("p", "vlan", "bar", 3), "'bar' unknown for VLAN"),
        (Draft("p", "vlan", None, 3), "requires physical_network"),
        (Draft("p", "vlan", "foo", 0), "out of range (1 through 4094)"),
        (Draft("p", "vlan", "foo", 4095), "out of range (1 through 4094)"),
        (Draft("p", "geneve", "foo"), "physical_network specified for geneve"),
        (Draft("p", "vxlan", None, 2**24), "out of range"),
        (Draft("p", "flat"), "physical_network required"),
        (Draft("p", "flat", "bar"), "'bar' unknown for flat"),
        (Draft("p", "flat", "public", 3), "segmentation_id prohibited for flat"),
        (Draft("p", "local", "foo"), "physical_network prohibited for local"),
        (Draft("p", "local", None, 3), "segmentation_id prohibited for local"),
    ],
)
def test_impossible_segments(draft: Draft, reason: str) -> None:
    with pytest.raises(ApiError) as refused:
        check(settings(), draft, ["foo"])
    assert refused.value.type == "InvalidInput"
    assert reason in refused.value.message


@pytest.mark.parametrize(
    "draft",
    [
        Draft("p", "vlan"),
        Draft("p", "vlan", "foo"),
        Draft("p", "vlan", "foo", 4094),
        Draft("p", "flat", "public"),
        Draft("p", "geneve", None, 2**24 - 1),
        Draft("p", "local"),
    ],
)
def test_possible_segments(draft: Draft) -> None:
    check(settings(), draft, ["foo"])
