# SPDX-License-Identifier: Apache-2.0
"""Addresses: which a port gets, and that nobody else has them.

A free address is guessed at random and looked up in one statement; the holders of a subnet are
read only when it is nearly full. So an allocation costs the same in a /16 as in a /28.
Invariant: an address belongs to the one row of `ip_allocations` that holds it; losing a race for
it is a `Retry`, never a second holder.
"""

from __future__ import annotations

import ipaddress
import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from deuteron.declare.resource import Row
from deuteron.errors import Conflict
from deuteron.store.database import Retry
from deuteron.store.schema import insert_into

if TYPE_CHECKING:
    from deuteron.store.transaction import Transaction

# Guesses per address wanted, in rounds; what these do not find, the list of holders does.
_ROUNDS: Final = ((1, 7), (2, 254))
# The most addresses that one look-up names.
_AT_ONCE: Final = 1024
# The largest pool whose free addresses are written down to choose from.
_LISTED: Final = 2**20
Fixed = dict[str, str]  # {"subnet_id": …, "ip_address": …}


def exhausted(network_id: str) -> Conflict:
    return Conflict(
        "IpAddressGenerationFailure", f"No more IP addresses available on network {network_id}."
    )


def in_use(subnet_id: str, address: str) -> Conflict:
    return Conflict(
        "IpAddressAlreadyAllocated", f"IP address {address} already allocated in subnet {subnet_id}"
    )


@dataclass(slots=True)
class Ask:
    """One address that a port's row wants: `address`, or any of the first subnet with room.

    `lowest` takes the lowest free one, as services that operators look for by address do.
    """

    row: Row
    subnets: Sequence[Row]
    address: str | None = None
    lowest: bool = False


class Pool:
    """Allocation pools, a list of {start, end}, as one range of ordinals."""

    __slots__ = ("kind", "ranges", "size")

    def __init__(self, pools: list[dict[str, str]], version: int) -> None:
        self.kind: Any = ipaddress.IPv4Address if version == 4 else ipaddress.IPv6Address
        self.ranges: list[tuple[int, int]] = []
        self.size = 0
        for pool in pools:
            start, end = int(self.kind(pool["start"])), int(self.kind(pool["end"]))
            self.ranges.append((start, end))
            self.size += end - start + 1

    def at(self, ordinals: list[int]) -> list[str]:
        """The addresses at places in the pools, counted from 0."""
        found = []
        for place in ordinals:
            ordinal = place
            for start, end in self.ranges:
                if ordinal <= end - start:
                    found.append(str(self.kind(start + ordinal)))
                    break
                ordinal -= end - start + 1
        return found

    def free(self, taken: set[str]) -> list[str]:
        """Every address of the pools that is not taken, in order."""
        numbers = {int(self.kind(a)) for a in taken}
        return [
            str(self.kind(number))
            for start, end in self.ranges
            for number in range(start, end + 1)
            if number not in numbers
        ]

    def first_free(self, taken: set[str], count: int) -> list[str]:
        """The lowest addresses that are not taken, at most `count`; looks no further."""
        numbers = {int(self.kind(a)) for a in taken}
        found: list[str] = []
        for start, end in self.ranges:
            number = start
            while number <= end and len(found) < count:
                if number not in numbers:
                    found.append(str(self.kind(number)))
                number += 1
        return found


def allocate(tx: Transaction, asks: Sequence[Ask]) -> None:
    """Add what is asked for to each row's `fixed_ips`. Raises 409.

    A constant number of statements for each subnet that is asked.
    """
    taken: dict[str, set[str]] = {}
    waiting: dict[tuple[Any, ...], list[Ask]] = {}
    for ask in asks:
        if ask.address is None:
            key = (ask.lowest, *[s["id"] for s in ask.subnets])
            waiting.setdefault(key, []).append(ask)
            continue
        subnet_id = ask.subnets[0]["id"]
        held = taken.setdefault(subnet_id, set())
        if ask.address in held:
            raise in_use(subnet_id, ask.address)
        held.add(ask.address)
        ask.row["fixed_ips"].append({"subnet_id": subnet_id, "ip_address": ask.address})
    for subnet_id, addresses in taken.items():
        for address in holders(tx, subnet_id, list(addresses)):
            raise in_use(subnet_id, address)
    for group in waiting.values():
        left = group
        for subnet in group[0].subnets:
            avoid = taken.setdefault(subnet["id"], set())
            found = choose(tx, subnet, len(left), avoid, lowest=group[0].lowest)
            for ask, address in zip(left, found, strict=False):
                ask.row["fixed_ips"].append({"subnet_id": subnet["id"], "ip_address": address})
            avoid.update(found)
            left = left[len(found) :]
            if not left:
                break
        else:
            raise exhausted(left[0].row["network_id"])


