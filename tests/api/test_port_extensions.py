# SPDX-License-Identifier: Apache-2.0
"""What extensions add to ports. The expected answers were taken from upstream 29.0.0."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from deuteron.api.server import make_app
from deuteron.settings import Settings
from tests.api.conftest import PROJECT_A, REGISTRY, Api

HINTS = {"openvswitch": {"other_config": {"tx-steering": "hash"}}}


@pytest.fixture
def network(api: Api) -> str:
    network = str(api.create("network")["id"])
    api.create("subnet", network_id=network, ip_version=4, cidr="10.0.0.0/24")
    return network


@pytest.fixture
def settings(database_url: str) -> Settings:
    return Settings(database=database_url, dns_domain="example.test")


def put(api: Api, id_: str, **changes: Any) -> dict[str, Any]:
    answer = api.call("PUT", f"/v2.0/ports/{id_}", {"port": changes})
    assert answer.status == 200, answer.body
    found: dict[str, Any] = answer.body["port"]
    assert api.get(f"ports/{id_}")["port"] == found
    return found


@pytest.mark.parametrize(
    ("name", "given", "stored"),
    [
        ("device_profile", "x", "x"),
        ("hints", HINTS, HINTS),
        ("hints", {}, None),
        ("hints", None, None),
        ("numa_affinity_policy", "socket", "socket"),
        ("numa_affinity_policy", None, None),
        ("hardware_offload_type", "switchdev", "switchdev"),
        ("trusted", "true", True),
        ("propagate_uplink_status", False, False),
        ("binding:vnic_type", "direct", "direct"),
        ("binding:profile", {"a": 1}, {"a": 1}),
        ("binding:profile", None, {}),
        ("binding:host_id", None, ""),
        ("allowed_address_pairs", None, []),
        ("extra_dhcp_opts", None, []),
        ("port_security_enabled", "false", False),
        ("dns_name", "A-b", "a-b"),
        ("dns_name", "x.y", "x.y"),
        ("dns_name", "vm.example.test.", "vm.example.test."),
        ("dns_domain", "example.org.", "example.org."),
        ("dns_domain", "<project_id>.example.org.", "<project_id>.example.org."),
    ],
)
def test_accepted(api: Api, network: str, name: str, given: Any, stored: Any) -> None:
    port = api.create("port", network_id=network, **{name: given})
    assert port[name] == stored
    assert api.get(f"ports/{port['id']}")["port"] == port


@pytest.mark.parametrize(
    ("name", "given", "error"),
    [
        ("data_plane_status", "ACTIVE", "HTTPBadRequest"),
        ("trusted", "x", "InvalidInput"),
        ("trusted", None, "InvalidInput"),
        ("device_profile", 5, "HTTPBadRequest"),
        ("hints", {"x": 1}, "HTTPBadRequest"),
        ("hints", "x", "HTTPBadRequest"),
        ("numa_affinity_policy", "bad", "HTTPBadRequest"),
        ("hardware_offload_type", "bad", "HTTPBadRequest"),
        ("propagate_uplink_status", None, "InvalidInput"),
        ("binding:vnic_type", "bad", "HTTPBadRequest"),
        ("binding:vnic_type", None, "HTTPBadRequest"),
        ("binding:vnic_type", {}, "HTTPBadRequest"),
        ("binding:profile", "x", "HTTPBadRequest"),
        ("binding:profile", [], "HTTPBadRequest"),
        ("binding:profile", {"a": "\x00"}, "HTTPBadRequest"),
        ("binding:profile", {"a": "x" * 5000}, "InvalidInput"),
        ("binding:host_id", "x" * 256, "HTTPBadRequest"),
        ("binding:vif_type", "ovs", "HTTPBadRequest"),
        ("inactive_bindings", [], "HTTPBadRequest"),
        ("dns_name", "bad_name", "HTTPBadRequest"),
        ("dns_name", "-x", "HTTPBadRequest"),
        ("dns_name", None, "InvalidInput"),
        ("dns_name", 5, "InvalidInput"),
        ("dns_name", "x" * 64, "HTTPBadRequest"),
        ("dns_name", "x.other.test.", "HTTPBadRequest"),
        ("dns_name", "a..b", "HTTPBadRequest"),
        ("dns_domain", "example.org", "HTTPBadRequest"),
        ("port_security_enabled", None, "InvalidInput"),
        ("port_security_enabled", "x", "InvalidInput"),
    ],
)
def test_refused(api: Api, network: str, name: str, given: Any, error: str) -> None:
    body = {"port": {"network_id": network, name: given}}
    assert api.refused("POST", "ports", body) == (400, error)


class TestAddressPairs:
    def test_completed_with_the_mac(self, api: Api, network: str) -> None:
        pairs = [
            {"ip_address": "10.0.0.5"},
            {"ip_address": "10.0.0.5", "mac_address": "FA:16:3E:00:00:01"},
            {"ip_address": "0.0.0.0/0"},
        ]
        port = api.create("port", network_id=network, allowed_address_pairs=pairs)
        mac = port["mac_address"]
        assert [p["mac_address"] for p in port["allowed_address_pairs"]] == [
            mac,
            "FA:16:3E:00:00:01",
            mac,
        ]
        changed = put(api, port["id"], mac_address="fa:16:3e:aa:bb:11")
        assert changed["allowed_address_pairs"] == port["allowed_address_pairs"]
        assert put(api, port["id"], allowed_address_pairs=None)["allowed_address_pairs"] == []

    @pytest.mark.parametrize(
        ("pairs", "status", "error"),
        [
            ("x", 400, "HTTPBadRequest"),
            (["x"], 400, "HTTPBadRequest"),
            ([{}], 400, "AllowedAddressPairsMissingIP"),
            ([{"mac_address": "fa:16:3e:00:00:01"}], 400, "AllowedAddressPairsMissingIP"),
            ([{"ip_address": "bad"}], 400, "HTTPBadRequest"),
            ([{"ip_address": None}], 400, "HTTPBadRequest"),
            ([{"ip_address": 5}], 400, "HTTPBadRequest"),
            ([{"ip_address": {}}], 400, "HTTPBadRequest"),
            ([{"ip_address": "224.0.0.1"}], 400, "HTTPBadRequest"),
            ([{"ip_address": "10.0.0.5", "mac_address": "bad"}], 400, "HTTPBadRequest"),
            ([{"ip_address": "10.0.0.5", "mac_address": None}], 400, "HTTPBadRequest"),
            (
                [{"ip_address": "10.0.0.5", "mac_address": "01:00:5e:00:00:01"}],
                400,
                "HTTPBadRequest",
            ),
            ([{"ip_address": "10.0.0.5", "x": 1}], 400, "HTTPBadRequest"),
            ([{"ip_address": "10.0.0.5"}] * 2, 400, "DuplicateAddressPairInRequest"),
            (
                [{"ip_address": f"10.0.2.{i}"} for i in range(11)],
                400,
                "AllowedAddressPairExhausted",
            ),
        ],
    )
    def test_refused(self, api: Api, network: str, pairs: Any, status: int, error: str) -> None:
        body = {"port": {"network_id": network, "allowed_address_pairs": pairs}}
        assert api.refused("POST", "ports", body) == (status, error)

    def test_need_port_security(self, api: Api, network: str) -> None:
        required = (409, "AddressPairAndPortSecurityRequired")
        pairs = {"allowed_address_pairs": [{"ip_address": "10.0.0.5"}]}
        off = {"port_security_enabled": False}
        assert api.refused("POST", "ports", {"port": {"network_id": network, **off, **pairs}}) == (
            required
        )
        port = api.create("port", network_id=network, **off)["id"]
        assert api.refused("PUT", f"ports/{port}", {"port": pairs}) == required
        put(api, port, port_security_enabled=True, **pairs)
        assert api.refused("PUT", f"ports/{port}", {"port": off}) == required
        put(api, port, allowed_address_pairs=[], **off)


def test_port_security_comes_from_the_network(api: Api, network: str) -> None:
    insecure = api.create("network", port_security_enabled=False)["id"]
    assert api.create("port", network_id=insecure)["port_security_enabled"] is False
    port = api.create("port", network_id=insecure, port_security_enabled=True)
    assert port["port_security_enabled"] is True
    owner = "network:router_interface"
    assert not api.create("port", network_id=network, device_owner=owner)["port_security_enabled"]


class TestDhcpOptions:
    def test_update_merges(self, api: Api, network: str) -> None:
        def options(*given: tuple[str, str | None]) -> list[dict[str, Any]]:
            return [{"opt_name": n, "opt_value": v} for n, v in given]

        port = api.create(
            "port",
            network_id=network,
            extra_dhcp_opts=options(("mtu", "1"), ("router", "1.1.1.1"), ("x", None)),
        )["id"]
        for change, names in (
            ([], ["mtu=1", "router=1.1.1.1"]),
            (options(("mtu", "2")), ["mtu=2", "router=1.1.1.1"]),
            (options(("mtu", None)), ["router=1.1.1.1"]),
            (options(("nothere", None)), ["router=1.1.1.1"]),
            (options(("new", "n")), ["new=n", "router=1.1.1.1"]),
            (None, ["new=n", "router=1.1.1.1"]),
        ):
            found = put(api, port, extra_dhcp_opts=change)["extra_dhcp_opts"]
            assert [f"{o['opt_name']}={o['opt_value']}" for o in found] == names
            assert {o["ip_version"] for o in found} == {4}

    @pytest.mark.parametrize(
        "options",
        [
            "x",
            ["x"],
            [{}],
            [{"opt_name": "mtu"}],
            [{"opt_name": [], "opt_value": "x"}],
            [{"opt_value": "x"}],
            [{"opt_name": "", "opt_value": "1"}],
            [{"opt_name": "mtu", "opt_value": ""}],
            [{"opt_name": "mtu", "opt_value": 1400}],
            [{"opt_name": "mtu", "opt_value": "1", "ip_version": 5}],
            [{"opt_name": "mtu", "opt_value": "1", "ip_version": []}],
            [{"opt_name": "mtu", "opt_value": "1", "ip_version": None}],
            [{"opt_name": "x" * 65, "opt_value": "1"}],
            [{"opt_name": "a", "opt_value": "x" * 256}],
            [{"opt_name": "a", "opt_value": "b", "z": 1}],
            [{"opt_name": "a\nb", "opt_value": "b"}],
            [{"opt_name": "a", "opt_value": "b\nc"}],
            [{"opt_name": "mtu", "opt_value": "1"}, {"opt_name": "mtu", "opt_value": "2"}],
        ],
    )
    def test_refused(self, api: Api, network: str, options: Any) -> None:
        body = {"port": {"network_id": network, "extra_dhcp_opts": options}}
        assert api.refused("POST", "ports", body) == (400, "InvalidInput")

    def test_one_of_each_version(self, api: Api, network: str) -> None:
        options = [
            {"opt_name": "mtu", "opt_value": "1", "ip_version": "4"},
            {"opt_name": "mtu", "opt_value": "1", "ip_version": 6},
            {"opt_name": "router", "opt_value": ""},
        ]
        port = api.create("port", network_id=network, extra_dhcp_opts=options)
        assert [o["ip_version"] for o in port["extra_dhcp_opts"]] == [4, 6, 4]


class TestDns:
    def test_assignment_follows(self, api: Api, network: str) -> None:
        port = api.create("port", network_id=network, fixed_ips=[{"ip_address": "10.0.0.9"}])
        made = {
            "ip_address": "10.0.0.9",
            "hostname": "host-10-0-0-9",
            "fqdn": "host-10-0-0-9.example.test.",
        }
        assert port["dns_assignment"] == [made]
        named = put(api, port["id"], dns_name="vm1")
        named_ip = {"ip_address": "10.0.0.9", "hostname": "vm1", "fqdn": "vm1.example.test."}
        assert named["dns_assignment"] == [named_ip]
        assert api.get("ports")["ports"] == [named]
        assert put(api, port["id"], fixed_ips=[])["dns_assignment"] == []

    def test_no_names_without_a_domain(self, settings: Settings) -> None:
        plain = dataclasses.replace(settings, dns_domain="openstacklocal")
        api = Api(make_app(plain, registry=REGISTRY))
        network = api.create("network")["id"]
        api.create("subnet", network_id=network, ip_version=4, cidr="10.0.0.0/24")
        port = api.create("port", network_id=network, dns_name="vm", dns_domain="x.test.")
        assert (port["dns_name"], port["dns_domain"]) == ("", "")
        assert put(api, port["id"], dns_name="vm")["dns_name"] == ""
        assert port["dns_assignment"][0]["fqdn"].endswith(".openstacklocal.")
        api.app.close()


def test_data_plane_status(api: Api, network: str) -> None:
    member = api.as_project(PROJECT_A)
    port = member.create("port", network_id=member.create("network")["id"])["id"]
    assert put(api, port, data_plane_status="ACTIVE")["data_plane_status"] == "ACTIVE"
    assert put(api, port, data_plane_status=None)["data_plane_status"] is None
    body = {"port": {"data_plane_status": "DOWN"}}
    assert member.refused("PUT", f"ports/{port}", body) == (403, "PolicyNotAuthorized")
    body = {"port": {"data_plane_status": "x"}}
    assert api.refused("PUT", f"ports/{port}", body) == (400, "HTTPBadRequest")


@pytest.mark.parametrize("name", ["device_profile", "hardware_offload_type", "tags", "status"])
def test_not_updated(api: Api, network: str, name: str) -> None:
    port = api.create("port", network_id=network)["id"]
    body = {"port": {name: "switchdev"}}
    assert api.refused("PUT", f"ports/{port}", body) == (400, "HTTPBadRequest")


def test_nova_finds_offload_and_trust_in_the_profile(api: Api, network: str) -> None:
    port = api.create("port", network_id=network, trusted=True, hardware_offload_type="switchdev")
    assert port["binding:profile"] == {"trusted": True, "capabilities": ["switchdev"]}
    changed = put(api, port["id"], **{"binding:profile": {"k": "v"}})
    assert changed["binding:profile"] == {"k": "v", "trusted": True}
