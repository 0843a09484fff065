# SPDX-License-Identifier: Apache-2.0
"""Several creators at once: what they get never overlaps, and none is refused for it."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations
from typing import Any

from tests.api.conftest import Api, Response

CREATORS = 8


def together(count: int, run: Callable[[int], Response]) -> list[Response]:
    with ThreadPoolExecutor(CREATORS) as pool:
        return list(pool.map(run, range(count)))


def overlapping(cidrs: list[str]) -> list[Any]:
    networks = [ipaddress.ip_network(cidr) for cidr in cidrs]
    return [pair for pair in combinations(networks, 2) if pair[0].overlaps(pair[1])]


def test_blocks_of_a_pool_never_overlap(api: Api) -> None:
    """On one network and on many, until the pool is empty."""
    made = api.create("subnetpool", name="p", prefixes=["10.0.0.0/23"], default_prefixlen=28)
    networks = [api.create("network")["id"] for _ in range(4)]

    def create(number: int) -> Response:
        body = {"network_id": networks[number % 4], "ip_version": 4, "subnetpool_id": made["id"]}
        return api.call("POST", "/v2.0/subnets", {"subnet": body})

    answers = together(36, create)
    cidrs = [a.body["subnet"]["cidr"] for a in answers if a.status == 201]
    assert len(cidrs) == 32
    assert not overlapping(cidrs)
    assert {a.status for a in answers} == {201, 409}


def test_blocks_of_a_network_never_overlap(api: Api) -> None:
    network = api.create("network")["id"]

    def create(number: int) -> Response:
        cidr = f"10.0.{number // 4}.{number % 4 * 64}/{24 if number % 4 == 0 else 26}"
        body = {"network_id": network, "ip_version": 4, "cidr": cidr}
        return api.call("POST", "/v2.0/subnets", {"subnet": body})

    answers = together(32, create)
    cidrs = [a.body["subnet"]["cidr"] for a in answers if a.status == 201]
    assert not overlapping(cidrs)
    assert {ipaddress.ip_network(c).network_address.packed[2] for c in cidrs} == set(range(8))
    assert {a.status for a in answers} <= {201, 400}
    revision = api.get(f"networks/{network}")["network"]["revision_number"]
    assert revision >= 1 + len(cidrs)


def test_a_slaac_subnet_beside_changing_ports(api: Api) -> None:
    """No port loses an address to another's write."""
    network = api.create("network")["id"]
    ports = [api.create("port", network_id=network)["id"] for _ in range(8)]

    def act(number: int) -> Response:
        if number % 3:
            body = {"port": {"name": f"n{number}"}}
            return api.call("PUT", f"/v2.0/ports/{ports[number % 8]}", body)
        modes = {"ip_version": 6, "ipv6_ra_mode": "slaac", "ipv6_address_mode": "slaac"}
        body = {"subnet": {"network_id": network, "cidr": f"fd00:{number}::/64", **modes}}
        return api.call("POST", "/v2.0/subnets", body)

    assert {a.status for a in together(24, act)} == {200, 201}
    for port in api.get("ports", {"network_id": network})["ports"]:
        assert len(port["fixed_ips"]) == 8
