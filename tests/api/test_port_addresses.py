# SPDX-License-Identifier: Apache-2.0
"""Which addresses ports get. The expected answers were taken from upstream 29.0.0."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest

from tests.api.conftest import Api

MAC = "fa:16:3e:00:00:01"
MISSING = "00000000-0000-0000-0000-000000000000"


def addresses(port: dict[str, Any]) -> list[str]:
    return [ip["ip_address"] for ip in port["fixed_ips"]]


def subnets_of(port: dict[str, Any]) -> list[str]:
    return [ip["subnet_id"] for ip in port["fixed_ips"]]


@pytest.fixture
def network(api: Api) -> str:
    return str(api.create("network")["id"])


@pytest.fixture
def subnet(api: Api, network: str) -> str:
    made = api.create("subnet", network_id=network, ip_version=4, cidr="10.0.0.0/24")
    return str(made["id"])


def slaac(api: Api, network: str, cidr: str = "2001:db8:1::/64") -> str:
    made = api.create(
        "subnet",
        network_id=network,
        ip_version=6,
        cidr=cidr,
        ipv6_ra_mode="slaac",
        ipv6_address_mode="slaac",
    )
    return str(made["id"])


def test_none_on_a_network_without_subnets(api: Api, network: str) -> None:
    port = api.create("port", network_id=network)
    assert port["fixed_ips"] == []
    assert port["ip_allocation"] == "immediate"


def test_none_where_none_is_asked_for(api: Api, network: str, subnet: str) -> None:
    port = api.create("port", network_id=network, fixed_ips=[])
    assert (port["fixed_ips"], port["ip_allocation"]) == ([], "none")


def test_one_ipv4_of_any_subnet(api: Api, network: str, subnet: str) -> None:
    api.create("subnet", network_id=network, ip_version=4, cidr="10.0.1.0/24")
    assert len(addresses(api.create("port", network_id=network))) == 1


@pytest.mark.parametrize(
    ("fixed_ips", "count"),
    [
        ([{"subnet_id": "S"}], 1),
        ([{"subnet_id": "S"}, {"subnet_id": "S"}], 2),
        ([{"ip_address": "10.0.0.10"}], 1),
        ([{"ip_address": "10.0.0.10", "subnet_id": "S", "foo": "bar"}], 1),
        ([{"ip_address": "10.0.0.10"}, {"ip_address": "10.0.0.11", "subnet_id": "S"}], 2),
        ([{"ip_address": "10.0.0.1"}], 1),
        ([{"subnet_id": "S"}] * 11, 11),
    ],
)
def test_asked_for(
    api: Api, network: str, subnet: str, fixed_ips: list[dict[str, str]], count: int
) -> None:
    asked = [{k: subnet if v == "S" else v for k, v in ip.items()} for ip in fixed_ips]
    port = api.create("port", network_id=network, fixed_ips=asked)
    assert len(set(addresses(port))) == count
    assert addresses(port) == sorted(addresses(port))
    assert set(subnets_of(port)) == {subnet}
    assert {ip["ip_address"] for ip in asked if "ip_address" in ip} <= set(addresses(port))


@pytest.mark.parametrize(
    ("fixed_ips", "status", "error"),
    [
        ("x", 400, "HTTPBadRequest"),
        (None, 400, "HTTPBadRequest"),
        ({}, 400, "HTTPBadRequest"),
        (["x"], 400, "HTTPBadRequest"),
        ([{}], 400, "InvalidInput"),
        ([{"foo": "x"}], 400, "InvalidInput"),
        ([{"subnet_id": "bad"}], 400, "HTTPBadRequest"),
        ([{"subnet_id": None, "ip_address": "10.0.0.33"}], 400, "HTTPBadRequest"),
        ([{"ip_address": "bad"}], 400, "HTTPBadRequest"),
        ([{"ip_address": 5}], 400, "HTTPBadRequest"),
        ([{"ip_address": "10.0.0.011"}], 400, "HTTPBadRequest"),
        ([{"ip_address": "fe80::1%eth0"}], 400, "HTTPBadRequest"),
        ([{"ip_address": "10.0.0.5"}, {"ip_address": "10.0.0.5"}], 400, "HTTPBadRequest"),
        ([{"ip_address": "10.0.0.0"}], 400, "InvalidIpForNetwork"),
        ([{"ip_address": "10.0.0.255"}], 400, "InvalidIpForNetwork"),
        ([{"ip_address": "192.168.7.7"}], 400, "InvalidIpForNetwork"),
        ([{"ip_address": "10.9.0.1", "subnet_id": "S"}], 400, "InvalidIpForSubnet"),
        ([{"ip_address": "fd00::1", "subnet_id": "S"}], 400, "InvalidIpForSubnet"),
        ([{"subnet_id": MISSING}], 404, "SubnetNotFound"),
        ([{"subnet_id": "OTHER"}], 400, "InvalidInput"),
        ([{"ip_address": "10.0.0.77"}], 409, "IpAddressAlreadyAllocated"),
        ([{"ip_address": "10.0.0.77", "subnet_id": "S"}], 409, "IpAddressAlreadyAllocated"),
    ],
)
def test_refused(
    api: Api, network: str, subnet: str, fixed_ips: Any, status: int, error: str
) -> None:
    elsewhere = api.create("network")["id"]
    other = api.create("subnet", network_id=elsewhere, ip_version=4, cidr="10.2.0.0/24")["id"]
    api.create("port", network_id=network, fixed_ips=[{"ip_address": "10.0.0.77"}])
    real = {"S": subnet, "OTHER": other}
    if isinstance(fixed_ips, list):
        fixed_ips = [
            {k: real.get(v, v) for k, v in ip.items()} if isinstance(ip, dict) else ip
            for ip in fixed_ips
        ]
    body = {"port": {"network_id": network, "fixed_ips": fixed_ips}}
    assert api.refused("POST", "ports", body) == (status, error)
    assert len(api.get("ports")["ports"]) == 1


def test_exhausted(api: Api, network: str) -> None:
    pools = [{"start": "10.5.0.3", "end": "10.5.0.4"}]
    subnet = api.create(
        "subnet", network_id=network, ip_version=4, cidr="10.5.0.0/29", allocation_pools=pools
    )["id"]
    found = {addresses(api.create("port", network_id=network))[0] for _ in range(2)}
    assert found == {"10.5.0.3", "10.5.0.4"}
    failure = (409, "IpAddressGenerationFailure")
    for more in ({}, {"fixed_ips": [{"subnet_id": subnet}]}, {"device_owner": "network:dhcp"}):
        assert api.refused("POST", "ports", {"port": {"network_id": network, **more}}) == failure
    outside = api.create("port", network_id=network, fixed_ips=[{"ip_address": "10.5.0.6"}])
    assert addresses(outside) == ["10.5.0.6"]
    assert api.call("DELETE", f"/v2.0/ports/{outside['id']}").status == 204
    again = api.create("port", network_id=network, fixed_ips=[{"ip_address": "10.5.0.6"}])
    assert addresses(again) == ["10.5.0.6"]


def test_next_subnet_when_the_first_is_full(api: Api, network: str) -> None:
    for third in (1, 2):
        api.create(
            "subnet",
            network_id=network,
            ip_version=4,
            cidr=f"10.5.{third}.0/29",
            allocation_pools=[{"start": f"10.5.{third}.2", "end": f"10.5.{third}.3"}],
        )
    body = {"ports": [{"network_id": network}] * 3}
    made = api.call("POST", "/v2.0/ports", body).body["ports"]
    found = {a for port in made for a in addresses(port)}
    found |= set(addresses(api.create("port", network_id=network)))
    assert found == {"10.5.1.2", "10.5.1.3", "10.5.2.2", "10.5.2.3"}
    assert api.refused("POST", "ports", {"port": {"network_id": network}})[0] == 409


def test_dhcp_takes_the_lowest(api: Api, network: str, subnet: str) -> None:
    port = api.create("port", network_id=network, device_owner="network:dhcp")
    assert addresses(port) == ["10.0.0.2"]


def test_bulk_is_all_or_nothing(api: Api, network: str, subnet: str) -> None:
    twice = {"network_id": network, "fixed_ips": [{"ip_address": "10.0.0.99"}]}
    assert api.refused("POST", "ports", {"ports": [twice, twice]}) == (
        409,
        "IpAddressAlreadyAllocated",
    )
    assert api.get("ports")["ports"] == []
    mixed = api.call("POST", "/v2.0/ports", {"ports": [twice, *[{"network_id": network}] * 200]})
    assert mixed.status == 201
    found = [a for p in mixed.body["ports"] for a in addresses(p)]
    assert len(set(found)) == 201
    assert found[0] == "10.0.0.99"


class TestIpv6:
    """A network with IPv4, SLAAC and stateful DHCPv6."""

    @pytest.fixture
    def slaac(self, api: Api, network: str, subnet: str) -> str:
        return slaac(api, network)

    def test_slaac_comes_with_everything(
        self, api: Api, network: str, subnet: str, slaac: str
    ) -> None:
        own = "2001:db8:1:0:f816:3eff:fe00:1"
        for asked in ({}, {"fixed_ips": [{"subnet_id": subnet}]}):
            port = api.create("port", network_id=network, mac_address=MAC, **asked)
            assert subnets_of(port) == [subnet, slaac]
            assert addresses(port)[1] == own
            api.call("DELETE", f"/v2.0/ports/{port['id']}")
        for asked in ([], [{"subnet_id": slaac}]):
            port = api.create("port", network_id=network, mac_address=MAC, fixed_ips=asked)
            assert addresses(port) == [own]
            api.call("DELETE", f"/v2.0/ports/{port['id']}")

    def test_slaac_address_is_not_chosen(self, api: Api, network: str, slaac: str) -> None:
        asked = {"ip_address": "2001:db8:1::5"}
        for ip in (asked, {**asked, "subnet_id": slaac}):
            body = {"port": {"network_id": network, "mac_address": MAC, "fixed_ips": [ip]}}
            assert api.refused("POST", "ports", body) == (400, "AllocationOnAutoAddressSubnet")

    def test_routers_choose(self, api: Api, network: str, subnet: str, slaac: str) -> None:
        owner = "network:router_interface"
        port = api.create("port", network_id=network, device_owner=owner)
        assert subnets_of(port) == [subnet]
        ip = {"ip_address": "2001:db8:1::5", "subnet_id": slaac}
        port = api.create("port", network_id=network, device_owner=owner, fixed_ips=[ip])
        assert port["fixed_ips"] == [ip]

    def test_stateful_beside_slaac(self, api: Api, network: str, subnet: str, slaac: str) -> None:
        stateful = api.create(
            "subnet",
            network_id=network,
            ip_version=6,
            cidr="2001:db8:3::/64",
            ipv6_ra_mode="dhcpv6-stateful",
            ipv6_address_mode="dhcpv6-stateful",
        )["id"]
        port = api.create("port", network_id=network, mac_address=MAC)
        assert subnets_of(port) == [subnet, slaac, stateful]
        asked = [{"ip_address": "2001:DB8:3:0:0::99"}]
        port = api.create("port", network_id=network, fixed_ips=asked)
        assert addresses(port)[1] == "2001:db8:3::99"
        last = ipaddress.ip_network("2001:db8:3::/64")[-1]
        port = api.create("port", network_id=network, fixed_ips=[{"ip_address": str(last)}])
        assert str(last) in addresses(port)

    def test_new_mac_new_address(self, api: Api, network: str, subnet: str, slaac: str) -> None:
        port = api.create("port", network_id=network, mac_address=MAC)
        body = {"port": {"mac_address": "fa:16:3e:00:00:77"}}
        changed = api.call("PUT", f"/v2.0/ports/{port['id']}", body).body["port"]
        assert addresses(changed) == [addresses(port)[0], "2001:db8:1:0:f816:3eff:fe00:77"]
        body = {"port": {"fixed_ips": []}}
        changed = api.call("PUT", f"/v2.0/ports/{port['id']}", body).body["port"]
        assert addresses(changed) == ["2001:db8:1:0:f816:3eff:fe00:77"]
        again = api.create("port", network_id=network, mac_address=MAC)
        assert "2001:db8:1:0:f816:3eff:fe00:1" in addresses(again)


class TestUpdate:
    """Addresses that are asked for again stay."""

    def put(self, api: Api, port: dict[str, Any], *asked: dict[str, str]) -> list[str]:
        body = {"port": {"fixed_ips": list(asked)}}
        answer = api.call("PUT", f"/v2.0/ports/{port['id']}", body)
        assert answer.status == 200, answer.body
        assert (
            api.get(f"ports/{port['id']}")["port"]["fixed_ips"]
            == (answer.body["port"]["fixed_ips"])
        )
        return addresses(answer.body["port"])

    def test_keep_add_remove(self, api: Api, network: str, subnet: str) -> None:
        second = api.create("subnet", network_id=network, ip_version=4, cidr="10.0.1.0/24")["id"]
        port = api.create("port", network_id=network, fixed_ips=[{"ip_address": "10.0.0.50"}])
        assert self.put(api, port, {"ip_address": "10.0.0.50"}) == ["10.0.0.50"]
        assert self.put(api, port, {"subnet_id": subnet}) == ["10.0.0.50"]
        assert self.put(api, port, {"ip_address": "10.0.0.51"}) == ["10.0.0.51"]
        found = self.put(api, port, {"ip_address": "10.0.0.51"}, {"subnet_id": second})
        assert found[0] == "10.0.0.51"
        assert len(found) == 2
        more = self.put(
            api, port, {"ip_address": "10.0.0.51"}, {"subnet_id": subnet}, {"subnet_id": second}
        )
        assert {*found} < {*more}
        assert len(more) == 3
        assert self.put(api, port) == []
        freed = api.create("port", network_id=network, fixed_ips=[{"ip_address": "10.0.0.51"}])
        assert addresses(freed) == ["10.0.0.51"]

    def test_refused(self, api: Api, network: str, subnet: str) -> None:
        api.create("port", network_id=network, fixed_ips=[{"ip_address": "10.0.0.10"}])
        port = api.create("port", network_id=network)
        for asked, expected in (
            ({"ip_address": "10.0.0.10"}, (409, "IpAddressAlreadyAllocated")),
            ({"ip_address": "1.2.3.4"}, (400, "InvalidIpForNetwork")),
            ({"subnet_id": MISSING}, (404, "SubnetNotFound")),
        ):
            body = {"port": {"fixed_ips": [asked]}}
            assert api.refused("PUT", f"ports/{port['id']}", body) == expected
        body = {"port": {"fixed_ips": None}}
        assert api.refused("PUT", f"ports/{port['id']}", body) == (400, "HTTPBadRequest")
        assert api.get(f"ports/{port['id']}")["port"] == port


def test_filters(api: Api, network: str, subnet: str) -> None:
    a = api.create("port", network_id=network, fixed_ips=[{"ip_address": "10.0.0.10"}])["id"]
    b = api.create("port", network_id=network, fixed_ips=[{"ip_address": "10.0.0.110"}])["id"]
    c = api.create("port", network_id=network, fixed_ips=[])["id"]

    def found(*values: str) -> set[str]:
        query = [("fixed_ips", v) for v in values]
        return {p["id"] for p in api.get("ports", query)["ports"]}

    assert found("ip_address=10.0.0.10") == {a}
    assert found("ip_address=10.0.0.10", "ip_address=10.0.0.110") == {a, b}
    assert found(f"subnet_id={subnet}") == {a, b}
    assert found(f"subnet_id={subnet}", "ip_address=10.0.0.110") == {b}
    assert found("ip_address_substr=.1") == {a, b}
    assert found("ip_address_substr=110") == {b}
    assert found("ip_address_substr=%") == set()
    assert found(f"subnet_id={MISSING}") == set()
    assert c not in found("ip_address_substr=10")
    assert api.refused("GET", "ports", query="fixed_ips=nonsense")[0] == 400


def test_service_types(api: Api, network: str, subnet: str) -> None:
    typed = api.create(
        "subnet",
        network_id=network,
        ip_version=4,
        cidr="10.8.0.0/24",
        service_types=["compute:nova"],
    )["id"]
    assert subnets_of(api.create("port", network_id=network)) == [subnet]
    port = api.create("port", network_id=network, device_owner="compute:nova")
    assert subnets_of(port) == [typed]
    body = {"port": {"network_id": network, "fixed_ips": [{"subnet_id": typed}]}}
    assert api.refused("POST", "ports", body) == (400, "InvalidInput")
    alone = api.create("network")["id"]
    api.create(
        "subnet", network_id=alone, ip_version=4, cidr="10.8.0.0/24", service_types=["compute:x"]
    )
    assert api.refused("POST", "ports", {"port": {"network_id": alone}}) == (
        409,
        "IpAddressGenerationFailureNoMatchingSubnet",
    )
