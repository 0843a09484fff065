# SPDX-License-Identifier: Apache-2.0
"""Sets of prefixes, against plain sets of addresses."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deuteron.domain import prefixes

# A world of 256 addresses, so that every set can be written out.
WORLD = int(ipaddress.IPv4Address("10.0.0.0"))


@st.composite
def block(draw: st.DrawFn) -> str:
    length = draw(st.integers(24, 32))
    start = draw(st.integers(0, 2 ** (length - 24) - 1)) << (32 - length)
    return f"{ipaddress.IPv4Address(WORLD + start)}/{length}"


blocks = st.lists(block(), max_size=12)


def addresses(cidrs: list[str]) -> set[int]:
    return {int(a) for c in cidrs for a in ipaddress.ip_network(c)}


@given(blocks)
def test_compact_is_the_shortest_way_to_say_the_same(cidrs: list[str]) -> None:
    shortest = ipaddress.collapse_addresses(ipaddress.IPv4Network(c) for c in cidrs)
    assert prefixes.compact(cidrs) == [str(n) for n in shortest]


@given(blocks, blocks)
def test_relations_of_sets(one: list[str], other: list[str]) -> None:
    left, right = addresses(one), addresses(other)
    assert prefixes.overlap(one, other) == bool(left & right)
    assert prefixes.covers(one, other) == (right <= left)
    assert addresses(prefixes.subtract(one, other)) == left - right


@given(blocks, blocks, st.integers(24, 32))
def test_a_chosen_block_is_free_and_from_the_smallest_room(
    pool: list[str], taken: list[str], length: int
) -> None:
    chosen = prefixes.choose(pool, taken, length)
    rooms = [ipaddress.ip_network(c) for c in prefixes.subtract(pool, taken)]
    fitting = [r for r in rooms if r.prefixlen <= length]
    if chosen is None:
        assert not fitting
        return
    network = ipaddress.ip_network(chosen)
    assert network.prefixlen == length
    assert addresses([chosen]) <= addresses(pool) - addresses(taken)
    assert prefixes.is_free(pool, taken, chosen)
    [room] = [r for r in fitting if network.network_address in r]
    assert room.prefixlen == max(r.prefixlen for r in fitting)


@given(st.lists(st.integers(24, 30), max_size=40))
def test_blocks_of_one_pool_never_overlap_and_fill_it(lengths: list[int]) -> None:
    taken: list[str] = []
    for length in lengths:
        chosen = prefixes.choose(["10.0.0.0/24"], taken, length)
        if chosen is not None:
            assert not prefixes.overlap(taken, [chosen])
            taken.append(chosen)
        else:
            free = 256 - len(addresses(taken))
            assert free < 256
            assert all(
                ipaddress.ip_network(c).prefixlen > length
                for c in prefixes.subtract(["10.0.0.0/24"], taken)
            )


@pytest.mark.parametrize(
    ("lengths", "quota", "version", "within"),
    [
        ([24, 24], 512, 4, True),
        ([24, 24, 32], 512, 4, False),
        ([32], 1, 4, True),
        ([64], 1, 6, True),
        ([65, 65], 1, 6, True),
        ([65, 65, 128], 1, 6, False),
        ([48], 65536, 6, True),
        ([48, 128], 65536, 6, False),
    ],
)
def test_quota_counts_addresses_and_64s(
    lengths: list[int], quota: int, version: int, within: bool
) -> None:
    assert prefixes.within_quota(lengths, quota, version) is within


def test_versions() -> None:
    assert prefixes.version_of(["10.0.0.0/8", "10.0.0.0/9"]) == 4
    assert prefixes.version_of(["fd00::/64"]) == 6
    assert prefixes.version_of(["10.0.0.0/8", "fd00::/64"]) is None
    assert prefixes.around("10.0.0.129", 26) == "10.0.0.128/26"
    assert prefixes.compact([]) == []
    assert prefixes.subtract([], ["10.0.0.0/8"]) == []
