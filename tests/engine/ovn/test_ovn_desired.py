# SPDX-License-Identifier: Apache-2.0
"""Model objects as rows, without any database."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deuteron.engine.model import AddressPair, ModelObject, PortDhcp, SwitchPort
from deuteron.engine.ovn import dhcp_options
from deuteron.engine.ovn.desired import DHCP, DNS, PORT, Row, SubnetDhcp, desired_rows, subnet_dhcp
from tests.engine.ovn.scenarios import DHCP4, DHCP6, MAC_A, SUB4, SWITCH, A, B

BASE = SubnetDhcp("10.0.0.0/24", {"server_id": "10.0.0.1", "mtu": "1442"})


def rows(thing: ModelObject, base: SubnetDhcp | None = BASE) -> list[Row]:
    return desired_rows(thing, lambda _subnet: base)


def port_row(port: SwitchPort) -> Row:
    return next(row for row in rows(port) if row.table == PORT)


def test_reserved_port_has_no_rows() -> None:
    assert rows(replace(A, role="reserved")) == []


def test_distributed_port_is_a_localport_without_host() -> None:
    row = port_row(replace(A, role="distributed", security=None))
    assert row.columns["type"] == "localport"
    assert row.columns["addresses"] == {f"{MAC_A} 10.0.0.10"}
    assert row.columns["options"] == {}


def test_port_security_merges_the_pairs_of_a_mac() -> None:
    other = "00:00:5e:00:01:01"
    row = port_row(
        replace(
            A,
            security=(
                AddressPair(MAC_A, ("10.0.0.10",)),
                AddressPair(other, ("10.0.0.9",)),
                AddressPair(MAC_A, ("10.0.0.0/24",)),
            ),
        )
    )
    assert row.columns["port_security"] == {f"{MAC_A} 10.0.0.10 10.0.0.0/24", f"{other} 10.0.0.9"}
    assert row.columns["addresses"] == {f"{MAC_A} 10.0.0.10", other}


def test_pair_without_ips_opens_its_mac() -> None:
    row = port_row(
        replace(A, security=(AddressPair(MAC_A, ("10.0.0.10",)), AddressPair(MAC_A, ())))
    )
    assert row.columns["port_security"] == {MAC_A}


def test_security_off_and_security_that_allows_nothing_differ() -> None:
    off = port_row(replace(A, security=None)).columns
    nothing = port_row(replace(A, security=())).columns
    assert off["port_security"] == frozenset()
    assert off["addresses"] == {f"{MAC_A} 10.0.0.10", "unknown"}
    assert nothing["port_security"] == {"00:00:00:00:00:00"}
    assert nothing["addresses"] == {f"{MAC_A} 10.0.0.10"}


def test_overrides_without_a_subnet_row_give_no_dhcp() -> None:
    port = replace(A, dhcp4=PortDhcp(SUB4, (("mtu", "1400"),)))
    found = rows(port, base=None)
    assert [row.table for row in found] == [PORT]
    assert found[0].columns["dhcpv4_options"] is None


@pytest.mark.parametrize("value", ["true", "True", "1"])
def test_dhcp_disabled(value: str) -> None:
    port = replace(A, dhcp4=PortDhcp(SUB4, (("mtu", "1400"), ("dhcp_disabled", value))))
    assert [row.table for row in rows(port)] == [PORT]
    assert port_row(port).columns["dhcpv4_options"] is None


def test_only_the_overridden_family_gets_its_own_row() -> None:
    port = replace(B, dhcp4=PortDhcp(SUB4, (("mtu", "1400"),)))
    own = [row for row in rows(port) if row.table == DHCP]
    assert [row.mark.role for row in own] == ["dhcp4"]
    assert own[0].columns["options"] == {"server_id": "10.0.0.1", "mtu": "1400"}


def test_unsupported_overrides_use_the_subnets_row() -> None:
    port = replace(A, dhcp4=PortDhcp(SUB4, (("nonsense", "1"),)))
    assert [row.table for row in rows(port)] == [PORT]
    assert port_row(port).columns["dhcpv4_options"] is not None


@pytest.mark.parametrize(
    ("version", "name", "value", "expected"),
    [
        (4, "tftp-server", "10.0.0.5", {"tftp_server": '"10.0.0.5"'}),
        (4, "66", "boot.example.org", {"tftp_server": '"boot.example.org"'}),
        (4, "bootfile-name", '"pxe"', {"bootfile_name": '"pxe"'}),
        (4, "bootfile-name", 'a"b\\', {"bootfile_name": '"a\\"b\\\\"'}),
        (4, "dns-server", "9.9.9.9,1.1.1.1", {"dns_server": "{9.9.9.9, 1.1.1.1}"}),
        (4, "6", "{9.9.9.9}", {"dns_server": "9.9.9.9"}),
        (4, "domain-search", "a.org,b.org", {"domain_search_list": '"a.org,b.org"'}),
        (4, "server-ip-address", "10.0.0.6", {"next_server": "10.0.0.6"}),
        (4, "255", "10.0.0.6", {"next_server": "10.0.0.6"}),
        (4, "arp-timeout", "60", {"arp_cache_timeout": "60"}),
        (4, "ip-forward-enable", "true", {"ip_forward_enable": "1"}),
        (4, "121", "10.1.0.0/16,10.0.0.2", {"classless_static_route": "{10.1.0.0/16,10.0.0.2}"}),
        (4, "mtu", "70000", {}),
        (4, "mtu", "big", {}),
        (4, "router", "fd00::1", {}),
        (4, "router", "", {}),
        (4, "121", "10.1.0.0/16", {}),
        (4, "ia-addr", "fd00::1", {}),
        (6, "domain-search", "a.org", {"domain_search": '"a.org"'}),
        (6, "23", "fd00::53", {"dns_server": "fd00::53"}),
        (6, "server-id", "FA:16:3e:00:00:01", {"server_id": "fa:16:3e:00:00:01"}),
        (6, "server-id", "10.0.0.1", {}),
        (6, "mtu", "1400", {}),
        (6, "bootfile-name", "pxe", {}),
    ],
)
def test_override_options(version: int, name: str, value: str, expected: dict[str, str]) -> None:
    assert dhcp_options.override_options(version, [(name, value)]) == expected


def test_an_option_that_ovn_lacks_is_reported_once(caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(3):
        dhcp_options.override_options(4, [("reported-once", "1")])
    assert len([r for r in caplog.records if "reported-once" in r.getMessage()]) == 1


def test_routes_carry_the_default_route_of_a_subnet_with_router() -> None:
    routes = (("192.168.0.0/16", "10.0.0.7"),)
    with_router = subnet_dhcp(replace(DHCP4, routes=routes)).options
    without = subnet_dhcp(replace(DHCP4, routes=routes, router=None)).options
    own_default = subnet_dhcp(replace(DHCP4, routes=(("0.0.0.0/0", "10.0.0.9"),))).options
    route = "classless_static_route"
    assert with_router[route] == "{192.168.0.0/16,10.0.0.7, 0.0.0.0/0,10.0.0.1}"
    assert without[route] == "{192.168.0.0/16,10.0.0.7}"
    assert "router" not in without
    assert own_default[route] == "{0.0.0.0/0,10.0.0.9}"
    assert route not in subnet_dhcp(DHCP4).options


def test_a_ports_routes_add_to_its_subnets() -> None:
    base = {"classless_static_route": "{10.1.0.0/16,10.0.0.2}", "mtu": "1442"}
    own = {"classless_static_route": "{10.2.0.0/16,10.0.0.3}"}
    merged = dhcp_options.merged(base, own)
    assert merged["classless_static_route"] == "{10.1.0.0/16,10.0.0.2, 10.2.0.0/16,10.0.0.3}"
    assert merged["mtu"] == "1442"


def test_dhcp6_stateless() -> None:
    assert "dhcpv6_stateless" not in subnet_dhcp(DHCP6).options
    assert subnet_dhcp(replace(DHCP6, stateless=True)).options["dhcpv6_stateless"] == "true"


def test_dns_is_lower_case_with_reverse_records_to_the_full_name() -> None:
    addresses = ("10.0.0.10", "fd00::a")
    port = replace(A, dns=(("Web", addresses), ("Web.Example.ORG.", addresses)))
    records = next(row for row in rows(port) if row.table == DNS).columns["records"]
    assert records == {
        "web": "10.0.0.10 fd00::a",
        "web.example.org": "10.0.0.10 fd00::a",
        "10.0.0.10.in-addr.arpa": "web.example.org",
        "a" + ".0" * 27 + ".0.0.d.f.ip6.arpa": "web.example.org",
    }


def test_every_row_is_marked() -> None:
    for thing in (SWITCH, DHCP4, DHCP6, A, B):
        for row in rows(thing):
            ids = row.columns["external_ids"]
            assert isinstance(ids, dict)
            assert (ids["deuteron:kind"], ids["deuteron:id"]) == thing.ref
            assert ids["deuteron:role"] == row.mark.role
