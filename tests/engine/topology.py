# SPDX-License-Identifier: Apache-2.0
"""Random small topologies, and packets to try on them: shared by the tests of all engines.

Every switch has the same address plan and the same MACs, so that anything that leaks from one to
the other shows. MACs are unique within a switch: two claims to one MAC have no defined winner in
OVN.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from uuid import NAMESPACE_OID, uuid5

from hypothesis import strategies as st

from deuteron.engine.model import (
    AddressPair,
    Dhcp4,
    Dhcp6,
    ModelObject,
    PortDhcp,
    Switch,
    SwitchPort,
)
from deuteron.engine.simulator.packet import (
    ARP,
    BROADCAST,
    ICMP6,
    IPV6,
    Arp,
    Packet,
    address,
    advertisement,
    arp_request,
    dhcp4_discover,
    dhcp6_solicit,
    group_mac,
    link_local,
    solicitation,
    udp,
)

HOST = "simulated"
CIDR4, CIDR6 = "10.0.0.0/24", "2001:db8::/64"
STRANGE_MAC, STRANGE4, STRANGE6 = "02:00:00:00:00:99", "203.0.113.9", "2001:db8:bad::9"
PAIR_IPS = ("10.0.1.0/28", "10.0.0.77/24", "10.0.2.5", "2001:db8:1::/64", "2001:db8::77/64")
EXPERIMENTAL = 0x88B5  # IEEE 802 local experimental ethertype: a protocol that is not IP


def identify(*parts: object) -> str:
    """A stable id for a thing of a topology."""
    return str(uuid5(NAMESPACE_OID, "/".join(map(str, parts))))


@dataclass(frozen=True)
class Topology:
    """Model objects; each port is on one of the switches."""

    objects: tuple[ModelObject, ...]

    @property
    def switches(self) -> list[Switch]:
        return [item for item in self.objects if isinstance(item, Switch)]

    @property
    def ports(self) -> list[SwitchPort]:
        return [item for item in self.objects if isinstance(item, SwitchPort)]


@dataclass(frozen=True)
class Sent:
    """A packet that the device of a port sends; `kind` says what it tries."""

    port: SwitchPort
    packet: Packet
    kind: str


def mac_of(number: int) -> str:
    return f"fa:16:3e:00:00:{number:02x}"


def dhcp_objects(network: str) -> tuple[Dhcp4, Dhcp6]:
    four = Dhcp4(
        subnet_id=identify(network, 4),
        network_id=network,
        cidr=CIDR4,
        server_ip="10.0.0.2",
        server_mac="fa:16:3e:ff:00:04",
        router="10.0.0.1",
        mtu=1400,
        lease_time=3600,
        dns_servers=("10.0.0.3",),
        domain_name="example.org",
        routes=(("10.9.0.0/16", "10.0.0.254"),),
    )
    six = Dhcp6(
        subnet_id=identify(network, 6),
        network_id=network,
        cidr=CIDR6,
        server_mac="fa:16:3e:ff:00:06",
        stateless=False,
        dns_servers=("2001:db8::53",),
        domain_search="example.org",
    )
    return four, six


@st.composite
def pairs_for(draw: st.DrawFn, number: int, addresses: tuple[str, ...]) -> tuple[AddressPair, ...]:
    """A port's own pair, and up to two more: other addresses of its MAC, or another MAC."""
    pairs = [AddressPair(mac_of(number), addresses)]
    for extra in range(draw(st.integers(0, 2))):
        mac = draw(st.sampled_from((mac_of(number), f"fa:16:3e:aa:{extra:02x}:{number:02x}")))
        ips = draw(st.lists(st.sampled_from(PAIR_IPS), min_size=1, max_size=2, unique=True))
        pairs.append(AddressPair(mac, tuple(ips)))
    return tuple(pairs)


