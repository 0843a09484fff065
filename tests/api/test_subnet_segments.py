# SPDX-License-Identifier: Apache-2.0
"""Subnets on segments: which may be, and the routes that they tell of each other."""

from __future__ import annotations

from typing import Any

import pytest

from deuteron.settings import Settings
from tests.api.conftest import Api

MISSING = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def settings(database_url: str) -> Settings:
    return Settings(
        database=database_url, network_vlan_ranges={"one": ((1, 100),), "two": ((1, 100),)}
    )


def segment(api: Api, network: str, physical: str) -> str:
    made = api.create(
        "segment", network_id=network, network_type="vlan", physical_network=physical,
        segmentation_id=7,
    )  # fmt: skip
    return str(made["id"])


@pytest.fixture
def network(api: Api) -> tuple[str, str, str]:
    """A network and its two segments."""
    made = api.create(
        "network",
        **{
            "provider:network_type": "vlan",
            "provider:physical_network": "one",
            "provider:segmentation_id": 7,
        },
    )
    [first] = api.get("segments", {"network_id": made["id"]})["segments"]
    return str(made["id"]), str(first["id"]), segment(api, made["id"], "two")


def body(network: str, cidr: str, segment_id: str | None, **more: Any) -> dict[str, Any]:
    given = {"network_id": network, "ip_version": 4, "cidr": cidr, "segment_id": segment_id}
    return {"subnet": {**given, **more}}


def test_all_subnets_of_a_network_are_on_segments_or_none(
    api: Api, network: tuple[str, str, str]
) -> None:
    id_, one, two = network
    other = str(api.create("network")["id"])
    refused = api.refused("POST", "subnets", body(other, "10.0.0.0/24", one))
    assert refused == (400, "NetworkIdsDontMatch")
    refused = api.refused("POST", "subnets", body(id_, "10.0.0.0/24", MISSING))
    assert refused == (404, "SegmentNotFound")
    api.create("subnet", **body(id_, "10.0.0.0/24", one)["subnet"])
    refused = api.refused("POST", "subnets", body(id_, "10.0.1.0/24", None))
    assert refused == (400, "SubnetsNotAllAssociatedWithSegments")
    routed = body(id_, "10.0.2.0/24", None, service_types=["network:routed"])
    api.create("subnet", **routed["subnet"])
    assert api.create("subnet", **body(id_, "10.0.1.0/24", two)["subnet"])["segment_id"] == two
    assert [s["segment_id"] for s in api.get("subnets", {"segment_id": one})["subnets"]] == [one]


def test_a_subnet_is_put_on_the_only_segment(api: Api) -> None:
    network = str(api.create("network")["id"])
    [only] = api.get("segments", {"network_id": network})["segments"]
    made = api.create("subnet", network_id=network, ip_version=4, cidr="10.0.0.0/24")
    change = {"subnet": {"segment_id": only["id"]}}
    answer = api.call("PUT", f"/v2.0/subnets/{made['id']}", change)
    assert answer.status == 200
    assert answer.body["subnet"]["segment_id"] == only["id"]
    path = f"subnets/{made['id']}"
    assert api.refused("PUT", path, {"subnet": {"segment_id": MISSING}})[0] == 400
    assert api.refused("PUT", path, {"subnet": {"segment_id": None}}) == (
        400,
        "SubnetSegmentAssociationChangeNotAllowed",
    )


def test_a_subnet_of_several_segments_or_subnets_stays(
    api: Api, network: tuple[str, str, str]
) -> None:
    id_, one, _ = network
    made = api.create("subnet", network_id=id_, ip_version=4, cidr="10.0.0.0/24")
    path, change = f"subnets/{made['id']}", {"subnet": {"segment_id": one}}
    refused = api.refused("PUT", path, change)
    assert refused == (400, "NoUpdateSubnetWhenMultipleSegmentsOnNetwork")
    api.create("subnet", network_id=id_, ip_version=4, cidr="10.0.1.0/24")
    refused = api.refused("PUT", path, change)
    assert refused == (400, "SubnetsNotAllAssociatedWithSegments")


def test_peers_tell_routes_to_each_other(api: Api, network: tuple[str, str, str]) -> None:
    id_, one, two = network
    a = api.create("subnet", **body(id_, "10.0.0.0/24", one)["subnet"])
    b = api.create("subnet", **body(id_, "10.0.1.0/24", two)["subnet"])

    def told(subnet: dict[str, Any]) -> list[tuple[str, str]]:
        found = api.get(f"subnets/{subnet['id']}")["subnet"]["host_routes"]
        return [(route["destination"], route["nexthop"]) for route in found]

    assert told(a) == [("10.0.1.0/24", "10.0.0.1")]
    assert told(b) == [("10.0.0.0/24", "10.0.1.1")]
    change = {"subnet": {"gateway_ip": None}}
    assert api.call("PUT", f"/v2.0/subnets/{a['id']}", change).status == 200
    assert told(a) == []
    change = {"subnet": {"gateway_ip": "10.0.0.1"}}
    assert api.call("PUT", f"/v2.0/subnets/{a['id']}", change).status == 200
    assert told(a) == [("10.0.1.0/24", "10.0.0.1")]
    assert api.call("DELETE", f"/v2.0/subnets/{b['id']}").status == 204
    assert told(a) == []
