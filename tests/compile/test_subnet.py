# SPDX-License-Identifier: Apache-2.0
"""A subnet's row as a DHCP server."""

from __future__ import annotations

from dataclasses import replace

from deuteron.engine.compile.subnet import compile_subnet
from deuteron.engine.model import Dhcp4, Dhcp6
from tests.compile.rows import SETTINGS, network, subnet, subnet6

FOUR = Dhcp4(
    subnet_id="four",
    network_id="net",
    cidr="10.0.0.0/24",
    server_ip="10.0.0.1",
    server_mac="fa:16:3e:cc:dd:ee",
    router="10.0.0.1",
    mtu=1442,
    lease_time=600,
    dns_servers=("9.9.9.9",),
    domain_name="openstacklocal",
)


def four(row: dict[str, object], net: dict[str, object] | None = None) -> Dhcp4:
    found = compile_subnet(row, net or network(), SETTINGS)
    assert isinstance(found, Dhcp4)
    assert found.server_mac.startswith("fa:16:3e:")
    return replace(found, server_mac=FOUR.server_mac)


def test_a_plain_subnet() -> None:
    assert four(subnet()) == FOUR


def test_without_gateway_the_server_has_the_first_address() -> None:
    found = four(subnet(gateway_ip=None, cidr="10.0.0.128/25"))
    assert (found.router, found.server_ip) == (None, "10.0.0.129")


def test_options_of_the_subnet_and_its_network() -> None:
    row = subnet(
        dns_nameservers=["1.1.1.1", "8.8.8.8"],
        host_routes=[{"destination": "192.168.0.0/16", "nexthop": "10.0.0.9"}],
    )
    found = four(row, network(mtu=1300, dns_domain="corp.test."))
    assert found.dns_servers == ("1.1.1.1", "8.8.8.8")
    assert found.routes == (("192.168.0.0/16", "10.0.0.9"),)
    assert (found.mtu, found.domain_name) == (1300, "corp.test")


def test_the_servers_mac_is_the_subnets_own_and_stable() -> None:
    one, again = (compile_subnet(subnet(), network(), SETTINGS) for _ in range(2))
    other = compile_subnet(subnet(id="other"), network(), SETTINGS)
    assert isinstance(one, Dhcp4)
    assert isinstance(other, Dhcp4)
    assert one == again
    assert one.server_mac != other.server_mac


def test_no_dhcp_where_none_answers() -> None:
    assert compile_subnet(subnet(enable_dhcp=False), network(), SETTINGS) is None
    for mode in (None, "slaac"):
        assert compile_subnet(subnet6(ipv6_address_mode=mode), network(), SETTINGS) is None


def test_dhcpv6() -> None:
    found = compile_subnet(subnet6(), network(), SETTINGS)
    assert isinstance(found, Dhcp6)
    wanted = Dhcp6(
        subnet_id="six",
        network_id="net",
        cidr="fd00::/64",
        server_mac=found.server_mac,
        stateless=False,
        dns_servers=("2620:fe::9",),
        domain_search="openstacklocal",
    )
    assert found == wanted
    stateless = compile_subnet(subnet6(ipv6_address_mode="dhcpv6-stateless"), network(), SETTINGS)
    assert stateless == replace(wanted, stateless=True)
