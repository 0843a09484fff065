# SPDX-License-Identifier: Apache-2.0
"""Ports: shape, MACs, who may do what, and their lists. Expected answers as upstream 29.0.0's."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import PROJECT_A, PROJECT_B, Api

MISSING = "00000000-0000-0000-0000-000000000000"
NEW_PORT: dict[str, Any] = {
    "name": "",
    "description": "",
    "admin_state_up": True,
    "status": "DOWN",
    "device_id": "",
    "device_owner": "",
    "fixed_ips": [],
    "port_security_enabled": True,
    "propagate_uplink_status": True,
    "trusted": None,
    "device_profile": None,
    "hints": None,
    "numa_affinity_policy": None,
    "hardware_offload_type": None,
    "binding:vnic_type": "normal",
    "binding:profile": {},
    "binding:host_id": "",
    "binding:vif_type": "unbound",
    "binding:vif_details": {},
    "allowed_address_pairs": [],
    "extra_dhcp_opts": [],
    "dns_name": "",
    "dns_assignment": [],
    "dns_domain": "",
    "data_plane_status": None,
    "ip_allocation": "immediate",
    "tags": [],
    "revision_number": 1,
}
FOR_ADMINS = {
    "binding:host_id",
    "binding:profile",
    "binding:vif_type",
    "binding:vif_details",
    "hints",
    "trusted",
}


@pytest.fixture
def network(api: Api) -> str:
    return str(api.create("network")["id"])


@pytest.fixture
def subnet(api: Api, network: str) -> str:
    made = api.create("subnet", network_id=network, ip_version=4, cidr="10.0.0.0/24")
    return str(made["id"])


def put(api: Api, id_: str, **changes: Any) -> dict[str, Any]:
    answer = api.call("PUT", f"/v2.0/ports/{id_}", {"port": changes})
    assert answer.status == 200, answer.body
    found: dict[str, Any] = answer.body["port"]
    return found


def test_new_port(api: Api, network: str) -> None:
    port = api.create("port", network_id=network)
    assert {name: port.get(name, "absent") for name in NEW_PORT} == NEW_PORT
    assert port["mac_address"].startswith("fa:16:3e:")
    assert port["project_id"] == port["tenant_id"]
    assert "inactive_bindings" not in port
    assert api.get(f"ports/{port['id']}") == {"port": port}
    assert api.get("ports") == {"ports": [port]}


def test_members_see_no_hosts(api: Api) -> None:
    member = api.as_project(PROJECT_A)
    port = member.create("port", network_id=member.create("network")["id"])
    assert not FOR_ADMINS & port.keys()
    assert member.get(f"ports/{port['id']}") == {"port": port}
    assert api.get(f"ports/{port['id']}")["port"].keys() > FOR_ADMINS


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("FA:16:3E:AA:BB:CC", "fa:16:3e:aa:bb:cc"),
        ("fa-16-3e-aa-bb-cd", "fa:16:3e:aa:bb:cd"),
        ("fa163eaabbcd", "fa:16:3e:aa:bb:cd"),
        ("fa16.3eaa.bbcd", "fa:16:3e:aa:bb:cd"),
        ("01:00:5e:00:00:01", "01:00:5e:00:00:01"),
        ("bad", None),
        ("00:00:00:00:00:00", None),
        ("ff:ff:ff:ff:ff:ff", None),
        ("", None),
        (5, None),
        ([], None),
        ("fa:16:3e:aa:bb:cc\x00", None),
    ],
)
def test_mac_spellings(api: Api, network: str, given: Any, stored: str | None) -> None:
    if stored is None:
        body = {"port": {"network_id": network, "mac_address": given}}
        assert api.refused("POST", "ports", body) == (400, "HTTPBadRequest")
    else:
        port = api.create("port", network_id=network, mac_address=given)
        assert port["mac_address"] == stored
        assert len(api.get("ports", {"mac_address": given})["ports"]) == 1


def test_mac_is_unique_in_its_network(api: Api, network: str) -> None:
    mac = "fa:16:3e:00:00:09"
    api.create("port", network_id=network, mac_address=mac)
    used = (409, "MacAddressInUse")
    body: dict[str, Any] = {"network_id": network, "mac_address": mac}
    assert api.refused("POST", "ports", {"port": body}) == used
    other = api.create("network")["id"]
    api.create("port", network_id=other, mac_address=mac)
    twice = {**body, "mac_address": "fa:16:3e:00:00:0a"}
    assert api.refused("POST", "ports", {"ports": [twice, twice]}) == used
    port = api.create("port", network_id=network)
    assert api.refused("PUT", f"ports/{port['id']}", {"port": {"mac_address": mac}}) == used


def test_null_makes_another_mac(api: Api, network: str) -> None:
    port = api.create("port", network_id=network, mac_address=None)
    changed = put(api, port["id"], mac_address=None)
    assert changed["mac_address"] != port["mac_address"]
    assert changed["mac_address"].startswith("fa:16:3e:")


def test_missing_network(api: Api) -> None:
    body = {"port": {"network_id": MISSING}}
    assert api.refused("POST", "ports", body) == (404, "NetworkNotFound")


def test_revision_counts_changes(api: Api, network: str) -> None:
    port = api.create("port", network_id=network, name="a")
    assert put(api, port["id"])["revision_number"] == 1
    assert put(api, port["id"], name="a")["revision_number"] == 1
    assert put(api, port["id"], name="b")["revision_number"] == 2


class TestAccess:
    """Own ports, ports on one's own networks, and ports on shared networks."""

    @pytest.fixture
    def shared(self, api: Api) -> str:
        network = api.create("network", shared=True)["id"]
        api.create("subnet", network_id=network, ip_version=4, cidr="10.1.0.0/24")
        return str(network)

    def test_foreign_network_is_not_there(self, api: Api, network: str) -> None:
        body = {"port": {"network_id": network}}
        assert api.as_project(PROJECT_A).refused("POST", "ports", body) == (404, "NetworkNotFound")

    def test_network_owner_sees_and_deletes_ports(self, api: Api) -> None:
        owner, guest = api.as_project(PROJECT_A), api.as_project(PROJECT_B)
        network = owner.create("network")["id"]
        port = api.create("port", network_id=network, project_id=PROJECT_B)
        assert [p["id"] for p in owner.get("ports")["ports"]] == [port["id"]]
        assert [p["id"] for p in guest.get("ports")["ports"]] == [port["id"]]
        body = {"port": {"name": "x"}}
        assert owner.refused("PUT", f"ports/{port['id']}", body) == (403, "PolicyNotAuthorized")
        assert guest.call("PUT", f"/v2.0/ports/{port['id']}", body).status == 200
        assert owner.call("DELETE", f"/v2.0/ports/{port['id']}").status == 204

    @pytest.mark.parametrize(
        "attributes",
        [
            {"mac_address": "fa:16:3e:00:00:01"},
            {"fixed_ips": [{"ip_address": "10.1.0.9"}]},
            {"device_owner": "network:dhcp"},
            {"port_security_enabled": False},
            {"allowed_address_pairs": [{"ip_address": "10.1.0.9"}]},
            {"binding:host_id": "h"},
            {"binding:profile": {"a": 1}},
            {"hints": {}},
            {"trusted": True},
        ],
    )
    def test_guests_of_a_shared_network(
        self, api: Api, shared: str, attributes: dict[str, Any]
    ) -> None:
        guest = api.as_project(PROJECT_A)
        body = {"port": {"network_id": shared, **attributes}}
        if attributes == {"hints": {}}:
            assert guest.call("POST", "/v2.0/ports", body).status == 201
        else:
            assert guest.refused("POST", "ports", body) == (403, "PolicyNotAuthorized")
        port = guest.create("port", network_id=shared)
        assert len(port["fixed_ips"]) == 1
        if attributes == {"hints": {}}:
            return
        forbidden = guest.refused("PUT", f"ports/{port['id']}", {"port": attributes})
        assert forbidden == (403, "PolicyNotAuthorized")

    def test_only_managers_change_a_mac(self, api: Api) -> None:
        member = api.as_project(PROJECT_A)
        network = member.create("network")["id"]
        port = member.create("port", network_id=network, mac_address="fa:16:3e:00:00:01")
        body = {"port": {"mac_address": "fa:16:3e:00:00:02"}}
        path = f"ports/{port['id']}"
        assert member.refused("PUT", path, body) == (403, "PolicyNotAuthorized")
        manager = api.as_project(PROJECT_A, "member,manager")
        assert manager.call("PUT", f"/v2.0/{path}", body).status == 200

    def test_devices_of_nova_are_kept(self, api: Api) -> None:
        member = api.as_project(PROJECT_A)
        port = member.create("port", network_id=member.create("network")["id"])
        put(api, port["id"], device_owner="compute:nova")
        path = f"ports/{port['id']}"
        assert member.refused("DELETE", path) == (403, "PolicyNotAuthorized")
        assert api.call("DELETE", f"/v2.0/{path}").status == 204

    def test_readers_only_look(self, api: Api) -> None:
        network = api.as_project(PROJECT_A).create("network")["id"]
        reader = api.as_project(PROJECT_A, "reader")
        body = {"port": {"network_id": network}}
        assert reader.refused("POST", "ports", body) == (403, "PolicyNotAuthorized")


def test_list_filters(api: Api, network: str) -> None:
    a = api.create("port", network_id=network, device_id="d1", device_owner="compute:a")["id"]
    b = api.create("port", network_id=network, device_owner="network:x", admin_state_up=False)
    put(api, a, **{"binding:host_id": "h1"})

    def found(**query: Any) -> list[str]:
        return [p["id"] for p in api.get("ports", query)["ports"]]

    assert found(device_owner=["compute:a", "network:x"]) == sorted([a, b["id"]])
    assert found(device_owner="compute:a") == [a]
    assert found(device_id="d1") == [a]
    assert found(admin_state_up="false") == [b["id"]]
    assert found(status="DOWN", network_id=network) == sorted([a, b["id"]])
    assert found(mac_address=b["mac_address"].upper()) == [b["id"]]
    assert found(ip_allocation="immediate", **{"binding:host_id": "h1"}) == [a]
    assert found(**{"binding:host_id": "h2"}) == []
    assert api.refused("GET", "ports", query="dns_name=x")[0] == 400
