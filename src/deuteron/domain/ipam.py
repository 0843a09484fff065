# SPDX-License-Identifier: Apache-2.0
"""Addresses: which a port gets, and that nobody else has them.

Free addresses are guessed at random and looked up in one statement; only when a pool is nearly
full are its holders read. Invariant: an address belongs to the one row of `ip_allocations` that
holds it; losing a race for it is a `Retry`, never a second holder.
"""

from __future__ import annotations

import ipaddress
import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from deuteron.declare.resource import Row
from deuteron.errors import Conflict
from deuteron.store.database import Retry

if TYPE_CHECKING:
    from deuteron.store.transaction import Transaction

_SPARE_GUESSES: Final = 12
Holder = tuple[str, str]  # subnet id, address


def exhausted(network_id: str) -> Conflict:
    return Conflict(
        "IpAddressGenerationFailure", f"No more IP addresses available on network {network_id}."
    )


def in_use(subnet_id: str, address: str) -> Conflict:
    return Conflict(
        "IpAddressAlreadyAllocated", f"IP address {address} already allocated in subnet {subnet_id}"
    )


class Pool:
    """The allocation pools of a subnet as one range of ordinals."""

    def __init__(self, subnet: Row) -> None:
        self.version: int = subnet["ip_version"]
        ranges = [
            (int(ipaddress.ip_address(p["start"])), int(ipaddress.ip_address(p["end"])))
            for p in subnet["allocation_pools"]
        ]
        self.ranges = ranges
        self.size = sum(end - start + 1 for start, end in ranges)

    def address(self, ordinal: int) -> str:
        """The address at a place in the pools, counted from 0."""
        for start, end in self.ranges:
            if ordinal <= end - start:
                return self._text(start + ordinal)
            ordinal -= end - start + 1
        raise IndexError(ordinal)

    def _text(self, number: int) -> str:
        if self.version == 4:
            return str(ipaddress.IPv4Address(number))
        return str(ipaddress.IPv6Address(number))

    def guesses(self, count: int) -> list[str]:
        """Distinct random addresses: `count` and some spare, or all of a small pool."""
        wanted = 2 * count + _SPARE_GUESSES
        if self.size <= wanted:
            ordinals = random.sample(range(self.size), self.size)
        else:
            ordinals = list({random.randrange(self.size): None for _ in range(wanted)})
        return [self.address(ordinal) for ordinal in ordinals]

    def free(self, taken: set[str]) -> list[str]:
        """Every address of the pools that is not taken, in random order."""
        numbers = {int(ipaddress.ip_address(a)) for a in taken}
        found = [n for start, end in self.ranges for n in range(start, end + 1) if n not in numbers]
        random.shuffle(found)
        return [self._text(n) for n in found]


def holders(tx: Transaction, asked: Iterable[Holder]) -> set[Holder]:
    """Which of these addresses are held already; one statement."""
    table = tx.schema.ip_allocations
    by_subnet: dict[str, list[str]] = defaultdict(list)
    for subnet_id, address in asked:
        by_subnet[subnet_id].append(address)
    if not by_subnet:
        return set()
    clauses = [
        (table.c.subnet_id == subnet_id) & table.c.ip_address.in_(addresses)
        for subnet_id, addresses in by_subnet.items()
    ]
    statement = sa.select(table.c.subnet_id, table.c.ip_address).where(sa.or_(*clauses))
    return {(row[0], row[1]) for row in tx.connection.execute(statement)}


def held_in(tx: Transaction, subnet_id: str) -> set[str]:
    """Every address held in a subnet."""
    table = tx.schema.ip_allocations
    statement = sa.select(table.c.ip_address).where(table.c.subnet_id == subnet_id)
    return set(tx.connection.execute(statement).scalars())


def choose(tx: Transaction, subnet: Row, count: int, avoid: set[str]) -> list[str]:
    """Up to `count` free addresses of a subnet's pools; fewer if there are no more."""
    pool = Pool(subnet)
    guesses = [a for a in pool.guesses(count) if a not in avoid]
    taken = holders(tx, ((subnet["id"], a) for a in guesses))
    found = [a for a in guesses if (subnet["id"], a) not in taken]
    if len(found) < count and pool.size > len(guesses):
        held = held_in(tx, subnet["id"]) | avoid
        if len(held) < pool.size or pool.size < 2**20:
            found = pool.free(held)
    return found[:count]


def claim(tx: Transaction, claims: Sequence[dict[str, Any]]) -> None:
    """Hold addresses: rows of subnet_id, ip_address, port_id, network_id. `Retry` on a race."""
    if not claims:
        return
    try:
        tx.connection.execute(tx.schema.ip_allocations.insert(), list(claims))
    except IntegrityError:
        raise Retry from None


def release(tx: Transaction, port_ids: Sequence[str]) -> None:
    """Give back every address of these ports."""
    table = tx.schema.ip_allocations
    tx.connection.execute(table.delete().where(table.c.port_id.in_(port_ids)))


def eui64(cidr: str, mac: str) -> str:
    """The address that a port with this MAC forms in an IPv6 prefix (RFC 4291, appendix A)."""
    octets = [int(pair, 16) for pair in mac.split(":")]
    octets[0] ^= 2
    interface = bytes([*octets[:3], 0xFF, 0xFE, *octets[3:]])
    network = ipaddress.IPv6Network(cidr)
    return str(ipaddress.IPv6Address(int(network.network_address) | int.from_bytes(interface)))


def forms_own_address(subnet: Row) -> bool:
    """Whether hosts in the subnet make their address from their MAC (SLAAC, stateless DHCPv6)."""
    return subnet["ip_version"] == 6 and subnet["ipv6_address_mode"] in (
        "slaac",
        "dhcpv6-stateless",
    )
