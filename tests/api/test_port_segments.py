# SPDX-License-Identifier: Apache-2.0
"""Addresses on routed networks: they wait until the host, and so the segment, is known."""

from __future__ import annotations

from typing import Any

import pytest

from deuteron.settings import Settings
from deuteron.store.database import Database
from deuteron.store.rows import encode
from tests.api.conftest import REGISTRY, SCHEMA, Api


@pytest.fixture
def settings(database_url: str) -> Settings:
    ranges = dict.fromkeys(("p1", "p2"), ((1, 10),))
    return Settings(database=database_url, network_vlan_ranges=ranges)


@pytest.fixture
def routed(api: Api, database: Database) -> tuple[str, dict[str, str]]:
    """A network of two segments with a subnet each; host hN reaches physical network pN."""
    network = api.create(
        "network", **{"provider:network_type": "vlan", "provider:physical_network": "p1"}
    )["id"]
    [first] = api.get("segments", {"network_id": network})["segments"]
    first_subnet = api.create(
        "subnet", network_id=network, ip_version=4, cidr="10.1.0.0/24", segment_id=first["id"]
    )
    second = api.create(
        "segment", network_id=network, network_type="vlan", physical_network="p2", segmentation_id=5
    )
    second_subnet = api.create(
        "subnet", network_id=network, ip_version=4, cidr="10.2.0.0/24", segment_id=second["id"]
    )
    agents = [
        {
            "id": f"00000000-0000-0000-0000-00000000000{n}",
            "host": f"h{n}",
            "configurations": {"bridge-mappings": f"p{n}:br-ex"},
        }
        for n in (1, 2, 3)
    ]
    rows = [encode(REGISTRY["agent"], a) for a in agents]
    table = SCHEMA.tables["agent"]
    database.write(lambda connection: connection.execute(table.insert(), rows))
    return network, {"p1": first_subnet["id"], "p2": second_subnet["id"]}


def where(port: dict[str, Any]) -> list[str]:
    return [ip["subnet_id"] for ip in port["fixed_ips"]]


def test_deferred_until_bound(api: Api, routed: tuple[str, dict[str, str]]) -> None:
    network, subnets = routed
    port = api.create("port", network_id=network)
    assert (port["fixed_ips"], port["ip_allocation"]) == ([], "deferred")
    body = {"port": {"binding:host_id": "h2"}}
    bound = api.call("PUT", f"/v2.0/ports/{port['id']}", body).body["port"]
    assert (where(bound), bound["ip_allocation"]) == ([subnets["p2"]], "immediate")
    body = {"port": {"binding:host_id": "h1"}}
    assert api.refused("PUT", f"ports/{port['id']}", body) == (409, "HostNotCompatibleWithFixedIps")
    empty = api.create("port", network_id=network, fixed_ips=[])
    assert (empty["fixed_ips"], empty["ip_allocation"]) == ([], "none")


def test_immediate_on_a_host(api: Api, routed: tuple[str, dict[str, str]]) -> None:
    network, subnets = routed
    port = api.create("port", network_id=network, **{"binding:host_id": "h1"})
    assert where(port) == [subnets["p1"]]
    body = {"port": {"network_id": network, "binding:host_id": "h3"}}
    assert api.refused("POST", "ports", body) == (409, "HostNotConnectedToAnySegment")


def test_asked_for_on_one_segment(api: Api, routed: tuple[str, dict[str, str]]) -> None:
    network, subnets = routed
    port = api.create("port", network_id=network, fixed_ips=[{"ip_address": "10.2.0.9"}])
    assert where(port) == [subnets["p2"]]
    both = [{"subnet_id": id_} for id_ in subnets.values()]
    body = {"port": {"network_id": network, "fixed_ips": both}}
    assert api.refused("POST", "ports", body) == (400, "FixedIpsSubnetsNotOnSameSegment")
