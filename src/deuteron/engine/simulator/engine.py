# SPDX-License-Identifier: Apache-2.0
"""The engine without a backend: it holds the model in memory and plays the hosts that carry it.

For users of the API alone, and for fast tests. Every host that a port is bound to is taken to
have plugged its device. Invariant: what `wait` has reported of a port is what a look at the model
says of it, or a report is under way.
"""

from __future__ import annotations

import fcntl
import os
import select
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from uuid import NAMESPACE_DNS, uuid5

from deuteron.engine.model import (
    Chassis,
    Difference,
    Intent,
    ModelObject,
    Observed,
    PortState,
    Ref,
    SwitchPort,
)
from deuteron.engine.simulator.network import SimulatedNetwork

HEARTBEAT = 5.0  # seconds


class SimulatorEngine:
    """An `Engine` whose network is `network`.

    `lock` is a file whose lock makes this loop the only one; without it there is no other.
    `bridge_mappings` and `availability_zones` are what the one chassis says of itself.
    """

    def __init__(
        self,
        host: str = "",
        lock: Path | None = None,
        bridge_mappings: tuple[str, ...] = (),
        availability_zones: tuple[str, ...] = (),
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.network = SimulatedNetwork()
        self.host = host or socket.gethostname()
        self._lock = lock
        self._lock_fd: int | None = None
        self._bridge_mappings = bridge_mappings
        self._availability_zones = availability_zones
        self._clock = clock
        self._next_heartbeat = 0.0
        self._reported: dict[str, PortState] = {}
        self._changed: dict[str, PortState] = {}
        self._filled = False

    def apply(self, intent: Intent) -> None:
        if intent.complete:
            self._filled = True
            for ref in self.network.objects.keys() - intent.objects.keys():
                self._remove(ref)
        for ref, item in intent.objects.items():
            if item is None:
                self._remove(ref)
            elif self.network.objects.get(ref) != item:
                self.network.put(item)
                self._plug(item, say_down=intent.complete)

    def _remove(self, ref: Ref) -> None:
        self.network.remove(ref)
        if ref.kind == "port":
            self._reported.pop(ref.id, None)
            self._changed.pop(ref.id, None)

    def _plug(self, item: ModelObject, say_down: bool) -> None:
        """Note a port's state for the next report.

        A port never spoken of is taken to be known as down, but for a complete intent: there the
        reader may remember a state from before this engine began.
        """
        if not isinstance(item, SwitchPort) or item.role != "vif":
            return
        state = PortState(item.id, bool(item.host), item.host)
        before = self._reported.get(item.id)
        unspoken = before is None and not state.up and not say_down
        if state == before or unspoken:
            self._changed.pop(item.id, None)
        else:
            self._changed[item.id] = state

    def differences(self, intent: Intent) -> Iterator[Difference]:
        have = self.network.objects
        for ref, item in intent.objects.items():
            if item is None and ref in have:
                yield Difference(ref, "surplus", f"{ref.kind} {ref.id} should not exist")
            elif item is not None and ref not in have:
                yield Difference(ref, "missing", f"{ref.kind} {ref.id} does not exist")
            elif item is not None and have[ref] != item:
                yield Difference(ref, "altered", f"{have[ref]} should be {item}")
        if intent.complete:
            for ref in have.keys() - intent.objects.keys():
                yield Difference(ref, "surplus", f"{ref.kind} {ref.id} should not exist")

    def wait(self, timeout: float, fds: Iterable[int] = ()) -> Observed:
        """As in the protocol; a heartbeat of the chassis also ends the sleep."""
        until_heartbeat = self._next_heartbeat - self._clock()
        if not self._changed and self._filled and until_heartbeat > 0:
            select.select(list(fds), [], [], max(0.0, min(timeout, until_heartbeat)))
        observed = Observed(ports=list(self._changed.values()), everything=not self._filled)
        self._reported.update(self._changed)
        self._changed.clear()
        self._filled = True
        now = self._clock()
        if now >= self._next_heartbeat:
            self._next_heartbeat = now + HEARTBEAT
            observed.chassis = [self._chassis(now)]
        return observed

    def _chassis(self, now: float) -> Chassis:
        return Chassis(
            id=str(uuid5(NAMESPACE_DNS, self.host)),
            host=self.host,
            alive=True,
            seen_at=now,
            availability_zones=self._availability_zones,
            bridge_mappings=self._bridge_mappings,
        )

    def acquire(self) -> bool:
        if self._lock is None or self._lock_fd is not None:
            return True
        descriptor = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        self._lock_fd = descriptor
        return True

    def close(self) -> None:
        if self._lock_fd is not None:
            os.close(self._lock_fd)
            self._lock_fd = None
