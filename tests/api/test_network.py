# SPDX-License-Identifier: Apache-2.0
"""Networks: attributes, sharing, what goes with them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from deuteron.store.database import Database
from tests.api.conftest import PROJECT_A, PROJECT_B, SCHEMA, Api

# What upstream 29.0.0 (ML2) answers to an admin for a network without subnets.
DEFAULTS = {
    "name": "",
    "description": "",
    "admin_state_up": True,
    "status": "ACTIVE",
    "mtu": 1442,
    "subnets": [],
    "shared": False,
    "availability_zone_hints": [],
    "availability_zones": [],
    "ipv4_address_scope": None,
    "ipv6_address_scope": None,
    "router:external": False,
    "port_security_enabled": True,
    "dns_domain": "",
    "l2_adjacency": True,
    "tags": [],
    "revision_number": 1,
    "provider:network_type": "geneve",
    "provider:physical_network": None,
}
EXTERNAL: dict[str, Any] = {"router:external": True}
VARYING = {"id", "project_id", "tenant_id", "created_at", "updated_at", "provider:segmentation_id"}


def test_defaults(api: Api) -> None:
    network = api.create("network")
    assert {k: network[k] for k in DEFAULTS} == DEFAULTS
    assert network.keys() >= VARYING
    assert 1 <= network["provider:segmentation_id"] <= 65536
    assert "segments" not in network
    assert api.get(f"networks/{network['id']}")["network"] == network
    assert api.get("networks")["networks"] == [network]


def test_members_do_not_see_the_wire(api: Api) -> None:
    member = api.as_project(PROJECT_A)
    network = member.create("network")
    hidden = {"provider:network_type", "provider:physical_network", "provider:segmentation_id"}
    assert not hidden & network.keys()
    assert not hidden & member.get("networks")["networks"][0].keys()


@pytest.mark.parametrize(
    "given",
    [
        {"provider:network_type": "geneve"},
        {"segments": [{"provider:network_type": "geneve"}]},
        {"shared": True},
        {"router:external": True},
        {"is_default": True},
    ],
)
def test_members_may_not_choose(api: Api, given: dict[str, Any]) -> None:
    member = api.as_project(PROJECT_A)
    assert member.refused("POST", "networks", {"network": given}) == (403, "PolicyNotAuthorized")


@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        ({"mtu": 1443}, (400, "InvalidInput")),
        ({"mtu": -1}, (400, "HTTPBadRequest")),
        ({"mtu": None}, (400, "InvalidInput")),
        ({"mtu": 10**30}, (400, "HTTPBadRequest")),
        ({"availability_zone_hints": ["mars"]}, (404, "AvailabilityZoneNotFound")),
        ({"availability_zone_hints": "nova"}, (400, "HTTPBadRequest")),
        ({"availability_zone_hints": ["nova", "nova"]}, (400, "HTTPBadRequest")),
        ({"availability_zone_hints": ["n" * 200, "m" * 200]}, (400, "InvalidInput")),
        ({"subnets": []}, (400, "HTTPBadRequest")),
        ({"status": "DOWN"}, (400, "HTTPBadRequest")),
        ({"l2_adjacency": True}, (400, "HTTPBadRequest")),
    ],
)
def test_refused(api: Api, given: dict[str, Any], refusal: tuple[int, str]) -> None:
    assert api.refused("POST", "networks", {"network": given}) == refusal
    assert api.get("networks")["networks"] == []


def test_mtu_is_kept_and_recomputed(api: Api) -> None:
    network = api.create("network", mtu=1400, availability_zone_hints=["nova"])
    assert network["mtu"] == 1400
    path = f"/v2.0/networks/{network['id']}"
    for wanted, found in ((1300, 1300), (0, 1442)):
        answer = api.call("PUT", path, {"network": {"mtu": wanted}})
        assert answer.body["network"]["mtu"] == found
    refusal = api.refused("PUT", path[6:], {"network": {"mtu": 1443}})
    assert refusal == (400, "InvalidInput")


def test_mtu_leaves_room_for_the_subnets(api: Api) -> None:
    network = api.create("network")
    api.create("subnet", network_id=network["id"], ip_version=6, cidr="fd00::/64")
    path = f"networks/{network['id']}"
    for mtu in (1279, 60):
        refusal = api.refused("PUT", path, {"network": {"mtu": mtu}})
        assert refusal == (409, "NetworkMTUSubnetConflict")


@pytest.mark.parametrize("given", [{"mtu": 1300}, {"name": "n"}, {"admin_state_up": False}])
def test_a_change_reaches_ports_and_subnets(api: Api, marks: Any, given: dict[str, Any]) -> None:
    network = api.create("network")
    subnet = api.create("subnet", network_id=network["id"], ip_version=4, cidr="10.0.0.0/24")
    port = api.create("port", network_id=network["id"])
    marks()
    api.call("PUT", f"/v2.0/networks/{network['id']}", {"network": given})
    expected = {("network", network["id"]), ("subnet", subnet["id"]), ("port", port["id"])}
    assert expected <= marks()
    api.call("PUT", f"/v2.0/networks/{network['id']}", {"network": {"description": "d"}})
    assert ("port", port["id"]) not in marks()


@pytest.fixture
def marks(database: Database) -> Callable[[], set[tuple[str, str]]]:
    """Takes the dirty marks since the last call."""
    table = SCHEMA.dirty

    def take() -> set[tuple[str, str]]:
        with database.engine.begin() as connection:
            found = {(r.kind, r.id) for r in connection.execute(sa.select(table))}
            connection.execute(table.delete())
        return found

    return take


def test_bulk_answers_in_order_and_is_all_or_nothing(api: Api) -> None:
    names = [f"n{i}" for i in range(40)]
    answer = api.call("POST", "/v2.0/networks", {"networks": [{"name": n} for n in names]})
    assert [n["name"] for n in answer.body["networks"]] == names
    ids = [n["provider:segmentation_id"] for n in answer.body["networks"]]
    assert len(set(ids)) == len(ids)
    bad = {"networks": [{"name": "good"}, {"mtu": 9999}]}
    assert api.refused("POST", "networks", bad) == (400, "InvalidInput")
    assert len(api.get("networks")["networks"]) == 40


def test_delete_takes_what_belongs_to_it(api: Api) -> None:
    network = api.create("network", shared=True)
    subnet = api.create("subnet", network_id=network["id"], ip_version=4, cidr="10.0.0.0/24")
    port = api.create("port", network_id=network["id"])
    dhcp = api.create("port", network_id=network["id"], device_owner="network:dhcp")
    path = f"/v2.0/networks/{network['id']}"
    refused = api.call("DELETE", path)
    assert refused.status == 409
    assert refused.body["NeutronError"]["type"] == "NetworkInUse"
    message = refused.body["NeutronError"]["message"]
    assert port["id"] in message
    assert dhcp["id"] not in message
    assert api.call("DELETE", f"/v2.0/ports/{port['id']}").status == 204
    assert api.call("DELETE", path).status == 204
    assert api.refused("GET", f"subnets/{subnet['id']}") == (404, "SubnetNotFound")
    assert api.refused("GET", f"ports/{dhcp['id']}") == (404, "PortNotFound")
    assert api.get("segments")["segments"] == []
    assert api.get("rbac-policies")["rbac_policies"] == []
    assert api.refused("DELETE", path[6:]) == (404, "NetworkNotFound")


def test_shared_is_a_policy_for_everyone(api: Api) -> None:
    network = api.create("network", shared=True, project_id=PROJECT_A)
    policies = api.get("rbac-policies", {"object_id": network["id"]})["rbac_policies"]
    assert [(p["action"], p["target_tenant"]) for p in policies] == [("access_as_shared", "*")]
    other = api.as_project(PROJECT_B)
    path = f"networks/{network['id']}"
    assert other.get(path)["network"]["shared"] is True
    assert other.refused("PUT", path, {"network": {"name": "x"}}) == (403, "PolicyNotAuthorized")
    assert other.refused("DELETE", path) == (403, "PolicyNotAuthorized")
    port = other.create("port", network_id=network["id"])
    refusal = api.refused("PUT", path, {"network": {"shared": False}})
    assert refusal == (409, "InvalidSharedSetting")
    other.call("DELETE", f"/v2.0/ports/{port['id']}")
    answer = api.call("PUT", f"/v2.0/{path}", {"network": {"shared": False}})
    assert answer.body["network"]["shared"] is False
    assert answer.body["network"]["revision_number"] == network["revision_number"] + 1
    assert other.refused("GET", path) == (404, "NetworkNotFound")
    assert other.get("networks")["networks"] == []


def test_only_admins_share(api: Api) -> None:
    owner = api.as_project(PROJECT_A)
    network = owner.create("network")
    refusal = owner.refused("PUT", f"networks/{network['id']}", {"network": {"shared": True}})
    assert refusal == (403, "PolicyNotAuthorized")
    api.call("PUT", f"/v2.0/networks/{network['id']}", {"network": {"shared": True}})
    assert owner.get("networks", {"shared": "true"})["networks"][0]["id"] == network["id"]


def test_external_networks_are_seen_by_everyone(api: Api) -> None:
    network = api.create("network", **EXTERNAL, project_id=PROJECT_A)
    assert network["is_default"] is False
    other = api.as_project(PROJECT_B)
    path = f"networks/{network['id']}"
    seen = other.get(path)["network"]
    assert seen["router:external"] is True
    assert seen["shared"] is False
    assert [n["id"] for n in other.get("networks", {"router:external": "true"})["networks"]]
    assert other.get("networks", {"router:external": "false"})["networks"] == []
    answer = api.call("PUT", f"/v2.0/{path}", {"network": {"router:external": False}})
    assert answer.body["network"]["router:external"] is False
    assert "is_default" not in answer.body["network"]
    assert other.refused("GET", path) == (404, "NetworkNotFound")


def test_one_default_external_network(api: Api) -> None:
    first = api.create("network", **EXTERNAL, is_default=True)
    assert first["is_default"] is True
    body = {"network": {"router:external": True, "is_default": True}}
    assert api.refused("POST", "networks", body) == (409, "DefaultExternalNetworkExists")
    inner = api.create("network", is_default=True)
    assert "is_default" not in inner
    found = api.get("networks", {"is_default": "true"})["networks"]
    assert [n["id"] for n in found] == [first["id"]]


def test_a_gateway_keeps_a_network_external(api: Api) -> None:
    network = api.create("network", **EXTERNAL)
    api.create("port", network_id=network["id"], device_owner="network:router_gateway")
    body = {"network": {"router:external": False}}
    refusal = api.refused("PUT", f"networks/{network['id']}", body)
    assert refusal == (409, "ExternalNetworkInUse")


def test_subnets_show_in_the_network(api: Api) -> None:
    network = api.create("network")
    subnet = api.create("subnet", network_id=network["id"], ip_version=4, cidr="10.0.0.0/24")
    seen = api.get(f"networks/{network['id']}")["network"]
    assert seen["subnets"] == [subnet["id"]]
    assert seen["availability_zones"] == ["nova"]
    assert seen["l2_adjacency"] is True


def test_subnets_count_as_changes_of_the_network(api: Api) -> None:
    network = api.create("network")

    def revision() -> int:
        found: int = api.get(f"networks/{network['id']}")["network"]["revision_number"]
        return found

    subnet = api.create("subnet", network_id=network["id"], ip_version=4, cidr="10.0.0.0/24")
    assert revision() == 2
    api.call("PUT", f"/v2.0/subnets/{subnet['id']}", {"subnet": {"name": "s"}})
    assert revision() == 3
    api.call("DELETE", f"/v2.0/subnets/{subnet['id']}")
    assert revision() == 4


@pytest.mark.parametrize(
    "name",
    ["subnets", "segments", "l2_adjacency", "availability_zones", "availability_zone_hints"],
)
def test_what_cannot_be_filtered_by(api: Api, name: str) -> None:
    assert api.refused("GET", "networks", query={name: "x"}) == (400, "HTTPBadRequest")


@pytest.fixture
def statements(api: Api) -> Any:
    """Collects the SQL statements of a block."""
    del api

    @contextlib.contextmanager
    def collect() -> Iterator[list[str]]:
        found: list[str] = []

        def note(*event: Any) -> None:
            found.append(event[2])

        sa.event.listen(sa.Engine, "before_cursor_execute", note)
        try:
            yield found
        finally:
            sa.event.remove(sa.Engine, "before_cursor_execute", note)

    return collect


def test_lists_cost_the_same_for_any_number(api: Api, statements: Any) -> None:
    counts = []
    for number in (1, 30):
        api.call("POST", "/v2.0/networks", {"networks": [{} for _ in range(number)]})
        with statements() as found:
            api.get("networks")
        counts.append(len(found))
    assert counts[0] == counts[1] <= 3


def test_creates_cost_the_same_for_any_number(api: Api, statements: Any) -> None:
    api.create("network")
    counts = []
    for number in (2, 60):
        with statements() as found:
            api.call("POST", "/v2.0/networks", {"networks": [{} for _ in range(number)]})
        counts.append(len(found))
    assert counts[0] == counts[1] <= 15
