# SPDX-License-Identifier: Apache-2.0
"""Addresses: what they are, and that a free one is found in however full a subnet."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import Any

import pytest

from deuteron.auth.noauth import DEFAULT_CALLER
from deuteron.domain import ipam
from deuteron.domain.addresses import eui64, usable
from deuteron.settings import Settings
from deuteron.store.database import Database
from deuteron.store.transaction import Statements, Transaction
from tests.api.conftest import REGISTRY, SCHEMA, Api, api, apps, database, database_url, settings

__all__ = ["api", "apps", "database", "database_url", "settings"]


@pytest.mark.parametrize(
    ("cidr", "address", "owner", "expected"),
    [
        ("10.0.0.0/24", "10.0.0.0", "", False),
        ("10.0.0.0/24", "10.0.0.1", "", True),
        ("10.0.0.0/24", "10.0.0.255", "", False),
        ("10.0.0.0/24", "10.0.1.1", "", False),
        ("10.0.0.0/24", "::1", "", False),
        ("10.0.0.0/31", "10.0.0.1", "", True),
        ("2001:db8::/64", "2001:db8::", "", True),
        ("2001:db8::/64", "2001:db8::", "network:router_interface", True),
        ("2001:db8::/64", "2001:db8::", "compute:nova", False),
        ("2001:db8::/64", "2001:db8::ffff:ffff:ffff:ffff", "compute:nova", True),
    ],
)
def test_usable(cidr: str, address: str, owner: str, expected: bool) -> None:
    assert usable(cidr, address, owner) is expected


def test_eui64() -> None:
    # RFC 4291, appendix A: the universal bit is inverted, and FFFE goes between the halves.
    assert eui64("2001:db8::/64", "34:56:78:9a:bc:de") == "2001:db8::3656:78ff:fe9a:bcde"


def test_pool() -> None:
    pool = ipam.Pool(
        [{"start": "10.0.0.2", "end": "10.0.0.3"}, {"start": "10.0.0.8", "end": "10.0.0.9"}], 4
    )
    every = ["10.0.0.2", "10.0.0.3", "10.0.0.8", "10.0.0.9"]
    assert pool.size == len(every)
    assert pool.at([0, 1, 2, 3]) == every
    assert pool.free({"10.0.0.3", "10.9.9.9"}) == ["10.0.0.2", "10.0.0.8", "10.0.0.9"]
    assert pool.first_free({"10.0.0.2"}, 2) == ["10.0.0.3", "10.0.0.8"]


@pytest.mark.parametrize("free", [0, 1, 5, 100, 5000])
def test_free_addresses_are_found(api: Api, database: Database, free: int) -> None:
    """In a /20 with only so many addresses free, one, some or more than there are."""
    network = api.create("network")["id"]
    subnet = api.create("subnet", network_id=network, ip_version=4, cidr="10.0.0.0/20")
    hosts = [str(ip) for ip in ipaddress.ip_network("10.0.0.0/20").hosts()][1:]
    left = set(hosts[:free])
    claims = [
        {"subnet_id": subnet["id"], "ip_address": a, "port_id": "p", "network_id": network}
        for a in hosts
        if a not in left
    ]
    if claims:
        database.write(lambda c: c.execute(SCHEMA.ip_allocations.insert(), claims))

    def chosen(count: int, avoid: set[str]) -> list[str]:
        return within(database, lambda tx: ipam.choose(tx, subnet, count, avoid))

    for count in (1, 7, 200):
        found = chosen(count, set())
        assert len(set(found)) == len(found) == min(count, len(left))
        assert set(found) <= left
    spared = set(sorted(left)[:1])
    assert not spared & set(chosen(200, spared))
    lowest = within(database, lambda tx: ipam.choose(tx, subnet, 1, set(), lowest=True))
    assert lowest == hosts[: min(1, free)]


def within(database: Database, run: Callable[[Transaction], Any]) -> Any:
    """Run in a transaction without a service."""
    settings = Settings(database="")
    statements = Statements(SCHEMA)
    service: Any = None
    return database.write(
        lambda c: run(Transaction(c, statements, REGISTRY, settings, DEFAULT_CALLER, service))
    )


def test_a_lost_race_is_run_again(api: Api, database: Database) -> None:
    """An address that another takes at the last moment is a conflict only for who asked for it."""
    network = api.create("network")["id"]
    subnet = api.create("subnet", network_id=network, ip_version=4, cidr="10.0.0.0/29")["id"]
    runs = 0

    def run(tx: Transaction) -> str:
        nonlocal runs
        runs += 1
        row = {"id": f"p{runs}", "network_id": network, "fixed_ips": []}
        row["fixed_ips"] = [{"subnet_id": subnet, "ip_address": "10.0.0.2"}]
        if runs == 1:
            ipam.claim(tx, [row])
            ipam.claim(tx, [row])
        return "done"

    assert within(database, run) == "done"
    assert runs == 2
    with database.read() as connection:
        assert connection.execute(SCHEMA.ip_allocations.select()).all() == []
