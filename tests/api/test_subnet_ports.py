# SPDX-License-Identifier: Apache-2.0
"""What subnets that come, go and change do to ports."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from deuteron.store.database import Database
from tests.api.conftest import SCHEMA, Api

Dirty = Callable[[], set[str]]

MAC = "fa:16:3e:00:00:01"
SLAAC = {"ip_version": 6, "ipv6_ra_mode": "slaac", "ipv6_address_mode": "slaac"}


@pytest.fixture
def network(api: Api) -> str:
    return str(api.create("network")["id"])


def ips(api: Api, port: dict[str, Any]) -> set[str]:
    found = api.get(f"ports/{port['id']}")["port"]["fixed_ips"]
    return {ip["ip_address"] for ip in found}


@pytest.fixture
def dirty(database_url: str) -> Iterator[Dirty]:
    """Ports that the loop was asked to look at since the last call."""
    database = Database(database_url)

    def taken() -> set[str]:
        def take(connection: sa.Connection) -> set[str]:
            found = connection.execute(sa.select(SCHEMA.dirty.c.kind, SCHEMA.dirty.c.id)).all()
            connection.execute(SCHEMA.dirty.delete())
            return {id_ for kind, id_ in found if kind == "port"}

        return database.write(take)

    yield taken
    database.close()


def test_ports_get_an_address_of_a_new_slaac_subnet(api: Api, network: str, dirty: Dirty) -> None:
    port = api.create("port", network_id=network, mac_address=MAC)
    router = api.create("port", network_id=network, device_owner="network:router_interface")
    elsewhere = api.create("port", network_id=api.create("network")["id"])
    dirty()
    for number, modes in enumerate(
        (SLAAC, {**SLAAC, "ipv6_address_mode": None}, {**SLAAC, "ipv6_ra_mode": None})
    ):
        api.create("subnet", network_id=network, cidr=f"fd0{number}::/64", **modes)
    assert ips(api, port) == {f"fd0{n}::f816:3eff:fe00:1" for n in range(3)}
    assert ips(api, router) == ips(api, elsewhere) == set()
    after = api.get(f"ports/{port['id']}")["port"]
    assert after["revision_number"] == port["revision_number"] + 3
    assert dirty() == {port["id"]}
    taken = {"fixed_ips": [{"ip_address": "fd00::f816:3eff:fe00:1"}]}
    refused = api.refused("PUT", f"ports/{router['id']}", {"port": taken})
    assert refused == (409, "IpAddressAlreadyAllocated")
    stateful = {**SLAAC, "ipv6_ra_mode": None, "ipv6_address_mode": "dhcpv6-stateful"}
    api.create("subnet", network_id=network, cidr="fd0a::/64", **stateful)
    assert len(ips(api, port)) == 3


def test_service_types_choose_whose_ports_get_an_address(api: Api, network: str) -> None:
    port = api.create("port", network_id=network)
    nova = api.create("port", network_id=network, device_owner="compute:nova")
    dhcp = api.create("port", network_id=network, device_owner="network:dhcp")
    made = api.create(
        "subnet", network_id=network, cidr="fd00::/64", service_types=["compute:nova"], **SLAAC
    )
    assert [len(ips(api, p)) for p in (port, nova, dhcp)] == [0, 1, 1]
    assert api.get(f"ports/{nova['id']}")["port"]["fixed_ips"][0]["subnet_id"] == made["id"]


def test_a_subnet_in_use_stays(api: Api, network: str) -> None:
    subnet = api.create("subnet", network_id=network, ip_version=4, cidr="10.0.0.0/24")
    port = api.create("port", network_id=network)
    assert api.refused("DELETE", f"subnets/{subnet['id']}") == (409, "SubnetInUse")
    assert api.call("DELETE", f"/v2.0/ports/{port['id']}").status == 204
    assert api.call("DELETE", f"/v2.0/subnets/{subnet['id']}").status == 204


def test_own_addresses_and_those_of_services_go_with_the_subnet(
    api: Api, network: str, dirty: Dirty
) -> None:
    v4 = api.create("subnet", network_id=network, ip_version=4, cidr="10.0.0.0/24")
    v6 = api.create("subnet", network_id=network, cidr="fd00::/64", **SLAAC)
    port = api.create("port", network_id=network, mac_address=MAC)
    assert len(ips(api, port)) == 2
    dirty()
    assert api.call("DELETE", f"/v2.0/subnets/{v6['id']}").status == 204
    after = api.get(f"ports/{port['id']}")["port"]
    assert [ip["subnet_id"] for ip in after["fixed_ips"]] == [v4["id"]]
    assert after["revision_number"] == port["revision_number"] + 1
    assert dirty() == {port["id"]}
    dhcp = api.create("port", network_id=network, device_owner="network:dhcp")
    assert api.call("DELETE", f"/v2.0/ports/{port['id']}").status == 204
    assert api.call("DELETE", f"/v2.0/subnets/{v4['id']}").status == 204
    assert ips(api, dhcp) == set()
    again = api.create("subnet", network_id=network, cidr="fd00::/64", **SLAAC)
    assert again["cidr"] == "fd00::/64"


def test_a_routers_interface_keeps_subnet_and_gateway(api: Api, network: str) -> None:
    subnet = api.create("subnet", network_id=network, cidr="fd00::/64", **SLAAC)
    api.create(
        "port",
        network_id=network,
        device_owner="network:router_interface",
        fixed_ips=[{"subnet_id": subnet["id"], "ip_address": subnet["gateway_ip"]}],
    )
    path = f"subnets/{subnet['id']}"
    assert api.refused("DELETE", path) == (409, "SubnetInUse")
    for gateway in (None, "fe80::1"):
        body = {"subnet": {"gateway_ip": gateway}}
        assert api.refused("PUT", path, body) == (409, "GatewayIpInUse")
    body = {"subnet": {"gateway_ip": subnet["gateway_ip"], "name": "same"}}
    assert api.call("PUT", f"/v2.0/{path}", body).status == 200


def test_whether_dhcp_answers_concerns_the_subnets_ports(
    api: Api, network: str, dirty: Dirty
) -> None:
    subnet = api.create("subnet", network_id=network, ip_version=4, cidr="10.0.0.0/24")
    port = api.create("port", network_id=network)
    api.create("port", network_id=network, fixed_ips=[])
    dirty()
    for body, ports in (({"enable_dhcp": False}, {port["id"]}), ({"name": "x"}, set())):
        answer = api.call("PUT", f"/v2.0/subnets/{subnet['id']}", {"subnet": body})
        assert answer.status == 200
        assert dirty() == ports