@st.composite
def switch_ports(
    draw: st.DrawFn, network: str, number: int, plugged: bool, rare: st.SearchStrategy[bool]
) -> SwitchPort:
    """Port `number` of a switch: its MAC and addresses end in that number."""
    addresses = tuple(
        text for text in (f"10.0.0.{number + 10}", f"2001:db8::{number + 10:x}") if not draw(rare)
    )
    four, six = dhcp_objects(network)
    secured = draw(st.sampled_from((True, True, False)))
    overrides = draw(st.sampled_from(((), (("mtu", "1300"),), (("router", "10.0.0.99"),))))
    has4, has6 = any("." in text for text in addresses), any(":" in text for text in addresses)
    return SwitchPort(
        id=identify(network, "port", number),
        network_id=network,
        mac=mac_of(number),
        enabled=not draw(rare),
        addresses=addresses,
        security=draw(pairs_for(number, addresses)) if secured else None,
        host=HOST if plugged or draw(st.booleans()) else "",
        dhcp4=PortDhcp(four.subnet_id, overrides) if has4 and draw(st.booleans()) else None,
        dhcp6=PortDhcp(six.subnet_id) if has6 and draw(st.booleans()) else None,
        dns=((f"host{number}.example.org", addresses),) if addresses else (),
    )


@st.composite
def topologies(draw: st.DrawFn, plugged: bool = False, least_ports: int = 2) -> Topology:
    """1 to 3 switches and 2 to 6 ports over them; `plugged` has a device at every port."""
    rare = st.sampled_from((False,) * 5 + (True,))
    objects = list[ModelObject]()
    networks = [identify("network", n) for n in range(draw(st.integers(1, 3)))]
    for network in networks:
        enabled = not draw(rare)
        objects.append(Switch(network, f"n-{network[:4]}", "p", 1442, enabled))
        four, six = dhcp_objects(network)
        objects += [four, replace(six, stateless=draw(rare))]
    for number in range(1, draw(st.integers(least_ports, 6)) + 1):
        network = draw(st.sampled_from(networks))
        objects.append(draw(switch_ports(network, number, plugged, rare)))
    return with_switches(Topology(tuple(objects)))


@st.composite
def packets_for(draw: st.DrawFn, topology: Topology) -> Sent:
    """A port of the topology, and a packet that its device sends: honest or a lie."""
    port = draw(st.sampled_from(topology.ports))
    other = draw(st.sampled_from(topology.ports))
    kind = draw(st.sampled_from(sorted(KINDS)))
    version = draw(st.sampled_from((4, 6)))
    return Sent(port, packet_of(kind, port, other, version), f"{kind}{version}")


def with_switches(topology: Topology) -> Topology:
    """The ports of a disabled switch are disabled, as the compiler has it."""
    off = {switch.id for switch in topology.switches if not switch.enabled}
    return Topology(
        tuple(
            replace(item, enabled=False)
            if isinstance(item, SwitchPort) and item.network_id in off
            else item
            for item in topology.objects
        )
    )


def own_address(port: SwitchPort, version: int) -> str:
    """The port's address, or one that is nobody's when it has none of this version."""
    mark, otherwise = (".", "10.0.0.200") if version == 4 else (":", "2001:db8::200")
    return next((text for text in port.addresses if mark in text), otherwise)


def packet_of(kind: str, port: SwitchPort, other: SwitchPort, version: int) -> Packet:
    """The packet of a kind that `port` sends towards `other`."""
    here, there = own_address(port, version), own_address(other, version)
    plain = udp(port.mac, other.mac, here, there)
    return KINDS[kind](port, other, plain)


def _alien(packet: Packet) -> str:
    return STRANGE6 if packet.ethertype == IPV6 else STRANGE4


def _from_pair(port: SwitchPort, plain: Packet, beside: int = 0) -> Packet:
    """From an address that the last pair gives, as far as it is of the packet's version.

    `beside` moves away from that address: out of what a pair with host bits allows, but not out
    of a range.
    """
    pair = (port.security or (AddressPair(port.mac, port.addresses),))[-1]
    mark = ":" if plain.ethertype == IPV6 else "."
    source = next((text.split("/")[0] for text in pair.ips if mark in text), plain.src_ip)
    return replace(plain, src_mac=pair.mac, src_ip=str(address(source) + beside))


