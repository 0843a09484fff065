# SPDX-License-Identifier: Apache-2.0
"""An Ethernet frame as the simulator sees it: the header fields that decide where it goes.

Invariant: a packet is immutable; MACs are lower case with colons, addresses are plain text without
a prefix length. Only one of `arp`, `nd` and the transport fields says what the frame carries.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address

IPV4, ARP, IPV6 = 0x0800, 0x0806, 0x86DD
TCP, UDP, ICMP, ICMP6 = 6, 17, 1, 58
SOLICITATION, ADVERTISEMENT = 135, 136
BROADCAST = "ff:ff:ff:ff:ff:ff"
ZERO_MAC = "00:00:00:00:00:00"

Address = IPv4Address | IPv6Address


@lru_cache(maxsize=65536)
def address(text: str) -> Address:
    """An IP address from its text, remembered: the same few come by with every packet."""
    return ip_address(text)


def is_group(mac: str) -> bool:
    """True for a broadcast or multicast MAC."""
    return bool(int(mac[:2], 16) & 1)


@lru_cache(maxsize=65536)
def link_local(mac: str) -> IPv6Address:
    """The IPv6 link-local address made from a MAC (EUI-64, RFC 4291 appendix A)."""
    octets = bytes.fromhex(mac.replace(":", ""))
    eui64 = bytes([octets[0] ^ 2]) + octets[1:3] + b"\xff\xfe" + octets[3:]
    return IPv6Address(b"\xfe\x80" + bytes(6) + eui64)


def group_mac(group: str) -> str:
    """The Ethernet group address of an IPv6 multicast address (RFC 2464 section 7)."""
    return "33:33:" + ":".join(f"{octet:02x}" for octet in IPv6Address(group).packed[12:])


def solicited_node(target: str) -> str:
    """The multicast address on which a node hears solicitations for `target` (RFC 4291)."""
    low = int(IPv6Address(target)) & 0xFFFFFF
    return str(IPv6Address(int(IPv6Address("ff02::1:ff00:0")) | low))


@dataclass(frozen=True, slots=True)
class Arp:
    """The ARP message: `op` 1 asks, 2 answers."""

    op: int
    sender_mac: str
    sender_ip: str
    target_ip: str
    target_mac: str = ZERO_MAC


@dataclass(frozen=True, slots=True)
class Nd:
    """A neighbour solicitation (`kind` 135) or advertisement (136) for `target`.

    `link_layer` is the MAC in the message's option, ZERO_MAC without one.
    """

    kind: int
    target: str
    link_layer: str = ZERO_MAC


@dataclass(frozen=True, slots=True)
class Packet:
    """One frame. `vlan` is the tag it carries, None for untagged; `ports` are transport ports.

    `icmp_type` counts for ICMP and ICMPv6. `question` is what a DNS query asks: (name, type).
    """

    src_mac: str
    dst_mac: str
    ethertype: int = IPV4
    src_ip: str = ""
    dst_ip: str = ""
    protocol: int = 0
    src_port: int = 0
    dst_port: int = 0
    icmp_type: int = 0
    arp: Arp | None = None
    nd: Nd | None = None
    vlan: int | None = None
    question: tuple[str, str] | None = None

    @property
    def source(self) -> Address:
        return address(self.src_ip)

    @property
    def destination(self) -> Address:
        return address(self.dst_ip)


def arp_request(src_mac: str, sender_ip: str, target_ip: str, sender_mac: str = "") -> Packet:
    """A broadcast question who has `target_ip`; `sender_mac` differs from `src_mac` in a lie."""
    message = Arp(1, sender_mac or src_mac, sender_ip, target_ip)
    return Packet(src_mac, BROADCAST, ARP, arp=message)


def solicitation(src_mac: str, src_ip: str, target: str) -> Packet:
    """A neighbour solicitation for `target`, to its solicited-node group."""
    group = solicited_node(target)
    message = Nd(SOLICITATION, target, ZERO_MAC if address(src_ip).is_unspecified else src_mac)
    return Packet(
        src_mac,
        group_mac(group),
        IPV6,
        src_ip,
        group,
        protocol=ICMP6,
        icmp_type=SOLICITATION,
        nd=message,
    )


def advertisement(src_mac: str, dst_mac: str, src_ip: str, dst_ip: str, target: str) -> Packet:
    """A neighbour advertisement that says `target` is at `src_mac`."""
    message = Nd(ADVERTISEMENT, target, src_mac)
    return Packet(
        src_mac,
        dst_mac,
        IPV6,
        src_ip,
        dst_ip,
        protocol=ICMP6,
        icmp_type=ADVERTISEMENT,
        nd=message,
    )


def udp(
    src_mac: str, dst_mac: str, src_ip: str, dst_ip: str, ports: tuple[int, int] = (40000, 40001)
) -> Packet:
    """A UDP datagram of the family of `src_ip`; `ports` are (source, destination)."""
    ethertype = IPV4 if address(src_ip).version == 4 else IPV6
    return Packet(src_mac, dst_mac, ethertype, src_ip, dst_ip, UDP, ports[0], ports[1])


def dhcp4_discover(src_mac: str) -> Packet:
    """A client's first question, from nobody to everybody."""
    return udp(src_mac, BROADCAST, "0.0.0.0", "255.255.255.255", (68, 67))


def dhcp6_solicit(src_mac: str) -> Packet:
    """A client's first question, from its link-local address to all servers and relays."""
    group = "ff02::1:2"
    return udp(src_mac, group_mac(group), str(link_local(src_mac)), group, (546, 547))
