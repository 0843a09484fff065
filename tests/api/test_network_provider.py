# SPDX-License-Identifier: Apache-2.0
"""The wires under networks: provider attributes, several segments, free ids."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from deuteron.settings import Settings
from tests.api.conftest import PROJECT_A, PROJECT_B, Api

TYPE = "provider:network_type"
WIRE = "provider:physical_network"
NUMBER = "provider:segmentation_id"


@pytest.fixture
def settings(database_url: str) -> Settings:
    return Settings(
        database=database_url,
        flat_networks=("public",),
        network_vlan_ranges={"foo": ((1, 10),), "bar": ((1, 2),)},
        tenant_network_types=("vlan", "geneve"),
        geneve_vni_ranges=((5, 8),),
    )


def wire(network: dict[str, Any]) -> tuple[Any, Any, Any]:
    return network[TYPE], network[WIRE], network[NUMBER]


def vlan(number: int | None, physical: str = "foo") -> dict[str, Any]:
    return {TYPE: "vlan", WIRE: physical, **({} if number is None else {NUMBER: number})}


@pytest.mark.parametrize(
    ("given", "expected", "mtu"),
    [
        (vlan(4094), ("vlan", "foo", 4094), 1500),
        ({TYPE: "flat", WIRE: "public"}, ("flat", "public", None), 1500),
        ({TYPE: "vxlan", NUMBER: 70000}, ("vxlan", None, 70000), 1450),
        ({TYPE: "gre", NUMBER: 1}, ("gre", None, 1), 1458),
        ({TYPE: "geneve", NUMBER: 2**24 - 1}, ("geneve", None, 2**24 - 1), 1442),
        ({TYPE: "local"}, ("local", None, None), 1500),
    ],
)
def test_named(api: Api, given: Any, expected: Any, mtu: int) -> None:
    network = api.create("network", **given)
    assert (wire(network), network["mtu"]) == (expected, mtu)
    assert wire(api.get(f"networks/{network['id']}")["network"]) == expected


@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        ({WIRE: "foo"}, (400, "InvalidInput")),
        ({TYPE: "token-ring"}, (400, "InvalidInput")),
        ({TYPE: "x" * 33}, (400, "HTTPBadRequest")),
        (vlan(3, "nowhere"), (400, "InvalidInput")),
        ({TYPE: "vlan", NUMBER: 3}, (400, "InvalidInput")),
        (vlan(4095), (400, "InvalidInput")),
        (vlan(0), (400, "InvalidInput")),
        (vlan(-1), (400, "InvalidInput")),
        ({TYPE: "geneve", NUMBER: 10**30}, (400, "HTTPBadRequest")),
        ({TYPE: "flat", WIRE: "foo"}, (400, "InvalidInput")),
        ({TYPE: "gre"}, (503, "NoNetworkAvailable")),
        ({"segments": "x"}, (400, "HTTPBadRequest")),
        ({"segments": [{"color": 1}]}, (400, "HTTPBadRequest")),
        ({"segments": [{WIRE: "foo"}]}, (400, "InvalidInput")),
        ({"segments": [vlan(5), vlan(5)]}, (400, "SegmentsContainDuplicateEntry")),
        ({**vlan(5), "segments": [vlan(6)]}, (400, "SegmentsSetInConjunctionWithProviders")),
    ],
)
def test_refused(api: Api, given: Any, refusal: tuple[int, str]) -> None:
    assert api.refused("POST", "networks", {"network": given}) == refusal


@pytest.mark.parametrize(
    ("given", "error"),
    [
        (vlan(5), "VlanIdInUse"),
        ({TYPE: "flat", WIRE: "public"}, "FlatNetworkInUse"),
        ({TYPE: "geneve", NUMBER: 900}, "TunnelIdInUse"),
    ],
)
def test_a_wire_has_one_network(api: Api, given: Any, error: str) -> None:
    first = api.create("network", **given)
    assert api.refused("POST", "networks", {"network": given}) == (409, error)
    both = {"networks": [given, given]}
    assert api.refused("POST", "networks", both) == (409, error)
    api.call("DELETE", f"/v2.0/networks/{first['id']}")
    assert wire(api.create("network", **given)) == wire(first)


def test_free_ids_run_out_in_order_of_type(api: Api) -> None:
    member = api.as_project(PROJECT_A)
    names = [f"n{i}" for i in range(16)]
    for name in names:
        member.create("network", name=name)
    found = [wire(n) for n in api.get("networks")["networks"]]
    expected: set[Any] = {("vlan", "foo", i) for i in range(1, 11)}
    expected |= {("vlan", "bar", i) for i in (1, 2)}
    expected |= {("geneve", None, i) for i in (5, 6, 7, 8)}
    assert len(found) == 16
    assert set(found) == expected
    body: dict[str, Any] = {"network": {}}
    assert member.refused("POST", "networks", body) == (503, "NoNetworkAvailable")


def test_one_request_takes_what_several_pools_have(api: Api) -> None:
    answer = api.call("POST", "/v2.0/networks", {"networks": [{} for _ in range(16)]})
    assert len({wire(n) for n in answer.body["networks"]}) == 16
    body: dict[str, Any] = {"networks": [{}]}
    assert api.refused("POST", "networks", body) == (503, "NoNetworkAvailable")


def test_parallel_creators_never_share_an_id(api: Api) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(lambda _: api.call("POST", "/v2.0/networks", {"network": {}}), range(20))
        )
    found = [wire(a.body["network"]) for a in answers if a.status == 201]
    assert len(found) == len(set(found)) == 16
    assert sorted(a.status for a in answers if a.status != 201) == [503] * 4


def test_part_of_a_wire_is_enough(api: Api) -> None:
    assert wire(api.create("network", **vlan(None, "bar")))[:2] == ("vlan", "bar")
    assert wire(api.create("network", **{TYPE: "vlan"}))[1] in ("foo", "bar")


def test_several_segments(api: Api) -> None:
    given = [vlan(6), {TYPE: "vxlan", NUMBER: "990"}]
    network = api.create("network", segments=given)
    assert network["segments"] == [vlan(6), {TYPE: "vxlan", WIRE: None, NUMBER: 990}]
    assert network["mtu"] == 1450
    assert TYPE not in network
    alone = api.get("networks", {"id": network["id"], "fields": TYPE})["networks"]
    assert alone == [{}]
    body = {"network": {NUMBER: 7}}
    refusal = api.refused("PUT", f"networks/{network['id']}", body)
    assert refusal == (400, "InvalidInput")


def test_one_of_several_segments_is_a_provider_network(api: Api) -> None:
    network = api.create("network", segments=[vlan(6)])
    assert wire(network) == ("vlan", "foo", 6)
    assert "segments" not in network


def test_a_vlan_can_move(api: Api) -> None:
    network, other = api.create("network", **vlan(5)), api.create("network", **vlan(6))
    path = f"/v2.0/networks/{network['id']}"
    answer = api.call("PUT", path, {"network": {NUMBER: 50}})
    assert wire(answer.body["network"]) == ("vlan", "foo", 50)
    for number, refusal in (
        (6, (409, "VlanIdInUse")),
        (50, (409, "VlanIdInUse")),
        (5000, (400, "InvalidInput")),
        (None, (400, "InvalidInput")),
    ):
        assert api.refused("PUT", path[6:], {"network": {NUMBER: number}}) == refusal
    api.call("PUT", f"/v2.0/networks/{other['id']}", {"network": {NUMBER: 5}})
    assert wire(api.get(f"networks/{other['id']}")["network"]) == ("vlan", "foo", 5)


@pytest.mark.parametrize("given", [{TYPE: "flat"}, {WIRE: "bar"}, {NUMBER: None}])
def test_nothing_else_of_a_wire_changes(api: Api, given: Any) -> None:
    network = api.create("network", **vlan(5))
    path = f"networks/{network['id']}"
    assert api.refused("PUT", path, {"network": given}) == (400, "InvalidInput")
    same = api.call("PUT", f"/v2.0/{path}", {"network": {TYPE: "vlan", "name": "n"}})
    assert same.status == 200


def test_only_vlans_move(api: Api) -> None:
    network = api.create("network", **{TYPE: "geneve"})
    body = {"network": {NUMBER: 6}}
    assert api.refused("PUT", f"networks/{network['id']}", body) == (400, "InvalidInput")


def test_filters(api: Api) -> None:
    first = api.create("network", **vlan(5))["id"]
    several = api.create("network", segments=[vlan(6), {TYPE: "geneve", NUMBER: 7}])["id"]

    def found(**query: str) -> set[str]:
        pairs = {f"provider:{name}": value for name, value in query.items()}
        return {n["id"] for n in api.get("networks", pairs)["networks"]}

    assert found(network_type="vlan") == {first, several}
    assert found(network_type="geneve") == {several}
    assert found(segmentation_id="5") == {first}
    assert found(physical_network="bar") == set()
    refusal = api.refused("GET", "networks", query={NUMBER: "five"})
    assert refusal[0] == 400


def test_ranges_of_a_project(api: Api) -> None:
    def make(**given: Any) -> dict[str, Any]:
        common = {"network_type": "vlan", "physical_network": "foo"}
        body = {**common, **given}
        return api.create("network_segment_range", "network_segment_ranges", **body)

    own = make(name="a", shared=False, project_id=PROJECT_A, minimum=8, maximum=21)
    mine = [api.as_project(PROJECT_A).create("network")["id"] for _ in range(14)]
    theirs = [api.as_project(PROJECT_B).create("network")["id"] for _ in range(7)]
    numbers = {n["id"]: n[NUMBER] for n in api.get("networks")["networks"]}
    assert {numbers[id_] for id_ in mine} == set(range(8, 22))
    assert {numbers[id_] for id_ in theirs} == set(range(1, 8))
    path = f"network_segment_ranges/{own['id']}"
    seen = api.get(path)["network_segment_range"]
    assert seen["available"] == []
    assert seen["used"] == {str(i): PROJECT_A for i in range(8, 22)}
    assert api.refused("DELETE", path)[1] == "NetworkSegmentRangeReferencedByProject"
    body: dict[str, Any] = {"network_segment_range": {"minimum": 9}}
    assert api.refused("PUT", path, body)[1] == "NetworkSegmentRangeReferencedByProject"
    body = {"network_segment_range": {"maximum": 23, "name": "b"}}
    answer = api.call("PUT", f"/v2.0/{path}", body)
    assert answer.body["network_segment_range"]["available"] == [22, 23]
    for id_ in mine:
        api.call("DELETE", f"/v2.0/networks/{id_}")
    assert api.call("DELETE", f"/v2.0/{path}").status == 204
