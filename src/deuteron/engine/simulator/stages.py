# SPDX-License-Identifier: Apache-2.0
"""The way of a packet through a switch, as a row of small stages that leave a trace.

`INGRESS` runs once, at the port where the packet comes in; its last stage sets `outputs`. `EGRESS`
runs for each output on its own. A stage looks at the `Passage`, may add a hop, and returns False
to end the way there. Invariant: a packet that is not delivered has a last hop that says why.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from deuteron.engine.model import Switch, SwitchPort, Uplink
from deuteron.engine.simulator import security
from deuteron.engine.simulator.dhcp import Lease4, Lease6
from deuteron.engine.simulator.packet import (
    ADVERTISEMENT,
    SOLICITATION,
    UDP,
    Arp,
    Nd,
    Packet,
    address,
    is_group,
    solicited_node,
    udp,
)
from deuteron.engine.simulator.table import SwitchTable, is_plugged


@dataclass(frozen=True, slots=True)
class Hop:
    """One decision: the stage that took it, the object it was taken at, and what it was."""

    stage: str
    at: str
    what: str

    def __str__(self) -> str:
        return f"{self.stage} at {self.at}: {self.what}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Where a packet ends. `delivered_to` are ids of ports, and of segments for uplinks.

    `answer` is the reply that the network itself gives to the sender instead of carrying the
    packet further (ARP, ND, DHCP, DNS).
    """

    delivered_to: frozenset[str]
    hops: tuple[Hop, ...]
    answer: Packet | None = None

    @property
    def reasons(self) -> list[str]:
        return [str(hop) for hop in self.hops]


End = SwitchPort | Uplink


def end_id(end: End) -> str:
    return end.segment_id if isinstance(end, Uplink) else end.id


class Services(Protocol):
    """What the stages ask the network for."""

    def lease4(self, port: SwitchPort, mac: str) -> Lease4 | None: ...

    def lease6(self, port: SwitchPort, mac: str) -> Lease6 | None: ...


@dataclass(slots=True)
class Passage:
    """A packet on its way: what the stages read and what they decided so far."""

    packet: Packet
    source: End
    switch: Switch
    table: SwitchTable
    services: Services
    learn: bool = False
    outputs: list[End] = field(default_factory=list)
    hops: list[Hop] = field(default_factory=list)
    answer: Packet | None = None

    def note(self, stage: str, at: str, what: str) -> None:
        self.hops.append(Hop(stage, at, what))

    def reply(self, stage: str, packet: Packet, what: str) -> bool:
        """End the way here with an answer to the sender."""
        self.answer = packet
        self.note(stage, end_id(self.source), what)
        return False


def admit(way: Passage) -> bool:
    """The switch and the port are on, and the frame is one that a switch takes at all."""
    here = end_id(way.source)
    if not way.switch.enabled:
        way.note("admission", way.switch.id, "the network is disabled")
    elif isinstance(way.source, SwitchPort) and not way.source.enabled:
        way.note("admission", here, "the port is disabled")
    elif isinstance(way.source, SwitchPort) and not is_plugged(way.source):
        way.note("admission", here, "no device is plugged")
    elif way.packet.vlan is not None and not way.switch.vlan_transparent:
        way.note("admission", here, "a VLAN tag on a network that is not VLAN transparent")
    elif is_group(way.packet.src_mac):
        way.note("admission", here, "the source MAC is a group address")
    else:
        return True
    return False


def check_source(way: Passage) -> bool:
    """Port security of the sender."""
    if isinstance(way.source, Uplink) or way.source.security is None:
        return True
    why = security.why_not_send(way.source.security, way.packet)
    if why is not None:
        way.note("port security", way.source.id, why)
    return why is None


def learn_source(way: Passage) -> bool:
    """A port without port security teaches the switch the MACs behind it."""
    here = end_id(way.source)
    if way.learn and here in way.table.flooded:
        way.table.learned[way.packet.src_mac] = here
    return True


def _answers(way: Passage, text: str) -> SwitchPort | None:
    """The port on whose behalf the switch tells the MAC of an address.

    Not for a port that is down, has no port security (its addresses are only claims), or asks
    for its own address; and not towards an uplink, where every host would answer.
    """
    if isinstance(way.source, Uplink) or way.switch.vlan_transparent:
        return None
    port = way.table.owner_of_address(address(text))
    if port is None or port.id == way.source.id or port.id in way.table.flooded:
        return None
    return port if is_plugged(port) else None


def answer_arp(way: Passage) -> bool:
    arp = way.packet.arp
    port = _answers(way, arp.target_ip) if arp is not None and arp.op == 1 else None
    if arp is None or port is None:
        return True
    mac = port.mac.lower()
    said = Arp(2, mac, arp.target_ip, arp.sender_ip, arp.sender_mac)
    reply = Packet(mac, way.packet.src_mac, way.packet.ethertype, arp=said)
    return way.reply("ARP responder", reply, f"{arp.target_ip} is at {mac}, port {port.id}")


