# SPDX-License-Identifier: Apache-2.0
"""A running cloud with guests on it: namespaces whose device is a port, and what they see."""

from __future__ import annotations

import contextlib
import itertools
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from deuteron.cli.attach import attach
from deuteron.engine.simulator.dhcp import Lease4, Lease6
from deuteron.engine.simulator.packet import Packet, dhcp4_discover, dhcp6_solicit, udp
from deuteron.host import dhcp, namespace
from tests.end_to_end.cloud import Cloud
from tests.end_to_end.leases import lease4_of, lease6_of
from tests.end_to_end.wire import Heard, Wire, encode

QUIET = 0.2  # seconds without a frame after which nothing more is expected
# The domain of the ports' names, and two physical networks with a wire to the outside each.
CONFIG = """\
dns_domain = "example.test"
network_vlan_ranges = { tagged = [[100, 199]] }
bridge_mappings = { plain = "br-plain", tagged = "br-tagged" }
"""
_numbers = itertools.count(1)


@dataclass
class Guest:
    """A port and the namespace where its device is; the device's name is the guest's own."""

    port: dict[str, Any]
    netns: str
    device: str

    @property
    def id(self) -> str:
        return str(self.port["id"])

    @property
    def mac(self) -> str:
        return str(self.port["mac_address"])

    def address(self, version: int = 4) -> str:
        mark = "." if version == 4 else ":"
        found = [ip["ip_address"] for ip in self.port["fixed_ips"] if mark in ip["ip_address"]]
        return str(found[0])

    def execute(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        words = ["ip", "netns", "exec", self.netns, *command]
        return subprocess.run(words, capture_output=True, text=True, timeout=30, check=check)

    def pings(self, address: str, *options: str, count: int = 2) -> bool:
        """Whether every one of `count` pings is answered."""
        words = ["-c", str(count), "-i", "0.2", "-W", "1", "-w", str(count + 1), *options, address]
        return self.execute("ping", *words, check=False).returncode == 0

    def to(self, other: Guest, version: int = 4) -> Packet:
        """A datagram from this guest to another."""
        return udp(self.mac, other.mac, self.address(version), other.address(version))


@dataclass
class Site:
    """Makes networks and guests on a cloud; `remove` leaves nothing of it."""

    cloud: Cloud
    guests: list[Guest] = field(default_factory=list)

    def network(self, cidr: str = "10.3.0.0/24", **attributes: Any) -> dict[str, Any]:
        """A network with one IPv4 subnet; the subnet's id is in `subnets`."""
        made = self.cloud.create("network", **attributes)
        self.subnet(made, cidr)
        return self.cloud.show("network", made["id"])

    def subnet(self, network: dict[str, Any], cidr: str, **attributes: Any) -> dict[str, Any]:
        version = 6 if ":" in cidr else 4
        given = {"network_id": network["id"], "cidr": cidr, "ip_version": version}
        return self.cloud.create("subnet", **given, **attributes)

    def guest(self, network: dict[str, Any], *, plug: bool = True, **attributes: Any) -> Guest:
        number = next(_numbers)
        port = self.cloud.create("port", network_id=network["id"], **attributes)
        guest = Guest(port, f"dte{os.getpid()}-s{number}", f"g{number}")
        self.guests.append(guest)
        if plug:
            self.plug(guest)
        return guest

    def plug(self, guest: Guest) -> None:
        attach(self.cloud.state, guest.id, guest.netns, guest.device, dhcp=False, tap="")
        guest.port = self.cloud.show("port", guest.id)
        assert guest.port["status"] == "ACTIVE"

    def update(self, member: str, id_: str, **attributes: Any) -> dict[str, Any]:
        found = self.cloud.call("PUT", f"{member}s/{id_}", {member: attributes})[member]
        for guest in self.guests:
            if guest.id == id_:
                guest.port = found
        return dict(found)

    def ends(self, sender: Guest, packet: Packet, *others: Guest) -> set[str]:
        """Devices of `others` that get the packet. One that gets lost is sent three times."""
        places = {g.device: g.netns for g in (sender, *others)}
        return self.deliver(places, sender.device, packet)

    def deliver(self, places: dict[str, str], at: str, packet: Packet) -> set[str]:
        """As `ends`, by the names of devices (`tagged.100` is a VLAN) and their namespaces."""
        with _wire(places) as wire:
            for _ in range(3):
                heard, number = Heard(), next(_numbers)
                wire.send([(at, number, encode(packet, number))], heard, QUIET)
                if heard.delivered[number]:
                    break
        return heard.delivered[number]

    def dies(self, sender: Guest, packet: Packet, *others: Guest) -> bool:
        return not self.ends(sender, packet, *others)

    def options(self, guest: Guest, version: int = 4) -> dict[str, bytes] | None:
        """The raw options of a DHCP answer, None if there is none."""
        ask = dhcp4_discover(guest.mac) if version == 4 else dhcp6_solicit(guest.mac)
        with _wire({guest.device: guest.netns}) as wire:
            for _ in range(3):
                heard, number = Heard(), next(_numbers)
                wire.send([(guest.device, number, encode(ask, number))], heard, QUIET)
                answers = heard.leases4 if version == 4 else heard.leases6
                if number in answers:
                    return answers[number]
        return None

    def lease4(self, guest: Guest) -> Lease4 | None:
        found = self.options(guest)
        return lease4_of(found) if found else None

    def lease6(self, guest: Guest) -> Lease6 | None:
        found = self.options(guest, 6)
        return lease6_of(found) if found else None

    def names(self, guest: Guest, name: str, qtype: str = "A") -> list[str]:
        """What the network's resolver answers."""
        anyone = udp(guest.mac, "02:00:00:00:00:53", guest.address(), "192.0.2.53", (40053, 53))
        packet = replace(anyone, question=(name, qtype))
        with _wire({guest.device: guest.netns}) as wire:
            for _ in range(3):
                heard, number = Heard(), next(_numbers) & 0xFFFF
                wire.send([(guest.device, number, encode(packet, number))], heard, QUIET)
                if heard.names.get(number):
                    return heard.names[number]
        return []

    def remove(self) -> None:
        self.cloud.remove()
        for guest in self.guests:
            namespace.delete(guest.netns)
            dhcp.forget_resolver(guest.netns)


def until(done: Callable[[], bool], seconds: float) -> float:
    """Seconds until `done()`; fails after `seconds`."""
    started = time.monotonic()
    while not done():
        assert time.monotonic() - started < seconds, f"not within {seconds} s"
        time.sleep(0.02)
    return time.monotonic() - started


@contextlib.contextmanager
def _wire(places: dict[str, str]) -> Iterator[Wire]:
    wire = Wire(places)
    try:
        yield wire
    finally:
        wire.close()


@contextlib.contextmanager
def running_site(directory: Path, config: str = CONFIG) -> Iterator[Site]:
    """A cloud with a configuration file, started; gone afterwards."""
    file = directory / "deuteron.toml"
    file.write_text(config)
    site = Site(Cloud(directory / "state", config=file))
    try:
        site.cloud.start()
        yield site
    finally:
        site.remove()
