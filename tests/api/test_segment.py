# SPDX-License-Identifier: Apache-2.0
"""Segments in the API."""

from __future__ import annotations

from typing import Any

import pytest

from deuteron.settings import Settings
from tests.api.conftest import PROJECT_A, Api

NOWHERE = "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa"


@pytest.fixture
def settings(database_url: str) -> Settings:
    return Settings(database=database_url, network_vlan_ranges={"foo": ((1, 10),)})


@pytest.fixture
def network(api: Api) -> dict[str, Any]:
    return api.create("network", project_id=PROJECT_A, mtu=1400)


def vlan(network: dict[str, Any], **given: Any) -> dict[str, Any]:
    common = {"network_id": network["id"], "network_type": "vlan", "physical_network": "foo"}
    return {**common, **given}


def test_a_network_has_one(api: Api, network: dict[str, Any]) -> None:
    found = api.get("segments", {"network_id": network["id"]})["segments"]
    expected = {"network_type": "geneve", "physical_network": None, "name": None}
    assert [{k: s[k] for k in expected} for s in found] == [expected]
    assert set(found[0]) == {
        *expected,
        "id",
        "network_id",
        "segmentation_id",
        "description",
        "revision_number",
        "created_at",
        "updated_at",
    }


def test_one_more(api: Api, network: dict[str, Any]) -> None:
    made = api.create("segment", **vlan(network, segmentation_id=70, name="s"))
    assert (made["segmentation_id"], made["name"], made["revision_number"]) == (70, "s", 1)
    seen = api.get(f"networks/{network['id']}")["network"]
    kinds = [s["provider:network_type"] for s in seen["segments"]]
    assert (kinds, seen["mtu"]) == (["geneve", "vlan"], 1400)
    path = f"/v2.0/segments/{made['id']}"
    answer = api.call("PUT", path, {"segment": {"name": "n", "description": "d"}})
    assert (answer.body["segment"]["name"], answer.body["segment"]["description"]) == ("n", "d")
    again = {"segment": vlan(network, segmentation_id=70)}
    assert api.refused("POST", "segments", again) == (409, "VlanIdInUse")
    assert api.call("DELETE", path).status == 204
    assert api.create("segment", **vlan(network, segmentation_id=70))["id"] != made["id"]


def test_free_ids(api: Api, network: dict[str, Any]) -> None:
    bodies = {"segments": [vlan(network) for _ in range(10)]}
    answer = api.call("POST", "/v2.0/segments", bodies)
    assert {s["segmentation_id"] for s in answer.body["segments"]} == {*range(1, 11)}
    refusal = api.refused("POST", "segments", {"segment": vlan(network)})
    assert refusal == (503, "NoNetworkAvailable")


@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        ({"network_id": NOWHERE}, (404, "NetworkNotFound")),
        ({"network_type": "token-ring"}, (400, "InvalidInput")),
        ({"segmentation_id": 4095}, (400, "InvalidInput")),
        ({"physical_network": "bar"}, (400, "InvalidInput")),
        ({"network_id": "x"}, (400, "HTTPBadRequest")),
        ({"segment_index": 1}, (400, "HTTPBadRequest")),
    ],
)
def test_refused(
    api: Api, network: dict[str, Any], given: dict[str, Any], refusal: tuple[int, str]
) -> None:
    assert api.refused("POST", "segments", {"segment": vlan(network, **given)}) == refusal


def test_what_cannot_change(api: Api, network: dict[str, Any]) -> None:
    made = api.create("segment", **vlan(network))
    for name in ("segmentation_id", "network_type", "physical_network", "network_id"):
        body = {"segment": {name: made[name]}}
        refusal = api.refused("PUT", f"segments/{made['id']}", body)
        assert refusal == (400, "HTTPBadRequest")


def test_the_last_one_may_go(api: Api, network: dict[str, Any]) -> None:
    only = api.get("segments")["segments"][0]
    assert api.call("DELETE", f"/v2.0/segments/{only['id']}").status == 204
    seen = api.get(f"networks/{network['id']}")["network"]
    assert seen["provider:network_type"] is None
    assert api.call("DELETE", f"/v2.0/networks/{network['id']}").status == 204


def test_a_subnet_keeps_its_segment(api: Api, network: dict[str, Any]) -> None:
    segment = api.get("segments")["segments"][0]
    given = {"network_id": network["id"], "ip_version": 4, "cidr": "10.0.0.0/24"}
    subnet = api.create("subnet", **given, segment_id=segment["id"])
    path = f"segments/{segment['id']}"
    assert api.refused("DELETE", path) == (409, "SegmentInUse")
    assert api.get(f"networks/{network['id']}")["network"]["l2_adjacency"] is False
    api.call("DELETE", f"/v2.0/subnets/{subnet['id']}")
    assert api.call("DELETE", f"/v2.0/{path}").status == 204


def test_members_neither_see_nor_make_any(api: Api, network: dict[str, Any]) -> None:
    member = api.as_project(PROJECT_A)
    assert member.get("segments")["segments"] == []
    segment = api.get("segments")["segments"][0]
    assert member.refused("GET", f"segments/{segment['id']}") == (404, "SegmentNotFound")
    refusal = member.refused("POST", "segments", {"segment": vlan(network)})
    assert refusal == (403, "PolicyNotAuthorized")
