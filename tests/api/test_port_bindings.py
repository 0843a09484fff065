# SPDX-License-Identifier: Apache-2.0
"""Where devices of ports are: `binding:*`, and several bindings for live migration."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import PROJECT_A, Api

PLUG = {
    "port_filter": True,
    "connectivity": "l2",
    "ovs_create_tap": True,
    "bridge_name": "br-int",
    "datapath_type": "system",
}
BOUND = {**PLUG, "bound_drivers": {"0": "ovn"}}


@pytest.fixture
def port(api: Api) -> str:
    network = api.create("network")["id"]
    return str(api.create("port", network_id=network, device_owner="compute:nova")["id"])


def put(api: Api, port: str, **changes: Any) -> dict[str, Any]:
    answer = api.call("PUT", f"/v2.0/ports/{port}", {"port": changes})
    assert answer.status == 200, answer.body
    found: dict[str, Any] = answer.body["port"]
    return found


def bindings(api: Api, port: str) -> list[tuple[str, str, str]]:
    found = api.get(f"ports/{port}/bindings")["bindings"]
    return [(b["host"], b["status"], b["vif_type"]) for b in found]


def test_bound_and_unbound(api: Api, port: str) -> None:
    bound = put(api, port, **{"binding:host_id": "h1", "device_id": "vm1"})
    assert (bound["binding:vif_type"], bound["binding:vif_details"]) == ("ovs", BOUND)
    for host in (None, ""):
        free = put(api, port, **{"binding:host_id": host})
        assert (free["binding:host_id"], free["binding:vif_type"]) == ("", "unbound")
        assert free["binding:vif_details"] == {}


@pytest.mark.parametrize(
    ("vnic_type", "profile", "vif_type"),
    [
        ("normal", {}, "ovs"),
        ("virtio-forwarder", {}, "ovs"),
        ("remote-managed", {}, "ovs"),
        ("direct", {}, "binding_failed"),
        ("direct", {"capabilities": ["switchdev"]}, "ovs"),
        ("direct", {"capabilities": "switchdev"}, "binding_failed"),
        ("smart-nic", {}, "binding_failed"),
    ],
)
def test_kinds(api: Api, port: str, vnic_type: str, profile: dict[str, Any], vif_type: str) -> None:
    given = {"binding:vnic_type": vnic_type, "binding:profile": profile, "binding:host_id": "h"}
    assert put(api, port, **given)["binding:vif_type"] == vif_type


def test_what_a_bound_port_refuses(api: Api, port: str) -> None:
    put(api, port, **{"binding:host_id": "h1", "device_id": "vm1"})
    for change, error in (
        ({"binding:vnic_type": "direct"}, "PortInUse"),
        ({"mac_address": "fa:16:3e:00:11:22"}, "PortBound"),
        ({"numa_affinity_policy": "legacy"}, "PortBoundNUMAAffinityPolicy"),
    ):
        assert api.refused("PUT", f"ports/{port}", {"port": change}) == (409, error)


def test_physical_function_brings_its_mac(api: Api, port: str) -> None:
    mac = "0a:00:00:00:00:01"
    profile = {"device_mac_address": mac, "capabilities": ["switchdev"]}
    given = {"binding:vnic_type": "direct-physical", "binding:profile": profile}
    bound = put(api, port, **given, **{"binding:host_id": "h1", "device_id": "vm1"})
    assert bound["mac_address"] == mac
    left = put(api, port, device_id="", device_owner="", **{"binding:host_id": ""})
    assert left["mac_address"] != mac
    bad = {"binding:profile": {"device_mac_address": 5}, "binding:host_id": "h1"}
    assert api.refused("PUT", f"ports/{port}", {"port": bad}) == (400, "InvalidInput")


def test_several_bindings(api: Api, port: str) -> None:
    path = f"ports/{port}/bindings"
    assert bindings(api, port) == [("", "ACTIVE", "unbound")]
    put(api, port, **{"binding:host_id": "h1"})
    assert bindings(api, port) == [("h1", "ACTIVE", "ovs")]
    made = api.call("POST", f"/v2.0/{path}", {"binding": {"host": "h2", "profile": {"a": 1}}})
    assert made.status == 201
    assert made.body == {
        "binding": {
            "host": "h2",
            "vif_type": "ovs",
            "vnic_type": "normal",
            "status": "INACTIVE",
            "profile": {"a": 1},
            "vif_details": PLUG,
        }
    }
    assert api.get(f"{path}/h2") == made.body
    body = {"binding": {"host": "h2"}}
    assert api.refused("POST", path, body) == (409, "PortBindingAlreadyExists")
    assert [b["host"] for b in api.get(path, {"status": "ACTIVE"})["bindings"]] == ["h1"]
    changed = api.call("PUT", f"/v2.0/{path}/h2", {"binding": {"profile": {"b": 2}}})
    assert changed.body["binding"]["profile"] == {"b": 2}
    assert api.refused("PUT", f"{path}/h1/activate") == (409, "PortBindingAlreadyActive")
    active = api.call("PUT", f"/v2.0/{path}/h2/activate")
    assert (active.status, active.body["status"]) == (200, "ACTIVE")
    assert bindings(api, port) == [("h2", "ACTIVE", "ovs"), ("h1", "INACTIVE", "unbound")]
    now = api.get(f"ports/{port}")["port"]
    assert (now["binding:host_id"], now["binding:profile"]) == ("h2", {"b": 2})
    assert api.call("DELETE", f"/v2.0/{path}/h1").status == 204
    assert api.refused("DELETE", f"{path}/h1") == (404, "PortBindingNotFound")
    assert bindings(api, port) == [("h2", "ACTIVE", "ovs")]


def test_a_host_has_one_binding(api: Api, port: str) -> None:
    path = f"ports/{port}/bindings"
    for host in ("h1", "h2"):
        assert api.call("POST", f"/v2.0/{path}", {"binding": {"host": host}}).status == 201
    put(api, port, **{"binding:host_id": "h1"})
    assert bindings(api, port) == [("h1", "ACTIVE", "ovs"), ("h2", "INACTIVE", "ovs")]
    body = {"binding": {"host": "h3", "vnic_type": "direct"}}
    assert api.refused("POST", path, body) == (409, "PortBindingError")


def test_bindings_refused(api: Api, port: str) -> None:
    path = f"ports/{port}/bindings"
    for body, expected in (
        ({}, (400, "HTTPBadRequest")),
        ({"host": ""}, (400, "HTTPBadRequest")),
        ({"host": "h", "vnic_type": "zzz"}, (400, "HTTPBadRequest")),
        ({"host": "h", "status": "ACTIVE"}, (400, "HTTPBadRequest")),
    ):
        assert api.refused("POST", path, {"binding": body}) == expected
    assert api.refused("PUT", f"{path}/no/activate") == (404, "PortBindingNotFound")
    put(api, port, device_owner="")
    body = {"binding": {"host": "h"}}
    assert api.refused("POST", path, body) == (400, "BadRequest")
    missing = "ports/00000000-0000-0000-0000-000000000000/bindings"
    assert api.refused("GET", missing) == (404, "PortNotFound")
    assert api.refused("POST", missing, body) == (404, "PortNotFound")


def test_bindings_are_for_admins(api: Api) -> None:
    member = api.as_project(PROJECT_A)
    port = member.create("port", network_id=member.create("network")["id"])["id"]
    put(api, port, device_owner="compute:nova")
    path = f"ports/{port}/bindings"
    body = {"binding": {"host": "h"}}
    for method, path_, given in (
        ("POST", path, body),
        ("PUT", f"{path}/h", {"binding": {}}),
        ("PUT", f"{path}/h/activate", None),
        ("DELETE", f"{path}/h", None),
    ):
        assert member.refused(method, path_, given) == (403, "PolicyNotAuthorized")