def choose(
    tx: Transaction, subnet: Row, count: int, avoid: set[str], *, lowest: bool = False
) -> list[str]:
    """Up to `count` free addresses of a subnet's pools; fewer if there are no more."""
    pool = Pool(subnet["allocation_pools"], subnet["ip_version"])
    if lowest:
        return pool.first_free(held_in(tx, subnet["id"]) | avoid, count)
    for factor, spare in _ROUNDS:
        wanted = factor * count + spare
        if wanted > pool.size // 2:
            break
        guesses = pool.at([random.randrange(pool.size) for _ in range(wanted)])
        free = set(guesses).difference(avoid)
        free.difference_update(holders(tx, subnet["id"], guesses))
        if len(free) >= count:
            return list(free)[:count]
    held = held_in(tx, subnet["id"]) | avoid
    if pool.size > _LISTED:
        # Too many to write them all down; while one is free, guess again.
        if len(held) < pool.size:
            raise Retry
        return []
    found = pool.free(held)
    return random.sample(found, min(count, len(found)))


@lru_cache(maxsize=64)
def _look_up(table: sa.Table, count: int) -> sa.Select[Any]:
    """Which of `count` addresses are held; the parameters are s, a0, a1 …"""
    names: list[Any] = [sa.bindparam(f"a{i}") for i in range(count)]
    return sa.select(table.c.ip_address).where(
        table.c.subnet_id == sa.bindparam("s"), table.c.ip_address.in_(names)
    )


def holders(tx: Transaction, subnet_id: str, addresses: list[str]) -> list[str]:
    """Which of these addresses of a subnet are held already; one statement for each 1,024."""
    found: list[str] = []
    for start in range(0, len(addresses), _AT_ONCE):
        part = addresses[start : start + _AT_ONCE]
        size = 1 << (len(part) - 1).bit_length()  # few sizes, so that few statements are compiled
        parameters = {"s": subnet_id}
        for index in range(size):
            parameters[f"a{index}"] = part[index] if index < len(part) else part[0]
        statement = _look_up(tx.schema.ip_allocations, size)
        found += tx.connection.execute(statement, parameters).scalars()
    return found


def held_in(tx: Transaction, subnet_id: str) -> set[str]:
    """Every address held in a subnet."""
    table = tx.schema.ip_allocations
    statement = sa.select(table.c.ip_address).where(table.c.subnet_id == subnet_id)
    return set(tx.connection.execute(statement).scalars())


def claim(tx: Transaction, rows: Sequence[Row], new: Sequence[Fixed] | None = None) -> None:
    """Hold the addresses of these ports, or only the `new` ones of a single one.

    `Retry` if another transaction was faster.
    """
    claims = []
    for row in rows:
        for ip in row["fixed_ips"] if new is None else new:
            claims.append({**ip, "port_id": row["id"], "network_id": row["network_id"]})
    if not claims:
        return
    try:
        tx.connection.execute(insert_into(tx.schema.ip_allocations), claims)
    except IntegrityError:
        raise Retry from None


def release(tx: Transaction, port_ids: Sequence[str]) -> None:
    """Give back every address of these ports."""
    table = tx.schema.ip_allocations
    tx.connection.execute(table.delete().where(table.c.port_id.in_(port_ids)))


def release_some(tx: Transaction, ips: Sequence[Fixed]) -> None:
    """Give back these addresses."""
    table = tx.schema.ip_allocations
    for ip in ips:
        tx.connection.execute(
            table.delete().where(
                table.c.subnet_id == ip["subnet_id"], table.c.ip_address == ip["ip_address"]
            )
        )
