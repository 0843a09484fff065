# SPDX-License-Identifier: Apache-2.0
"""Ranges of segment ids in the API."""

from __future__ import annotations

from typing import Any

import pytest

from deuteron.settings import Settings
from tests.api.conftest import PROJECT_A, Api

PATH = "network_segment_ranges"


@pytest.fixture
def settings(database_url: str) -> Settings:
    return Settings(
        database=database_url,
        network_vlan_ranges={"foo": ((1, 10),)},
        geneve_vni_ranges=((1, 5),),
        vxlan_vni_ranges=(),
    )


def body(**given: Any) -> dict[str, Any]:
    common = {"network_type": "vlan", "physical_network": "foo", "minimum": 101, "maximum": 105}
    found = {**common, **given}
    return {"network_segment_range": {k: v for k, v in found.items() if v is not None}}


def test_the_settings_ranges_are_shown_and_fixed(api: Api) -> None:
    ranges = api.get(PATH)[PATH]
    assert all(r["default"] and r["shared"] and r["used"] == {} for r in ranges)
    found = [(r["network_type"], r["physical_network"], r["available"]) for r in ranges]
    assert found == [("vlan", "foo", [*range(1, 11)]), ("geneve", "", [1, 2, 3, 4, 5])]
    path = f"{PATH}/{ranges[0]['id']}"
    assert api.get(path)["network_segment_range"] == ranges[0]
    refusal = (400, "NetworkSegmentRangeDefaultReadOnly")
    assert api.refused("PUT", path, {"network_segment_range": {"name": "x"}}) == refusal
    assert api.refused("DELETE", path) == refusal


def test_create_and_show(api: Api) -> None:
    answer = api.call("POST", f"/v2.0/{PATH}", body(name="r"))
    assert answer.status == 201
    made = answer.body["network_segment_range"]
    expected = {"default": False, "shared": True, "project_id": None, "minimum": 101}
    assert {k: made[k] for k in expected} == expected
    assert made["available"] == [101, 102, 103, 104, 105]
    assert api.get(f"{PATH}/{made['id']}")["network_segment_range"] == made
    found = api.get(PATH, {"name": "r"})[PATH]
    assert [r["id"] for r in found] == [made["id"]]


def test_a_tunnel_has_no_physical_network(api: Api) -> None:
    given = body(network_type="geneve", minimum=1200, maximum=1202)
    made = api.call("POST", f"/v2.0/{PATH}", given).body["network_segment_range"]
    assert made["physical_network"] == ""


def test_a_new_physical_network_becomes_known(api: Api) -> None:
    api.call("POST", f"/v2.0/{PATH}", body(physical_network="new", minimum=1, maximum=3))
    given = {"provider:network_type": "vlan", "provider:physical_network": "new"}
    assert api.create("network", **given)["provider:segmentation_id"] in (1, 2, 3)


@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        ({"minimum": 104, "maximum": 110}, (409, "NetworkSegmentRangeOverlaps")),
        ({"minimum": 117, "maximum": 115}, (400, "NetworkVlanRangeError")),
        ({"minimum": 117, "maximum": 5000}, (400, "NetworkVlanRangeError")),
        (
            {"network_type": "geneve", "minimum": 1, "maximum": 2**24},
            (400, "NetworkTunnelRangeError"),
        ),
        ({"physical_network": None}, (400, "BadRequest")),
        ({"network_type": "flat"}, (400, "HTTPBadRequest")),
        ({"minimum": 0}, (400, "HTTPBadRequest")),
        ({"minimum": None}, (400, "HTTPBadRequest")),
    ],
)
def test_refused(api: Api, given: dict[str, Any], refusal: tuple[int, str]) -> None:
    api.call("POST", f"/v2.0/{PATH}", body())
    assert api.refused("POST", PATH, body(**given)) == refusal


def test_members_neither_see_nor_make_any(api: Api) -> None:
    member = api.as_project(PROJECT_A)
    assert member.get(PATH)[PATH] == []
    made = api.call("POST", f"/v2.0/{PATH}", body()).body["network_segment_range"]
    missing = (404, "NetworkSegmentRangeNotFound")
    assert member.refused("GET", f"{PATH}/{made['id']}") == missing
    assert member.refused("DELETE", f"{PATH}/{made['id']}") == missing
    assert member.refused("POST", PATH, body()) == (403, "PolicyNotAuthorized")
