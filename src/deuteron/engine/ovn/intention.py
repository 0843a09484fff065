# SPDX-License-Identifier: Apache-2.0
"""What was asked of the engine so far: the model objects, and who depends on whom.

It lets the engine tell its own changes from those behind its back, and mend an object that was
applied before the one it refers to. About one kilobyte per port.

Invariant: the dependents are exactly the ports among the objects.
"""

from __future__ import annotations

from collections.abc import Iterable

from deuteron.engine.model import Intent, ModelObject, Ref, SwitchPort


class Intention:
    """The model objects that were asked for last."""

    def __init__(self) -> None:
        self._objects: dict[Ref, ModelObject] = {}
        self._on_network: dict[str, set[Ref]] = {}
        self._of_subnet: dict[str, set[Ref]] = {}

    def copy(self) -> Intention:
        """An independent intention with the same objects."""
        other = Intention()
        other.take(Intent(dict(self._objects)))
        return other

    def take(self, intent: Intent) -> None:
        """Be what `intent` says; a complete one replaces everything."""
        if intent.complete:
            for index in (self._objects, self._on_network, self._of_subnet):
                index.clear()
        for ref, thing in intent.objects.items():
            old = self._objects.pop(ref, None)
            if isinstance(old, SwitchPort):
                self._unlink(old)
            if thing is not None:
                self._objects[ref] = thing
            if isinstance(thing, SwitchPort):
                self._link(thing)

    def get(self, ref: Ref) -> ModelObject | None:
        return self._objects.get(ref)

    def ports_on(self, network_id: str) -> Iterable[Ref]:
        """The ports on a network."""
        return self._on_network.get(network_id, ())

    def ports_of(self, subnet_id: str, own_options: bool = False) -> Iterable[Ref]:
        """The ports that take DHCP from a subnet; or only those with options of their own."""
        for ref in self._of_subnet.get(subnet_id, ()):
            port = self._objects[ref]
            assert isinstance(port, SwitchPort)
            uses = (port.dhcp4, port.dhcp6)
            if not own_options or any(
                use is not None and use.subnet_id == subnet_id and use.overrides for use in uses
            ):
                yield ref

    def _link(self, port: SwitchPort) -> None:
        self._on_network.setdefault(port.network_id, set()).add(port.ref)
        for dhcp in (port.dhcp4, port.dhcp6):
            if dhcp is not None:
                self._of_subnet.setdefault(dhcp.subnet_id, set()).add(port.ref)

    def _unlink(self, port: SwitchPort) -> None:
        _discard(self._on_network, port.network_id, port.ref)
        for dhcp in (port.dhcp4, port.dhcp6):
            if dhcp is not None:
                _discard(self._of_subnet, dhcp.subnet_id, port.ref)


def _discard(index: dict[str, set[Ref]], key: str, ref: Ref) -> None:
    refs = index.get(key)
    if refs is not None:
        refs.discard(ref)
        if not refs:
            del index[key]
