# SPDX-License-Identifier: Apache-2.0
"""What guests are told by DHCP, DNS and router-less IPv6, and that changes reach the next lease."""

from __future__ import annotations

from tests.end_to_end.site import Site, until

SECONDS = 3.0  # a change reaches the next lease within


def test_a_lease_says_all_that_the_subnet_has(site: Site) -> None:
    network = site.cloud.create("network", mtu=1400)
    subnet = site.subnet(
        network,
        "10.20.0.0/22",
        dns_nameservers=["10.20.0.53", "9.9.9.9"],
        host_routes=[{"destination": "192.168.7.0/24", "nexthop": "10.20.0.7"}],
    )
    guest = site.guest(network)
    lease = site.lease4(guest)
    assert lease is not None
    assert lease.address == guest.address()
    assert lease.mask == "255.255.252.0"
    assert lease.router == subnet["gateway_ip"] == "10.20.0.1"
    assert lease.mtu == 1400
    assert lease.lease_time == 43200
    assert lease.dns_servers == ("10.20.0.53", "9.9.9.9")
    assert lease.domain_name == "example.test"
    assert lease.routes == (("192.168.7.0/24", "10.20.0.7"), ("0.0.0.0/0", "10.20.0.1"))

    site.update("subnet", subnet["id"], dns_nameservers=["1.1.1.1"])
    until(
        lambda: (now := site.lease4(guest)) is not None and now.dns_servers == ("1.1.1.1",), SECONDS
    )
    site.update("network", network["id"], mtu=1300)
    until(lambda: (now := site.lease4(guest)) is not None and now.mtu == 1300, SECONDS)
    site.update("subnet", subnet["id"], gateway_ip=None, host_routes=[])
    until(lambda: (now := site.lease4(guest)) is not None and now.router is None, SECONDS)
    lease = site.lease4(guest)
    assert lease is not None
    assert lease.routes == ()
    site.update("subnet", subnet["id"], enable_dhcp=False)
    until(lambda: site.lease4(guest) is None, SECONDS)
    site.update("subnet", subnet["id"], enable_dhcp=True)
    until(lambda: site.lease4(guest) is not None, SECONDS)


def test_a_subnet_without_dhcp_gives_no_lease(site: Site) -> None:
    network = site.cloud.create("network")
    site.subnet(network, "10.21.0.0/24", enable_dhcp=False)
    assert site.lease4(site.guest(network)) is None


def test_a_ports_own_options_come_first(site: Site) -> None:
    network = site.network("10.22.0.0/24")
    options = [
        {"opt_name": "mtu", "opt_value": "1234"},
        {"opt_name": "tftp-server", "opt_value": "10.22.0.9"},
        {"opt_name": "bootfile-name", "opt_value": "pxelinux.0"},
        {"opt_name": "lease-time", "opt_value": "not a number"},
    ]
    own, plain = site.guest(network, extra_dhcp_opts=options), site.guest(network)
    found = site.options(own)
    assert found is not None
    assert int.from_bytes(found["26"], "big") == 1234
    assert found["66"] == b"10.22.0.9"
    assert found["67"] == b"pxelinux.0"
    assert int.from_bytes(found["51"], "big") == 43200
    other = site.options(plain)
    assert other is not None
    assert "67" not in other

    options = [{"opt_name": "mtu", "opt_value": None}]
    site.update("port", own.id, extra_dhcp_opts=options)
    until(lambda: (now := site.lease4(own)) is not None and now.mtu == network["mtu"], SECONDS)
    site.update(
        "port", own.id, extra_dhcp_opts=[{"opt_name": "dhcp_disabled", "opt_value": "true"}]
    )
    until(lambda: site.lease4(own) is None, SECONDS)


def test_dhcpv6_stateful_and_stateless(site: Site) -> None:
    modes = {}
    for number, mode in enumerate(("dhcpv6-stateful", "dhcpv6-stateless")):
        network = site.cloud.create("network")
        cidr = f"fd00:{number + 1}::/64"
        server = f"fd00:{number + 1}::53"
        addressing = {"ipv6_ra_mode": mode, "ipv6_address_mode": mode}
        site.subnet(network, cidr, dns_nameservers=[server], **addressing)
        guest = site.guest(network)
        lease = site.lease6(guest)
        assert lease is not None, mode
        assert lease.dns_servers == (server,)
        assert lease.domain_search == "example.test"
        modes[mode] = lease.address == guest.address(6), lease.address
    assert modes["dhcpv6-stateful"][0]
    assert modes["dhcpv6-stateless"][1] is None


def test_slaac_addresses_are_used(site: Site) -> None:
    network = site.cloud.create("network")
    site.subnet(network, "fd00:3::/64", ipv6_ra_mode="slaac", ipv6_address_mode="slaac")
    one, two = site.guest(network), site.guest(network)
    assert site.lease6(one) is None
    assert one.address(6).startswith("fd00:3::")
    assert "ff:fe" in one.address(6)
    assert one.pings(two.address(6), "-6")


def test_names_are_answered(site: Site) -> None:
    network = site.network("10.23.0.0/24", dns_domain="corp.test.")
    site.subnet(network, "fd00:4::/64", ipv6_ra_mode="slaac", ipv6_address_mode="slaac")
    web, client = site.guest(network, dns_name="web"), site.guest(network)
    for name in ("web", "WEB.example.test", "web.corp.test"):
        assert site.names(client, name) == [web.address()], name
    assert site.names(client, "web.example.test", "AAAA") == [web.address(6)]
    assert site.names(client, "nobody.example.test") == []
    stranger = site.guest(site.network("10.24.0.0/24"))
    assert site.names(stranger, "web.example.test") == []
    site.update("port", web.id, dns_name="shop")
    until(lambda: site.names(client, "shop.example.test") == [web.address()], SECONDS)
    assert site.names(client, "web.example.test") == []
