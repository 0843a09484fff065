# SPDX-License-Identifier: Apache-2.0
"""Pools and gateways that nobody chose."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deuteron.domain import peer_routes, subnet_rules
from deuteron.domain.addresses import Network, network_of
from deuteron.errors import ApiError


@st.composite
def network(draw: st.DrawFn) -> Network:
    if draw(st.booleans()):
        length = draw(st.integers(20, 32))
        return ipaddress.ip_network((0x0A000000 & -(1 << (32 - length)), length))
    length = draw(st.integers(64, 128))
    return ipaddress.ip_network(f"fd00::/{length}")


def hosts(network: Network) -> tuple[int, int]:
    first, last = int(network.network_address), int(network.broadcast_address)
    if first == last or (network.version == 4 and network.prefixlen == 31):
        return first, last
    return first + 1, last - (network.version == 4)


@given(network(), st.integers(0, 20))
def test_default_pools_are_all_hosts_but_the_gateway(network: Network, step: int) -> None:
    own = int(network.network_address) + step
    gateway = str(type(network.network_address)(own))
    pools = subnet_rules.default_pools(network, gateway)
    first, last = hosts(network)
    inside = first <= own <= last and first != last
    held = sum(
        int(ipaddress.ip_address(p["end"])) - int(ipaddress.ip_address(p["start"])) + 1
        for p in pools
    )
    assert held == last - first + 1 - inside
    if first != last:
        subnet_rules.check_pools(pools, network, gateway)


@given(network())
def test_the_default_gateway_is_outside_of_the_default_pools(network: Network) -> None:
    if network.version == 4 and network.prefixlen == 31:
        with pytest.raises(ApiError, match="cannot be the network or broadcast"):
            subnet_rules.default_gateway(network)
        return
    gateway = subnet_rules.default_gateway(network)
    if network.num_addresses > 1:
        pools = subnet_rules.default_pools(network, gateway)
        subnet_rules.check_gateway_outside(pools, gateway)


def test_the_last_address_of_all_has_no_gateway_after_it() -> None:
    with pytest.raises(ApiError) as refused:
        subnet_rules.default_gateway(network_of("255.255.255.255/32"))
    assert refused.value.status == 400


def subnet(
    id_: str, cidr: str, segment: str, gateway: str | None, *routes: str
) -> dict[str, object]:
    return {
        "id": id_,
        "cidr": cidr,
        "segment_id": segment,
        "gateway_ip": gateway,
        "ip_version": 4,
        "host_routes": [{"destination": r, "nexthop": "10.0.1.9"} for r in routes],
    }


def test_peers_on_other_segments_are_told_unless_a_route_covers_them() -> None:
    peers = [
        subnet("b", "10.0.2.0/24", "s2", None),
        subnet("c", "10.0.3.0/24", "s3", None),
        subnet("d", "10.0.4.0/24", "s1", None),
    ]
    own = subnet("a", "10.0.1.0/24", "s1", "10.0.1.1", "10.0.2.0/23")
    assert peer_routes.with_peers(own, peers) == own["host_routes"]
    own = subnet("a", "10.0.1.0/24", "s1", "10.0.1.1", "10.0.2.0/24")
    told = peer_routes.with_peers(own, peers)
    assert {"destination": "10.0.3.0/24", "nexthop": "10.0.1.1"} in told
    assert len(told) == 2
    moved = {**own, "host_routes": told, "gateway_ip": "10.0.1.2"}
    moved["host_routes"] = peer_routes.with_peers(moved, peers, old_gateway="10.0.1.1")
    assert {"destination": "10.0.3.0/24", "nexthop": "10.0.1.2"} in moved["host_routes"]
    assert len(moved["host_routes"]) == 2
    assert len(peer_routes.with_peers(moved, [], gone="10.0.3.0/24")) == 1