def _to_pair(other: SwitchPort, plain: Packet, beside: int = 0) -> Packet:
    theirs = _from_pair(other, replace(plain, src_ip=plain.dst_ip), beside)
    return replace(plain, dst_mac=theirs.src_mac, dst_ip=theirs.src_ip)


def _to_everybody(plain: Packet) -> Packet:
    if plain.ethertype == IPV6:
        return replace(plain, dst_mac=group_mac("ff02::1"), dst_ip="ff02::1")
    return replace(plain, dst_mac=BROADCAST, dst_ip="255.255.255.255")


def _ask(port: SwitchPort, other: SwitchPort, plain: Packet) -> Packet:
    if plain.ethertype == IPV6:
        return solicitation(port.mac, plain.src_ip, plain.dst_ip)
    return arp_request(port.mac, plain.src_ip, plain.dst_ip)


def _ask_falsely(port: SwitchPort, other: SwitchPort, plain: Packet) -> Packet:
    if plain.ethertype == IPV6:
        return advertisement(port.mac, other.mac, plain.src_ip, plain.dst_ip, STRANGE6)
    return arp_request(port.mac, STRANGE4, plain.dst_ip)


def _tell(port: SwitchPort, other: SwitchPort, plain: Packet) -> Packet:
    """The answer to a question that nobody need have asked."""
    if plain.ethertype == IPV6:
        return advertisement(port.mac, other.mac, plain.src_ip, plain.dst_ip, plain.src_ip)
    message = Arp(2, port.mac, plain.src_ip, plain.dst_ip, other.mac)
    return Packet(port.mac, other.mac, ARP, arp=message)


def _tell_link_local(port: SwitchPort, other: SwitchPort, plain: Packet) -> Packet:
    own, its = str(link_local(port.mac)), str(link_local(other.mac))
    return advertisement(port.mac, other.mac, own, its, own)


def _before_address(port: SwitchPort, other: SwitchPort, plain: Packet) -> Packet:
    """Is my address free, or (for `other` itself) a report of the groups listened to."""
    if port.id != other.id:
        return solicitation(port.mac, "::", own_address(port, 6))
    group = "ff02::16"
    return Packet(port.mac, group_mac(group), IPV6, "::", group, ICMP6, icmp_type=143)


def _from_link_local(port: SwitchPort, other: SwitchPort, plain: Packet) -> Packet:
    own, its = str(link_local(port.mac)), str(link_local(other.mac))
    return udp(port.mac, other.mac, own, its)


def _dhcp(port: SwitchPort, other: SwitchPort, plain: Packet) -> Packet:
    return dhcp6_solicit(port.mac) if plain.ethertype == IPV6 else dhcp4_discover(port.mac)


KINDS = {
    "unicast": lambda port, other, plain: plain,
    "spoofed MAC": lambda port, other, plain: replace(plain, src_mac=STRANGE_MAC),
    "spoofed IP": lambda port, other, plain: replace(plain, src_ip=_alien(plain)),
    "another's MAC": lambda port, other, plain: replace(plain, src_mac=other.mac),
    "pair": lambda port, other, plain: _from_pair(port, plain),
    "beside pair": lambda port, other, plain: _from_pair(port, plain, 1),
    "to pair": lambda port, other, plain: _to_pair(other, plain),
    "to beside pair": lambda port, other, plain: _to_pair(other, plain, 1),
    "to broadcast": lambda port, other, plain: replace(
        _to_pair(other, plain), **({} if plain.ethertype == IPV6 else {"dst_ip": "10.0.0.255"})
    ),
    "to alien IP": lambda port, other, plain: replace(plain, dst_ip=_alien(plain)),
    "to alien MAC": lambda port, other, plain: replace(plain, dst_mac=STRANGE_MAC),
    "to everybody": lambda port, other, plain: _to_everybody(plain),
    "ask": _ask,
    "ask falsely": _ask_falsely,
    "tell": _tell,
    "tell link-local": _tell_link_local,
    "before address": _before_address,
    "link-local": _from_link_local,
    "dhcp": _dhcp,
    "tagged": lambda port, other, plain: replace(plain, vlan=7),
    "not IP": lambda port, other, plain: Packet(port.mac, other.mac, EXPERIMENTAL),
}
