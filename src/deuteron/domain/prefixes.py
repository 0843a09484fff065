# SPDX-License-Identifier: Apache-2.0
"""Sets of addresses written as prefixes: what a subnet pool holds, and what of it is free.

Invariant: every list of prefixes that leaves here is the shortest one for its addresses, in
ascending order; prefixes of one list have one IP version.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from deuteron.domain.addresses import Network, network_of

Span = tuple[int, int]  # first and last address, as numbers

BITS: Final = {4: 32, 6: 128}
# A subnet pool's quota counts addresses for IPv4 and /64s for IPv6.
QUOTA_UNIT: Final = {4: 32, 6: 64}


def version_of(prefixes: Sequence[str]) -> int | None:
    """The IP version of all prefixes, None if they are of both."""
    versions = {network_of(prefix).version for prefix in prefixes}
    return versions.pop() if len(versions) == 1 else None


def spans(prefixes: Iterable[str]) -> list[Span]:
    """The addresses of the prefixes as disjoint ascending ranges that do not touch."""
    found: list[Span] = []
    for first, last in sorted(_ends(network_of(p)) for p in prefixes):
        if found and first <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], last))
        else:
            found.append((first, last))
    return found


def compact(prefixes: Iterable[str]) -> list[str]:
    """The same addresses in as few prefixes as possible."""
    listed = list(prefixes)
    return (
        [str(n) for n in _networks(spans(listed), network_of(listed[0]).version)] if listed else []
    )


def covers(outer: Iterable[str], inner: Iterable[str]) -> bool:
    """Whether every address of `inner` is in `outer`."""
    return not _without(spans(inner), spans(outer))


def overlap(one: Iterable[str], other: Iterable[str]) -> bool:
    """Whether an address is in both; both have one IP version."""
    left, right = spans(one), spans(other)
    return _without(left, right) != left


def subtract(prefixes: Sequence[str], taken: Iterable[str]) -> list[str]:
    """The addresses of `prefixes` that are not in `taken`, in as few prefixes as possible."""
    return [str(n) for n in free(prefixes, taken)]


def free(prefixes: Sequence[str], taken: Iterable[str]) -> list[Network]:
    """The blocks of `prefixes` that are left, in ascending order."""
    if not prefixes:
        return []
    return list(_networks(_without(spans(prefixes), spans(taken)), network_of(prefixes[0]).version))


def choose(prefixes: Sequence[str], taken: Iterable[str], length: int) -> str | None:
    """A free block with this prefix length: the first of the smallest free block that has room.

    None if no free block is that large.
    """
    fitting = [n for n in free(prefixes, taken) if n.prefixlen <= length]
    if not fitting:
        return None
    best = max(fitting, key=lambda n: n.prefixlen)
    return f"{best.network_address}/{length}"


def is_free(prefixes: Sequence[str], taken: Iterable[str], wanted: str) -> bool:
    """Whether a block is in the prefixes and no address of it is taken."""
    held = list(taken)
    return covers(prefixes, [wanted]) and not overlap(held, [wanted])


def around(address: str, length: int) -> str:
    """The block of this prefix length that has the address."""
    return str(ipaddress.ip_network((address, length), strict=False))


def within_quota(lengths: Iterable[int], quota: int, version: int) -> bool:
    """Whether blocks of these prefix lengths are together no larger than a pool's quota."""
    bits = BITS[version]
    used = sum(1 << (bits - length) for length in lengths)
    return used <= quota << (bits - QUOTA_UNIT[version])


def _ends(network: Network) -> Span:
    return int(network.network_address), int(network.broadcast_address)


def _without(left: list[Span], right: list[Span]) -> list[Span]:
    """What of the ascending ranges `left` is in none of the ascending ranges `right`."""
    found: list[Span] = []
    start = 0
    for first, last in left:
        while start < len(right) and right[start][1] < first:
            start += 1
        at, rest = start, first
        while at < len(right) and right[at][0] <= last:
            if right[at][0] > rest:
                found.append((rest, right[at][0] - 1))
            rest = right[at][1] + 1
            at += 1
        if rest <= last:
            found.append((rest, last))
    return found


def _networks(ranges: Iterable[Span], version: int) -> Iterator[Network]:
    kind: Any = ipaddress.IPv4Address if version == 4 else ipaddress.IPv6Address
    for first, last in ranges:
        yield from ipaddress.summarize_address_range(kind(first), kind(last))
