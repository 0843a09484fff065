# SPDX-License-Identifier: Apache-2.0
"""What one switch looks up per packet, kept by address so that a lookup costs the same at any size.

Invariant: the answers depend only on the ports that are in the table, not on the order in which
they came. Where two ports claim one MAC or address, the port whose own it is wins, then the
lower id.
"""

from __future__ import annotations

from typing import TypeVar

from deuteron.engine.model import SwitchPort
from deuteron.engine.simulator.packet import Address, address

K = TypeVar("K")
V = TypeVar("V")


def is_plugged(port: SwitchPort) -> bool:
    """A device is there to send and receive: a bound port, or a service present on every host."""
    return port.role == "distributed" or (port.role == "vif" and bool(port.host))


def known_macs(port: SwitchPort) -> list[str]:
    """The MACs that frames are sent to the port for: its own, then those of its address pairs."""
    pairs = [pair.mac.lower() for pair in port.security or ()]
    return list(dict.fromkeys([port.mac.lower(), *pairs]))


class SwitchTable:
    """The ports of one switch, by id, MAC, address and name."""

    def __init__(self) -> None:
        self.ports: dict[str, SwitchPort] = {}
        self.flooded: dict[str, SwitchPort] = {}
        self.learned: dict[str, str] = {}
        self._by_mac: dict[str, dict[str, SwitchPort]] = {}
        self._by_address: dict[Address, dict[str, SwitchPort]] = {}
        self._by_name: dict[str, dict[str, tuple[str, ...]]] = {}

    def put(self, port: SwitchPort) -> None:
        self.remove(port.id)
        self.ports[port.id] = port
        if port.role == "reserved":
            return
        if port.security is None and port.role == "vif":
            self.flooded[port.id] = port
        for mac in known_macs(port):
            self._by_mac.setdefault(mac, {})[port.id] = port
        for text in port.addresses:
            self._by_address.setdefault(address(text), {})[port.id] = port
        for name, addresses in _names(port).items():
            self._by_name.setdefault(name, {})[port.id] = addresses

    def remove(self, port_id: str) -> None:
        port = self.ports.pop(port_id, None)
        if port is None:
            return
        self.flooded.pop(port_id, None)
        for mac in known_macs(port):
            _drop(self._by_mac, mac, port_id)
        for text in port.addresses:
            _drop(self._by_address, address(text), port_id)
        for name in _names(port):
            _drop(self._by_name, name, port_id)
        self.learned = {mac: where for mac, where in self.learned.items() if where != port_id}

    def owner_of_mac(self, mac: str) -> SwitchPort | None:
        """The port that frames to `mac` go to."""
        owners = self._by_mac.get(mac)
        if not owners:
            return None
        return min(owners.values(), key=lambda port: (port.mac.lower() != mac, port.id))

    def owner_of_address(self, ip: Address) -> SwitchPort | None:
        owners = self._by_address.get(ip)
        return owners[min(owners)] if owners else None

    def resolve(self, name: str, qtype: str) -> tuple[str, ...]:
        """The answers to a DNS question of type A, AAAA, ANY or PTR.

        Empty means that the switch leaves the question to the server it was sent to.
        """
        entries = self._by_name.get(name.lower().rstrip("."), {})
        answers = entries[min(entries)] if entries else ()
        if qtype == "PTR":
            return answers
        versions = {"A": (4,), "AAAA": (6,), "ANY": (4, 6)}.get(qtype, ())
        return tuple(text for text in answers if address(text).version in versions)


def _names(port: SwitchPort) -> dict[str, tuple[str, ...]]:
    """Every name a port gives an answer for: its addresses, and its full name for an address."""
    found = {name.lower().rstrip("."): addresses for name, addresses in port.dns if addresses}
    if found:
        full = max(found, key=lambda name: name.count("."))
        found |= {address(text).reverse_pointer: (full,) for text in found[full]}
    return found


def _drop(index: dict[K, dict[str, V]], key: K, port_id: str) -> None:
    entries = index.get(key)
    if entries is not None:
        entries.pop(port_id, None)
        if not entries:
            del index[key]
