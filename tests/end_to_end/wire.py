# SPDX-License-Identifier: Apache-2.0
"""Packets of the simulator as bytes on a wire, and what comes out of a real network for them.

Each frame sent ends in a number of its own, after what its headers count, where OVN neither looks
nor writes; so a frame that comes out says which one went in. An answer that OVN makes anew has no
such end: DHCP answers are known by their transaction ids, advertisements by their target. Neither
has a DNS question, to whose very end OVN writes its answer: both go by the transaction id.
"""

from __future__ import annotations

import ctypes
import os
import select
import socket
import struct
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address

from deuteron.engine.simulator.packet import ARP, ICMP6, IPV4, IPV6, UDP, Packet

MARK = b"DtrN"
CLONE_NEWNET = 0x40000000
ETH_P_ALL = 3
PACKET_OUTGOING = 4
SO_RCVBUFFORCE = 33
SOL_PACKET, PACKET_AUXDATA, VLAN_VALID = 263, 8, 0x10


def mac_bytes(mac: str) -> bytes:
    return bytes.fromhex(mac.replace(":", ""))


def checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071)."""
    data += bytes(len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def encode(packet: Packet, number: int) -> bytes:
    """The frame of a packet; `number` (32 bits) tells it from all others."""
    tag = struct.pack("!HH", 0x8100, packet.vlan) if packet.vlan is not None else b""
    head = mac_bytes(packet.dst_mac) + mac_bytes(packet.src_mac) + tag
    frame = head + struct.pack("!H", packet.ethertype) + _body(packet, number)
    if packet.question is not None:
        return frame
    return frame.ljust(60, b"\0") + MARK + struct.pack("!I", number)


def _body(packet: Packet, number: int) -> bytes:
    if packet.arp is not None:
        arp = packet.arp
        sender = mac_bytes(arp.sender_mac) + IPv4Address(arp.sender_ip).packed
        target = mac_bytes(arp.target_mac) + IPv4Address(arp.target_ip).packed
        return struct.pack("!HHBBH", 1, IPV4, 6, 4, arp.op) + sender + target
    if packet.ethertype == IPV4:
        return _ip4(packet, number)
    if packet.ethertype == IPV6:
        return _ip6(packet, number)
    return bytes(46)


def _ip4(packet: Packet, number: int) -> bytes:
    load = _udp(packet, number, b"")
    ends = IPv4Address(packet.src_ip).packed + IPv4Address(packet.dst_ip).packed
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(load), 1, 0, 64, packet.protocol, 0) + ends
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + load


def _ip6(packet: Packet, number: int) -> bytes:
    ends = IPv6Address(packet.src_ip).packed + IPv6Address(packet.dst_ip).packed
    hops = 255 if packet.protocol == ICMP6 else 64
    load = _icmp6(packet, ends) if packet.protocol == ICMP6 else _udp(packet, number, ends)
    return struct.pack("!IHBB", 0x60000000, len(load), packet.protocol, hops) + ends + load


def _sum6(ends: bytes, protocol: int, load: bytes, at: int) -> bytes:
    total = checksum(ends + struct.pack("!II", len(load), protocol) + load)
    return load[:at] + struct.pack("!H", total) + load[at + 2 :]


def _icmp6(packet: Packet, ends: bytes) -> bytes:
    if packet.nd is None:
        return _sum6(ends, ICMP6, struct.pack("!BBHI", packet.icmp_type, 0, 0, 0), 2)
    solicits = packet.nd.kind == 135
    load = struct.pack("!BBHI", packet.nd.kind, 0, 0, 0 if solicits else 0x20000000)
    load += IPv6Address(packet.nd.target).packed
    if any(mac_bytes(packet.nd.link_layer)):
        load += bytes([1 if solicits else 2, 1]) + mac_bytes(packet.nd.link_layer)
    return _sum6(ends, ICMP6, load, 2)


def _udp(packet: Packet, number: int, ends6: bytes) -> bytes:
    payload = _payload(packet, number)
    load = struct.pack("!HHHH", packet.src_port, packet.dst_port, 8 + len(payload), 0) + payload
    return _sum6(ends6, UDP, load, 6) if ends6 else load


def _payload(packet: Packet, number: int) -> bytes:
    mac = mac_bytes(packet.src_mac)
    if packet.dst_port == 67:
        head = struct.pack("!BBBBIHH16x", 1, 1, 6, 0, number, 0, 0) + mac.ljust(16, b"\0")
        return head + bytes(192) + b"\x63\x82\x53\x63\x35\x01\x01\x37\x05\x01\x03\x06\x1a\x79\xff"
    if packet.dst_port == 547:
        client = struct.pack("!HHHH", 1, 10, 3, 1) + mac
        association = struct.pack("!HHIII", 3, 12, 1, 0, 0)
        return bytes([1]) + struct.pack("!I", number)[1:] + client + association
    if packet.question is not None:
        name, qtype = packet.question
        labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
        kind = {"A": 1, "PTR": 12, "AAAA": 28}[qtype]
        return (
            struct.pack("!6H", number & 0xFFFF, 0x0100, 1, 0, 0, 0)
            + labels
            + struct.pack("!BHH", 0, kind, 1)
        )
    return b"hello"


@dataclass
class Heard:
    """What came out, by the number of the frame that went in.

    `senders` are the devices they went in at, `delivered` the devices that got the frame itself.
    `leases4` and `leases6` are the answers of DHCP, taken apart; `names` the addresses that DNS
    answered, `arp` the MACs. `advertised` is by (device, target).
    """

    senders: dict[int, str] = field(default_factory=dict)
    delivered: dict[int, set[str]] = field(default_factory=lambda: defaultdict(set))
    arp: dict[int, str] = field(default_factory=dict)
    advertised: dict[tuple[str, str], str] = field(default_factory=dict)
    leases4: dict[int, dict[str, bytes]] = field(default_factory=dict)
    leases6: dict[int, dict[str, bytes]] = field(default_factory=dict)
    names: dict[int, list[str]] = field(default_factory=dict)

    def hear(self, device: str, frame: bytes) -> None:
        ethertype = struct.unpack_from("!H", frame, 12)[0]
        marked = frame[-8:-4] == MARK
        number = struct.unpack("!I", frame[-4:])[0]
        if marked and ethertype == ARP and self.senders[number] == device:
            self.arp[number] = frame[22:28].hex(":")
        elif marked:
            self.delivered[number].add(device)
        elif ethertype == IPV4 and frame[23] == UDP:
            self._hear_udp(device, frame[34:], frame[6:12], frame[26:30])
        elif ethertype == IPV6 and frame[20] == UDP:
            self._hear_udp(device, frame[54:], frame[6:12], frame[22:38])
        elif ethertype == IPV6 and frame[20] == ICMP6 and frame[54] == 136:
            target = str(IPv6Address(frame[62:78]))
            self.advertised[device, target] = frame[80:86].hex(":")

    def _hear_udp(self, device: str, load: bytes, mac: bytes, ip: bytes) -> None:
        source, target, length = struct.unpack_from("!HHH", load)
        payload = load[8:length]
        if source == 67:
            number = struct.unpack_from("!I", payload, 4)[0]
            self.leases4[number] = {"server_mac": mac, **_lease4(payload)}
        elif source == 547:
            number = int.from_bytes(payload[1:4], "big")
            self.leases6[number] = {"server_mac": mac, "server_ip": ip, **_lease6(payload[4:])}
        elif target == 53:
            self.delivered[struct.unpack_from("!H", payload)[0]].add(device)
        elif source == 53:
            self.names[struct.unpack_from("!H", payload)[0]] = list(_answers(payload))


def _lease4(payload: bytes) -> dict[str, bytes]:
    lease: dict[str, bytes] = {"address": payload[16:20]}
    rest = payload[240:]
    while rest and rest[0] != 255:
        if rest[0] == 0:
            rest = rest[1:]
            continue
        lease[str(rest[0])] = rest[2 : 2 + rest[1]]
        rest = rest[2 + rest[1] :]
    return lease


def _lease6(rest: bytes) -> dict[str, bytes]:
    lease: dict[str, bytes] = {}
    while rest:
        code, length = struct.unpack_from("!HH", rest)
        value, rest = rest[4 : 4 + length], rest[4 + length :]
        if code == 3 and len(value) >= 32:
            lease["address"] = value[16:32]
        lease[str(code)] = value
    return lease


def _answers(payload: bytes) -> Iterator[str]:
    count = struct.unpack_from("!H", payload, 6)[0]
    at = payload.index(0, 12) + 5
    for _ in range(count):
        at = payload.index(0, at) + 1 if payload[at] < 0xC0 else at + 2
        length = struct.unpack_from("!H", payload, at + 8)[0]
        value, at = payload[at + 10 : at + 10 + length], at + 10 + length
        if length in (4, 16):
            yield str(IPv4Address(value) if length == 4 else IPv6Address(value))


@contextmanager
def inside(netns: str) -> Iterator[None]:
    """This thread in a network namespace; sockets opened there stay there."""
    libc = ctypes.CDLL(None, use_errno=True)
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    there = os.open(f"/run/netns/{netns}", os.O_RDONLY)
    try:
        if libc.setns(there, CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"cannot enter {netns}")
        yield
    finally:
        libc.setns(home, CLONE_NEWNET)
        os.close(there)
        os.close(home)


class Wire:
    """Raw sockets on devices, given with their namespace; `eth1.100` is VLAN 100 on eth1."""

    def __init__(self, places: Mapping[str, str]) -> None:
        self._sockets: dict[str, socket.socket] = {}
        for device, netns in {name.split(".")[0]: at for name, at in places.items()}.items():
            with inside(netns):
                raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
                raw.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20)
                raw.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
                raw.bind((device, ETH_P_ALL))
                self._sockets[device] = raw
        self._names = {raw.fileno(): device for device, raw in self._sockets.items()}

    def close(self) -> None:
        for raw in self._sockets.values():
            raw.close()

    def send(self, frames: list[tuple[str, int, bytes]], heard: Heard, quiet: float) -> None:
        """Send (device, number, frame) in order; listen until nothing came for `quiet` seconds."""
        for index, (name, number, frame) in enumerate(frames):
            heard.senders[number] = name
            device, _, vlan = name.partition(".")
            tag = struct.pack("!HH", 0x8100, int(vlan)) if vlan else b""
            self._sockets[device].send(frame[:12] + tag + frame[12:])
            if index % 16 == 15:
                self._listen(heard, 0.002)
        self._listen(heard, quiet)

    def _listen(self, heard: Heard, quiet: float) -> None:
        end = time.monotonic() + quiet + 2
        while time.monotonic() < end:
            readable, _, _ = select.select(list(self._sockets.values()), [], [], quiet)
            if not readable:
                return
            for raw in readable:
                frame, extra, _, origin = raw.recvmsg(4096, 256)
                if origin[2] != PACKET_OUTGOING:
                    heard.hear(self._names[raw.fileno()] + _vlan(extra), frame)


def _vlan(extra: list[tuple[int, int, bytes]]) -> str:
    """The tag that the kernel took off a frame (struct tpacket_auxdata), as it is in names."""
    for _, kind, data in extra:
        status, *_, tag, _ = struct.unpack("=IIIHHHH", data[:20])
        if kind == PACKET_AUXDATA and status & VLAN_VALID:
            return f".{tag & 0xFFF}"
    return ""
