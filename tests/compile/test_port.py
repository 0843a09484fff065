# SPDX-License-Identifier: Apache-2.0
"""A port's row as a switch port."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from deuteron.declare.resource import Row
from deuteron.engine.compile.port import compile_port
from deuteron.engine.model import AddressPair, PortDhcp, SwitchPort
from tests.compile.rows import SETTINGS, network, port, subnet, subnet6

MAC, IPS = "fa:16:3e:00:00:01", ("10.0.0.5", "fd00::5")
PLAIN = SwitchPort(
    id="port",
    network_id="net",
    mac=MAC,
    enabled=True,
    addresses=IPS,
    security=(AddressPair(MAC, IPS),),
    dhcp4=PortDhcp("four"),
    dhcp6=PortDhcp("six"),
    name="p",
    project_id="acme",
    cidrs=("10.0.0.5/24", "fd00::5/64"),
    network_name="neutron-net",
)


def compiled(row: Row, net: Row | None = None, **subnets: Row) -> SwitchPort:
    known = {"four": subnet(), "six": subnet6(), **subnets}
    found = compile_port(row, net or network(), known, SETTINGS)
    assert found is not None
    return found


def test_a_plain_port() -> None:
    assert compiled(port()) == PLAIN


def test_a_bound_port() -> None:
    row = port(device_id="vm", device_owner="compute:nova", **{"binding:host_id": "h1"})
    assert compiled(row) == replace(PLAIN, device_id="vm", device_owner="compute:nova", host="h1")


@pytest.mark.parametrize(("own", "nets"), [(False, True), (True, False), (False, False)])
def test_a_port_is_disabled_with_its_network(own: bool, nets: bool) -> None:
    found = compiled(port(admin_state_up=own), network(admin_state_up=nets))
    assert found == replace(PLAIN, enabled=False)


def test_allowed_pairs_come_after_the_ports_own() -> None:
    other = "00:00:5e:00:01:01"
    pairs = [
        {"mac_address": MAC, "ip_address": "10.0.9.0/24"},
        {"mac_address": other, "ip_address": "10.0.0.9"},
        {"mac_address": MAC, "ip_address": "10.0.0.5"},
    ]
    assert compiled(port(allowed_address_pairs=pairs)).security == (
        AddressPair(MAC, (*IPS, "10.0.9.0/24")),
        AddressPair(other, ("10.0.0.9",)),
    )


@pytest.mark.parametrize(
    "attributes", [{"port_security_enabled": False}, {"device_owner": "network:dhcp"}]
)
def test_no_port_security(attributes: dict[str, Any]) -> None:
    assert compiled(port(**attributes)).security is None


@pytest.mark.parametrize("owner", ["network:floatingip", "network:floatingip_agent_gateway"])
def test_an_address_without_a_device_is_nothing(owner: str) -> None:
    assert compile_port(port(device_owner=owner), network(), {}, SETTINGS) is None


def test_a_distributed_port_takes_no_dhcp() -> None:
    found = compiled(port(device_owner="network:distributed"))
    assert (found.role, found.dhcp4, found.dhcp6, found.security) == (
        "distributed", None, None, None,
    )  # fmt: skip


def test_dhcp_of_the_first_subnet_that_has_it() -> None:
    ips = [
        {"subnet_id": "off", "ip_address": "10.1.0.5"},
        {"subnet_id": "four", "ip_address": "10.0.0.5"},
    ]
    found = compiled(port(fixed_ips=ips), off=subnet(id="off", enable_dhcp=False))
    assert found.dhcp4 == PortDhcp("four")
    assert found.dhcp6 is None
    nowhere = compiled(port(fixed_ips=[]))
    assert (nowhere.dhcp4, nowhere.dhcp6, nowhere.cidrs) == (None, None, ())


def test_own_dhcp_options_by_version() -> None:
    options = [
        {"opt_name": "mtu", "opt_value": "1400", "ip_version": 4},
        {"opt_name": "domain-search", "opt_value": "a.test", "ip_version": 6},
    ]
    found = compiled(port(extra_dhcp_opts=options))
    assert found.dhcp4 == PortDhcp("four", (("mtu", "1400"),))
    assert found.dhcp6 == PortDhcp("six", (("domain-search", "a.test"),))


@pytest.mark.parametrize(
    ("name", "domain", "names"),
    [
        ("", "corp.test.", []),
        ("Web", "", ["web", "web.openstacklocal"]),
        ("web", "Corp.test.", ["web", "web.openstacklocal", "web.corp.test"]),
        ("web", "openstacklocal.", ["web", "web.openstacklocal"]),
        ("web.openstacklocal.", "corp.test.", ["web.openstacklocal"]),
    ],
)
def test_names(name: str, domain: str, names: list[str]) -> None:
    found = compiled(port(dns_name=name), network(dns_domain=domain))
    assert found.dns == tuple((each, IPS) for each in names)
