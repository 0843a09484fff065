# SPDX-License-Identifier: Apache-2.0
"""The model, executed: the simulator's whole network, to be asked where a packet would go.

Invariant: after any row of `put` and `remove`, every answer is what it would be for a network made
anew from the objects that are left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TypeVar

from deuteron.engine.model import Dhcp4, Dhcp6, ModelObject, Ref, Switch, SwitchPort, Uplink
from deuteron.engine.simulator import dhcp
from deuteron.engine.simulator.dhcp import Lease4, Lease6
from deuteron.engine.simulator.packet import (
    BROADCAST,
    Packet,
    dhcp4_discover,
    dhcp6_solicit,
    udp,
)
from deuteron.engine.simulator.stages import Hop, Passage, Verdict, run
from deuteron.engine.simulator.table import SwitchTable

Lease = TypeVar("Lease", Lease4, Lease6)


class SimulatedNetwork:
    """Model objects, and the lookups made from them."""

    def __init__(self, objects: Iterable[ModelObject] = ()) -> None:
        self.objects: dict[Ref, ModelObject] = {}
        self._tables: dict[str, SwitchTable] = {}
        self._uplinks: dict[str, tuple[str, Uplink]] = {}
        for item in objects:
            self.put(item)

    def put(self, item: ModelObject) -> None:
        """Add an object, or put it in the place of the one with the same ref."""
        self.remove(item.ref)
        self.objects[item.ref] = item
        if isinstance(item, Switch):
            for uplink in item.uplinks:
                self._uplinks[uplink.segment_id] = (item.id, uplink)
        elif isinstance(item, SwitchPort):
            self._tables.setdefault(item.network_id, SwitchTable()).put(item)

    def remove(self, ref: Ref) -> None:
        """Take an object away; nothing happens if there is none."""
        item = self.objects.pop(ref, None)
        if isinstance(item, Switch):
            for uplink in item.uplinks:
                self._uplinks.pop(uplink.segment_id, None)
        elif isinstance(item, SwitchPort):
            table = self._tables[item.network_id]
            table.remove(item.id)
            if not table.ports:
                del self._tables[item.network_id]

    def passes(self, packet: Packet, at: str, learn: bool = False) -> Verdict:
        """Where a packet goes that a device sends at a port, or that comes in from a segment.

        `at` is a port id or the segment id of an uplink. With `learn` the switch remembers the
        sender's MAC as a real one does; without, the question changes nothing.
        """
        source, network_id = self._end(at)
        switch = self.objects.get(Ref("network", network_id))
        if source is None or not isinstance(switch, Switch):
            missing = f"there is no network {network_id}" if source else "there is no such port"
            return Verdict(frozenset(), (Hop("admission", at, missing),))
        table = self._tables.get(network_id) or SwitchTable()
        return run(Passage(packet, source, switch, table, self, learn))

    def _end(self, at: str) -> tuple[SwitchPort | Uplink | None, str]:
        port = self.objects.get(Ref("port", at))
        if isinstance(port, SwitchPort):
            return port, port.network_id
        network_id, uplink = self._uplinks.get(at, ("", None))
        return uplink, network_id

    def lease4(self, port: SwitchPort, mac: str) -> Lease4 | None:
        """What the port's DHCPv4 server would answer this MAC, its question having come through."""
        server = self.objects.get(Ref("subnet", port.dhcp4.subnet_id)) if port.dhcp4 else None
        return dhcp.lease4(port, server, mac) if isinstance(server, Dhcp4) else None

    def lease6(self, port: SwitchPort, mac: str) -> Lease6 | None:
        """As `lease4`, for DHCPv6."""
        server = self.objects.get(Ref("subnet", port.dhcp6.subnet_id)) if port.dhcp6 else None
        return dhcp.lease6(port, server, mac) if isinstance(server, Dhcp6) else None

    def dhcp4(self, port_id: str, mac: str) -> Lease4 | None:
        """The lease a DHCPv4 client with this MAC gets at the port; None when it gets none."""
        return self._leased(port_id, dhcp4_discover(mac.lower()), self.lease4)

    def dhcp6(self, port_id: str, mac: str) -> Lease6 | None:
        """The answer a DHCPv6 client with this MAC gets at the port; None when it gets none."""
        return self._leased(port_id, dhcp6_solicit(mac.lower()), self.lease6)

    def _leased(
        self, port_id: str, question: Packet, lease: Callable[[SwitchPort, str], Lease | None]
    ) -> Lease | None:
        port = self.objects.get(Ref("port", port_id))
        if not isinstance(port, SwitchPort) or self.passes(question, port_id).answer is None:
            return None
        return lease(port, question.src_mac)

    def resolve(self, port_id: str, name: str, qtype: str = "A") -> tuple[str, ...]:
        """What the switch answers a DNS question that the port's device asks any server.

        Empty when the question is not answered here: the name is unknown, or nothing of the
        type asked for is known, or the port may not send.
        """
        port = self.objects.get(Ref("port", port_id))
        if not isinstance(port, SwitchPort):
            return ()
        source = next(iter(port.addresses), "0.0.0.0")
        anyone = "192.0.2.53" if "." in source else "2001:db8::53"
        question = replace(
            udp(port.mac.lower(), BROADCAST, source, anyone, (40053, 53)), question=(name, qtype)
        )
        if self.passes(question, port_id).answer is None:
            return ()
        return self._tables[port.network_id].resolve(name, qtype)
