# SPDX-License-Identifier: Apache-2.0
"""Port security as a table: what a port may send and receive, by its pairs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deuteron.engine.model import AddressPair
from deuteron.engine.simulator.packet import (
    ARP,
    BROADCAST,
    ICMP6,
    IPV6,
    UDP,
    ZERO_MAC,
    Nd,
    Packet,
    advertisement,
    arp_request,
    dhcp4_discover,
    dhcp6_solicit,
    group_mac,
    link_local,
    solicitation,
    udp,
)
from deuteron.engine.simulator.security import why_not_receive, why_not_send

ME, YOU, STRANGER = "fa:16:3e:00:00:01", "fa:16:3e:00:00:02", "02:00:00:00:00:99"
LLA = str(link_local(ME))
BOTH = (AddressPair(ME, ("10.0.0.5", "2001:db8::5")),)
ONLY4 = (AddressPair(ME, ("10.0.0.5",)),)
ONLY6 = (AddressPair(ME, ("2001:db8::5",)),)
NO_IP = (AddressPair(ME, ()),)
RANGE = (AddressPair(ME, ("10.0.1.0/28", "2001:db8:1::/64")),)
HOST_IN_RANGE = (AddressPair(ME, ("10.0.1.5/28", "2001:db8:1::5/64")),)


def ip4(source: str, mac: str = ME) -> Packet:
    return udp(mac, YOU, source, "10.0.0.9")


def ip6(source: str, mac: str = ME) -> Packet:
    return udp(mac, YOU, source, "2001:db8::9")


def to4(destination: str, mac: str = ME) -> Packet:
    return udp(YOU, mac, "10.0.0.9", destination)


def to6(destination: str, mac: str = ME) -> Packet:
    return udp(YOU, mac, "2001:db8::9", destination)


def report(icmp_type: int, group: str = "ff02::16") -> Packet:
    return Packet(ME, group_mac(group), IPV6, "::", group, ICMP6, icmp_type=icmp_type)


def says(target: str, link_layer: str = ME) -> Packet:
    plain = advertisement(ME, YOU, "2001:db8::5", "2001:db8::9", target)
    return replace(plain, nd=Nd(136, target, link_layer))


NOT_IP = Packet(ME, YOU, 0x88B5)


@pytest.mark.parametrize(
    ("pairs", "packet"),
    [
        (BOTH, ip4("10.0.0.5")),
        (BOTH, ip6("2001:db8::5")),
        (BOTH, ip6(LLA)),
        (BOTH, dhcp4_discover(ME)),
        (BOTH, dhcp6_solicit(ME)),
        (BOTH, arp_request(ME, "10.0.0.5", "10.0.0.9")),
        (BOTH, report(131)),
        (BOTH, report(143)),
        (BOTH, solicitation(ME, "::", "2001:db8::5")),
        (BOTH, solicitation(ME, "2001:db8::5", "2001:db8::9")),
        (BOTH, says("2001:db8::5")),
        (BOTH, says("2001:db8::5", ZERO_MAC)),
        (BOTH, says(LLA)),
        (NO_IP, ip4("192.0.2.1")),
        (NO_IP, ip6("2001:db8:f::1")),
        (NO_IP, arp_request(ME, "192.0.2.1", "10.0.0.9")),
        (NO_IP, NOT_IP),
        (RANGE, ip4("10.0.1.15")),
        (RANGE, ip6("2001:db8:1::abc")),
        (RANGE, arp_request(ME, "10.0.1.3", "10.0.0.9")),
        (HOST_IN_RANGE, ip4("10.0.1.5")),
        (HOST_IN_RANGE, ip6("2001:db8:1::5")),
        (BOTH + RANGE, ip4("10.0.1.3")),
        (ONLY4 + NO_IP, ip6(LLA)),
        (ONLY4 + NO_IP, NOT_IP),
        ((*BOTH, AddressPair(STRANGER, ("10.0.0.7",))), ip4("10.0.0.7", STRANGER)),
    ],
)
def test_may_send(pairs: tuple[AddressPair, ...], packet: Packet) -> None:
    assert why_not_send(pairs, packet) is None


@pytest.mark.parametrize(
    ("pairs", "packet", "why"),
    [
        (BOTH, ip4("10.0.0.5", STRANGER), "source MAC"),
        ((), ip4("10.0.0.5"), "source MAC"),
        (BOTH, ip4("10.0.0.6"), "source address"),
        (BOTH, ip6("2001:db8::6"), "source address"),
        (BOTH, ip6("fe80::6"), "source address"),
        (BOTH, ip6("::"), "source address"),
        (BOTH, report(128), "source address"),
        (BOTH, report(131, "ff05::1"), "source address"),
        (BOTH, NOT_IP, "protocol 0x88b5"),
        (BOTH, arp_request(ME, "10.0.0.6", "10.0.0.9"), "ARP sender address"),
        (BOTH, arp_request(ME, "10.0.0.5", "10.0.0.9", STRANGER), "ARP sender MAC"),
        (BOTH, arp_request(STRANGER, "10.0.0.5", "10.0.0.9", ME), "source MAC"),
        (BOTH, udp(ME, BROADCAST, "0.0.0.0", "255.255.255.255", (67, 68)), "source address"),
        (BOTH, says("2001:db8::6"), "advertisement"),
        (BOTH, says("2001:db8::5", STRANGER), "advertisement"),
        (ONLY4, ip6(LLA), "source address"),
        (ONLY4, dhcp6_solicit(ME), "source address"),
        (ONLY6, dhcp4_discover(ME), "source address"),
        (ONLY6, arp_request(ME, "10.0.0.5", "10.0.0.9"), "ARP sender address"),
        (RANGE, ip4("10.0.1.16"), "source address"),
        (HOST_IN_RANGE, ip4("10.0.1.6"), "source address"),
        (HOST_IN_RANGE, ip4("10.0.1.15"), "source address"),
        ((*BOTH, AddressPair(STRANGER, ("10.0.0.7",))), ip4("10.0.0.7"), "source address"),
        ((*BOTH, AddressPair(STRANGER, ("10.0.0.7",))), ip4("10.0.0.5", STRANGER), "address"),
    ],
)
def test_may_not_send(pairs: tuple[AddressPair, ...], packet: Packet, why: str) -> None:
    assert why in (why_not_send(pairs, packet) or "")


@pytest.mark.parametrize(
    ("pairs", "packet"),
    [
        (BOTH, to4("10.0.0.5")),
        (BOTH, to4("255.255.255.255")),
        (BOTH, to4("224.0.0.9")),
        (BOTH, to6("2001:db8::5")),
        (BOTH, to6(LLA)),
        (BOTH, to6("ff02::1")),
        (BOTH, Packet(YOU, ME, 0x88B5)),
        (BOTH, Packet(YOU, ME, ARP)),
        (NO_IP, to4("192.0.2.1")),
        ((*NO_IP, *ONLY4), to4("10.0.0.6")),
        (RANGE, to4("10.0.1.3")),
        (HOST_IN_RANGE, to4("10.0.1.5")),
        (HOST_IN_RANGE, to4("10.0.1.15")),
    ],
)
def test_may_receive(pairs: tuple[AddressPair, ...], packet: Packet) -> None:
    assert why_not_receive(pairs, packet) is None


@pytest.mark.parametrize(
    ("pairs", "packet", "why"),
    [
        (BOTH, to4("10.0.0.5", STRANGER), "destination MAC"),
        (BOTH, to4("10.0.0.6"), "destination address"),
        (BOTH, to6("2001:db8::6"), "destination address"),
        (ONLY4, to6(LLA), "destination address"),
        (ONLY6, to4("255.255.255.255"), "destination address"),
        (RANGE, to4("10.0.1.16"), "destination address"),
        (HOST_IN_RANGE, to4("10.0.1.6"), "destination address"),
    ],
)
def test_may_not_receive(pairs: tuple[AddressPair, ...], packet: Packet, why: str) -> None:
    assert why in (why_not_receive(pairs, packet) or "")


def test_dhcp_question_is_only_from_client_to_server() -> None:
    discover = dhcp4_discover(ME)
    assert discover.protocol == UDP
    assert why_not_send(BOTH, replace(discover, dst_ip="10.0.0.2")) is not None
