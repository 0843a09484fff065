# SPDX-License-Identifier: Apache-2.0
"""Port security: which frames a port may send and receive, by its address pairs.

The rules are those of OVN's `port_security` (ovn-nb(5)), as ovn-controller carries them out. A MAC
whose pairs give addresses of one family may not use the other, nor a protocol that is not IP; a
pair without addresses opens its MAC to everything. An address with a prefix stands for the whole
range only when its host bits are zero.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_interface, ip_network

from deuteron.engine.model import AddressPair
from deuteron.engine.simulator.packet import (
    ADVERTISEMENT,
    ICMP6,
    IPV4,
    IPV6,
    SOLICITATION,
    UDP,
    ZERO_MAC,
    Address,
    Arp,
    Nd,
    Packet,
    address,
    link_local,
)

MULTICAST4 = IPv4Network("224.0.0.0/4")
BROADCAST4 = address("255.255.255.255")
ALL_LINK6 = IPv6Network("ff02::/16")
# Listener reports (version 1 and 2) and solicitations a node sends before it has an address.
BEFORE_ADDRESS = (131, 143, SOLICITATION)


@dataclass(slots=True)
class Guard:
    """What all pairs of one MAC allow together; `broadcasts` of subnets are only received."""

    mac: str
    v4: list[IPv4Network] = field(default_factory=list)
    v6: list[IPv6Network] = field(default_factory=list)
    broadcasts: set[Address] = field(default_factory=set)
    open: bool = False

    def has(self, ip: Address) -> bool:
        if ip.version == 4:
            return any(ip in network for network in self.v4)
        return any(ip in network for network in self.v6)

    def add(self, text: str) -> None:
        interface = ip_interface(text)
        whole = interface.ip == interface.network.network_address
        network = interface.network if whole else ip_network(interface.ip)
        if isinstance(network, IPv6Network):
            self.v6.append(network)
            return
        self.v4.append(network)
        if not whole:
            self.broadcasts.add(interface.network.broadcast_address)


@lru_cache(maxsize=65536)
def guards(pairs: tuple[AddressPair, ...]) -> dict[str, Guard]:
    """The pairs made ready for comparing, by MAC."""
    found: dict[str, Guard] = {}
    for pair in pairs:
        mac = pair.mac.lower()
        guard = found.setdefault(mac, Guard(mac))
        guard.open |= not pair.ips
        for text in pair.ips:
            guard.add(text)
    return found


def why_not_send(pairs: tuple[AddressPair, ...], packet: Packet) -> str | None:
    """Why a port with these pairs may not send the packet; None when it may."""
    guard = guards(pairs).get(packet.src_mac)
    if guard is None:
        return f"source MAC {packet.src_mac} is not allowed"
    if packet.arp is not None:
        return _why_not_arp(guard, packet.arp)
    if packet.ethertype == IPV6:
        return _why_not_send_ip6(guard, packet)
    if packet.ethertype == IPV4:
        return _why_not_send_ip4(guard, packet)
    if guard.open:
        return None
    return f"protocol {packet.ethertype:#06x} is not allowed from a port tied to IP addresses"


def _why_not_arp(guard: Guard, arp: Arp) -> str | None:
    if arp.sender_mac != guard.mac:
        return f"ARP sender MAC {arp.sender_mac} is not allowed"
    if guard.open or guard.has(address(arp.sender_ip)):
        return None
    return f"ARP sender address {arp.sender_ip} is not allowed"


def _why_not_send_ip4(guard: Guard, packet: Packet) -> str | None:
    if guard.open or guard.has(packet.source) or (guard.v4 and _asks_dhcp4(packet)):
        return None
    return f"source address {packet.src_ip} is not allowed"


def _asks_dhcp4(packet: Packet) -> bool:
    return (
        packet.protocol == UDP
        and (packet.src_port, packet.dst_port) == (68, 67)
        and packet.source.is_unspecified
        and packet.destination == BROADCAST4
    )


def _before_address(packet: Packet) -> bool:
    return (
        packet.source.is_unspecified
        and packet.destination in ALL_LINK6
        and packet.protocol == ICMP6
        and packet.icmp_type in BEFORE_ADDRESS
    )


def _why_not_send_ip6(guard: Guard, packet: Packet) -> str | None:
    own = packet.source == link_local(guard.mac)
    tied = guard.has(packet.source) or (guard.v6 and (own or _before_address(packet)))
    if not guard.open and not tied:
        return f"source address {packet.src_ip} is not allowed"
    return _why_not_nd(guard, packet.nd)


def _why_not_nd(guard: Guard, nd: Nd | None) -> str | None:
    """Solicitations pass; an advertisement must speak of the port's own addresses."""
    if nd is None or nd.kind != ADVERTISEMENT:
        return None
    target = address(nd.target)
    own_target = guard.open or guard.has(target) or target == link_local(guard.mac)
    if own_target and nd.link_layer in (ZERO_MAC, guard.mac):
        return None
    return f"advertisement of {nd.target} at {nd.link_layer} is not allowed"


def why_not_receive(pairs: tuple[AddressPair, ...], packet: Packet) -> str | None:
    """Why a port with these pairs may not receive a unicast packet; None when it may."""
    guard = guards(pairs).get(packet.dst_mac)
    if guard is None:
        return f"destination MAC {packet.dst_mac} is not allowed"
    if guard.open or packet.ethertype not in (IPV4, IPV6) or _receives(guard, packet.destination):
        return None
    return f"destination address {packet.dst_ip} is not allowed"


def _receives(guard: Guard, destination: Address) -> bool:
    if guard.has(destination) or destination in guard.broadcasts:
        return True
    if destination.version == 4:
        return bool(guard.v4) and (destination == BROADCAST4 or destination in MULTICAST4)
    return bool(guard.v6) and (destination.is_multicast or destination == link_local(guard.mac))
