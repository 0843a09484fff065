# SPDX-License-Identifier: Apache-2.0
"""What the network answers by itself: ARP, ND, DHCP and DNS."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deuteron.engine.model import Dhcp4, Dhcp6, ModelObject, SwitchPort, Uplink
from deuteron.engine.simulator import SimulatedNetwork
from deuteron.engine.simulator.dhcp import Lease4, Lease6
from deuteron.engine.simulator.packet import (
    BROADCAST,
    Arp,
    Nd,
    arp_request,
    dhcp4_discover,
    link_local,
    solicitation,
    udp,
)
from tests.engine.simulator.building import (
    A4,
    A6,
    A_MAC,
    B4,
    B6,
    B_MAC,
    C4,
    C6,
    NET,
    A,
    B,
    C,
    with_dhcp,
)

SERVER_MAC = "fa:16:3e:ff:00:01"
FOUR = Dhcp4(
    "four",
    "net",
    "10.0.0.0/24",
    "10.0.0.2",
    SERVER_MAC,
    "10.0.0.1",
    1400,
    3600,
    ("10.0.0.3",),
    "example.org",
    (("10.9.0.0/16", "10.0.0.254"),),
)
SIX = Dhcp6("six", "net", "2001:db8::/64", SERVER_MAC, False, ("2001:db8::53",), "example.org")
CLIENT = with_dhcp(A)


def net(*objects: ModelObject) -> SimulatedNetwork:
    return SimulatedNetwork([NET, FOUR, SIX, *objects])


def test_arp_is_answered_for_the_owner() -> None:
    verdict = net(A, B, C).passes(arp_request(A_MAC, A4, B4), "a")
    assert not verdict.delivered_to
    assert verdict.answer is not None
    assert verdict.answer.arp == Arp(2, B_MAC, B4, A4, A_MAC)
    assert verdict.reasons == [f"ARP responder at a: {B4} is at {B_MAC}, port b"]


def test_solicitation_is_answered_for_the_owner() -> None:
    verdict = net(A, B, C).passes(solicitation(A_MAC, A6, B6), "a")
    assert not verdict.delivered_to
    assert verdict.answer is not None
    assert verdict.answer.nd == Nd(136, B6, B_MAC)


@pytest.mark.parametrize(
    ("asker", "owner", "target4", "target6"),
    [
        (A, C, C4, C6),
        (A, replace(B, host=""), B4, B6),
        (A, B, A4, A6),
        (A, B, "10.0.0.99", "2001:db8::99"),
    ],
    ids=["owner without port security", "owner down", "own address", "nobody's"],
)
def test_what_the_network_does_not_know_is_asked_of_all(
    asker: SwitchPort, owner: SwitchPort, target4: str, target6: str
) -> None:
    network = net(asker, owner)
    expected = {owner.id} if owner.host else set()
    for question in (arp_request(A_MAC, A4, target4), solicitation(A_MAC, A6, target6)):
        verdict = network.passes(question, "a")
        assert verdict.answer is None
        assert verdict.delivered_to == expected


def test_uplinks_and_transparent_networks_get_no_answer() -> None:
    wired = replace(NET, uplinks=(Uplink("up", "x", None),))
    question = arp_request("02:00:00:00:00:99", "10.0.0.200", B4)
    assert SimulatedNetwork([wired, A, B]).passes(question, "up").delivered_to == {"a", "b"}
    clear = SimulatedNetwork([replace(NET, vlan_transparent=True), A, B])
    assert clear.passes(arp_request(A_MAC, A4, B4), "a").delivered_to == {"b"}


def test_lease4() -> None:
    assert net(CLIENT).dhcp4("a", A_MAC) == Lease4(
        A4,
        "255.255.255.0",
        "10.0.0.2",
        SERVER_MAC,
        "10.0.0.1",
        1400,
        3600,
        ("10.0.0.3",),
        "example.org",
        (("10.9.0.0/16", "10.0.0.254"), ("0.0.0.0/0", "10.0.0.1")),
    )


def test_lease4_with_the_ports_own_options() -> None:
    port = with_dhcp(
        A,
        ("mtu", "1300"),
        ("3", "10.0.0.9"),
        ("dns-server", "{1.1.1.1, 9.9.9.9}"),
        ("67", "boot"),
        ("121", "10.8.0.0/16,10.0.0.8"),
    )
    lease = net(port).dhcp4("a", A_MAC)
    assert lease is not None
    assert (lease.mtu, lease.router) == (1300, "10.0.0.9")
    assert lease.dns_servers == ("1.1.1.1", "9.9.9.9")
    assert lease.options == {"67": "boot"}
    assert lease.routes[-1] == ("10.8.0.0/16", "10.0.0.8")


def test_lease6() -> None:
    expected = Lease6(A6, str(link_local(SERVER_MAC)), SERVER_MAC, ("2001:db8::53",), "example.org")
    assert net(CLIENT).dhcp6("a", A_MAC) == expected
    stateless = SimulatedNetwork([NET, replace(SIX, stateless=True), CLIENT])
    assert stateless.dhcp6("a", A_MAC) == replace(expected, address=None)


def test_the_first_address_inside_the_subnet_is_offered() -> None:
    port = replace(CLIENT, addresses=("192.0.2.7", "10.0.0.20", "10.0.0.21"))
    lease = net(port).dhcp4("a", A_MAC)
    assert lease is not None
    assert lease.address == "10.0.0.20"


@pytest.mark.parametrize(
    "port",
    [
        A,
        with_dhcp(A, ("dhcp_disabled", "true")),
        replace(CLIENT, enabled=False),
        replace(CLIENT, host=""),
        replace(CLIENT, addresses=("192.0.2.7", "2001:db8:9::7")),
    ],
    ids=["no DHCP", "turned off", "disabled", "unplugged", "no address inside"],
)
def test_who_gets_no_lease(port: SwitchPort) -> None:
    assert net(port).dhcp4("a", A_MAC) is None
    assert net(port).dhcp6("a", A_MAC) is None


@pytest.mark.parametrize("port", [CLIENT, replace(CLIENT, security=None)])
def test_a_false_mac_gets_no_lease(port: SwitchPort) -> None:
    assert net(port).dhcp4("a", B_MAC) is None
    assert net(port).dhcp6("a", B_MAC) is None


def test_no_lease_without_the_server() -> None:
    assert SimulatedNetwork([NET, CLIENT]).dhcp4("a", A_MAC) is None


def test_a_question_for_a_lease_stays_here_or_goes_to_all() -> None:
    question = dhcp4_discover(A_MAC)
    assert net(CLIENT, B).passes(question, "a").delivered_to == set()
    assert net(A, B).passes(question, "a").delivered_to == {"b"}


@pytest.mark.parametrize(
    ("source", "destination", "answered"),
    [
        (A4, "10.0.0.2", True),
        (A4, "255.255.255.255", True),
        (A4, "10.0.0.7", False),
        ("0.0.0.0", "10.0.0.2", False),
        (B4, "255.255.255.255", False),
    ],
)
def test_renewal(source: str, destination: str, answered: bool) -> None:
    question = udp(A_MAC, BROADCAST, source, destination, (68, 67))
    verdict = net(replace(CLIENT, security=None)).passes(question, "a")
    assert (verdict.answer is not None) == answered


def test_dns() -> None:
    named = replace(B, dns=(("www.example.org", (B4, B6)),))
    network = net(A, named)
    assert network.resolve("a", "WWW.example.org.") == (B4,)
    assert network.resolve("a", "www.example.org", "AAAA") == (B6,)
    assert network.resolve("a", "www.example.org", "ANY") == (B4, B6)
    assert network.resolve("a", "www.example.org", "MX") == ()
    assert network.resolve("a", "11.0.0.10.in-addr.arpa", "PTR") == ("www.example.org",)
    assert network.resolve("a", "nobody.example.org") == ()
    assert net(replace(A, enabled=False), named).resolve("a", "www.example.org") == ()
    network.remove(named.ref)
    assert network.resolve("a", "www.example.org") == ()
    assert network.resolve("a", "11.0.0.10.in-addr.arpa", "PTR") == ()


def test_names_stay_on_their_network() -> None:
    named = replace(B, network_id="net2", dns=(("www.example.org", (B4,)),))
    network = net(A, replace(NET, id="net2"), named)
    assert network.resolve("a", "www.example.org") == ()
    assert network.resolve("b", "www.example.org") == (B4,)