def answer_nd(way: Passage) -> bool:
    nd, packet = way.packet.nd, way.packet
    if nd is None or nd.kind != SOLICITATION:
        return True
    asked = (address(nd.target), address(solicited_node(nd.target)))
    port = _answers(way, nd.target) if packet.destination in asked else None
    if port is None:
        return True
    mac = port.mac.lower()
    reply = Packet(
        mac,
        packet.src_mac,
        packet.ethertype,
        nd.target,
        packet.src_ip,
        packet.protocol,
        icmp_type=ADVERTISEMENT,
        nd=Nd(ADVERTISEMENT, nd.target, mac),
    )
    return way.reply("ND responder", reply, f"{nd.target} is at {mac}, port {port.id}")


def answer_dhcp4(way: Passage) -> bool:
    packet = way.packet
    if packet.protocol != UDP or (packet.src_port, packet.dst_port) != (68, 67):
        return True
    if isinstance(way.source, Uplink) or packet.source.version != 4:
        return True
    lease = way.services.lease4(way.source, packet.src_mac)
    if lease is None:
        return True
    asks = packet.src_ip == "0.0.0.0" and packet.dst_ip == "255.255.255.255"
    renews = packet.src_ip == lease.address and packet.dst_ip in (
        lease.server_ip,
        "255.255.255.255",
    )
    if not asks and not renews:
        return True
    reply = udp(lease.server_mac, packet.src_mac, lease.server_ip, lease.address, (67, 68))
    return way.reply("DHCP", reply, f"offers {lease.address}")


def answer_dhcp6(way: Passage) -> bool:
    packet = way.packet
    if packet.protocol != UDP or (packet.src_port, packet.dst_port) != (546, 547):
        return True
    if isinstance(way.source, Uplink) or packet.dst_ip != "ff02::1:2":
        return True
    lease = way.services.lease6(way.source, packet.src_mac)
    if lease is None:
        return True
    reply = udp(lease.server_mac, packet.src_mac, lease.server_ip, packet.src_ip, (547, 546))
    return way.reply("DHCPv6", reply, f"offers {lease.address or 'options'}")


def answer_dns(way: Passage) -> bool:
    packet = way.packet
    if packet.question is None or packet.protocol != UDP or packet.dst_port != 53:
        return True
    found = way.table.resolve(*packet.question)
    if not found:
        return True
    ports = (53, packet.src_port)
    reply = udp(packet.dst_mac, packet.src_mac, packet.dst_ip, packet.src_ip, ports)
    return way.reply("DNS", reply, f"{packet.question[0]} is {', '.join(found)}")


def look_up(way: Passage) -> bool:
    """Choose the outputs: everybody for a group, the owner of a MAC, or whoever takes the unknown.

    A frame never goes back to where it came from.
    """
    mac, table = way.packet.dst_mac, way.table
    if is_group(mac):
        way.outputs = [*table.ports.values(), *way.switch.uplinks]
        way.note("lookup", way.switch.id, "a group address: to every port")
    elif (owner := table.owner_of_mac(mac)) is not None:
        way.outputs = [owner]
        way.note("lookup", way.switch.id, f"{mac} belongs to port {owner.id}")
    elif mac in table.learned:
        way.outputs = [table.ports[table.learned[mac]]]
        way.note("lookup", way.switch.id, f"{mac} was learned at port {table.learned[mac]}")
    else:
        way.outputs = [*table.flooded.values(), *way.switch.uplinks]
        way.note("lookup", way.switch.id, f"nobody is known to have {mac}")
    here = end_id(way.source)
    way.outputs = [end for end in way.outputs if end_id(end) != here]
    if not way.outputs:
        way.note("lookup", way.switch.id, "dropped: there is no other port to send it to")
    return bool(way.outputs)


def reach(way: Passage, end: End) -> bool:
    """The receiving port is on and a device is there."""
    if isinstance(end, Uplink):
        return True
    if not end.enabled:
        way.note("delivery", end.id, "the port is disabled")
    elif end.role == "reserved":
        way.note("delivery", end.id, "the port only reserves an address")
    elif not is_plugged(end):
        way.note("delivery", end.id, "no device is plugged")
    else:
        return True
    return False


def check_destination(way: Passage, end: End) -> bool:
    """Port security of the receiver; broadcast and multicast are for everybody."""
    if isinstance(end, Uplink) or end.security is None or is_group(way.packet.dst_mac):
        return True
    why = security.why_not_receive(end.security, way.packet)
    if why is not None:
        way.note("port security", end.id, why)
    return why is None


INGRESS: tuple[Callable[[Passage], bool], ...] = (
    admit,
    check_source,
    learn_source,
    answer_arp,
    answer_nd,
    answer_dhcp4,
    answer_dhcp6,
    answer_dns,
    look_up,
)
EGRESS: tuple[Callable[[Passage, End], bool], ...] = (reach, check_destination)


def run(way: Passage) -> Verdict:
    """Take the packet through all stages."""
    delivered = set[str]()
    if all(stage(way) for stage in INGRESS):
        for end in way.outputs:
            if all(stage(way, end) for stage in EGRESS):
                delivered.add(end_id(end))
                way.note("delivery", end_id(end), "delivered")
    return Verdict(frozenset(delivered), tuple(way.hops), way.answer)
