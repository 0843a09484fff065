# SPDX-License-Identifier: Apache-2.0
"""The OVN engine as the loop sees it: apply, differences, wait, acquire.

Invariant: level-triggered. Whatever happened before, applying an intent writes exactly its
difference from the database, and a second time nothing.
"""

from __future__ import annotations

import logging
import re
import select
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import ovs.poller

from deuteron.engine.model import (
    Difference,
    EngineUnavailable,
    Intent,
    ObjectsRefused,
    Observed,
    PortState,
    Ref,
)
from deuteron.engine.ovn import schema
from deuteron.engine.ovn.actual import Actual, atoms, scalar
from deuteron.engine.ovn.chassis import HEARTBEAT_SECONDS, Southbound
from deuteron.engine.ovn.database import ROW_DELETE, Database, Operation, Refused, encoded
from deuteron.engine.ovn.desired import PORT
from deuteron.engine.ovn.difference import Change, Comparison
from deuteron.engine.ovn.intention import Intention
from deuteron.engine.ovn.names import port_mark
from deuteron.engine.ovn.operations import operations

LOG = logging.getLogger(__name__)

# Rows per transaction: large enough to make the round trip cheap, small enough that neither
# server nor northd stands still for seconds.
_ROWS_PER_TRANSACTION = 500
_LOCK_SECONDS = 2.0
_DOWN = PortState("", False)
# Of NB_Global. Without it the addresses of ports that are down are answered for (as upstream).
_OPTIONS = {"ignore_lsp_down": "false"}


class OvnEngine:
    """Makes OVN equal the model. `nb` and `sb` are OVSDB remotes (`unix:/path`, `tcp:host:port`,
    comma lists for clusters); `name` names the cloud, and with it the lock of its one active loop.

    Connecting happens in the background: construction neither blocks nor fails. `transactions`
    counts what `apply` wrote.
    """

    def __init__(self, nb: str, sb: str, name: str) -> None:
        self.transactions = 0
        # OVSDB takes only identifiers as names of locks.
        self._lock = re.sub(r"\W", lambda odd: f"_{ord(odd[0]):x}_", f"deuteron_{name}", flags=re.A)
        self._intention = Intention()
        self._actual = Actual()
        self._southbound = Southbound()
        self._resync = False
        self._had_lock = False
        self._told: dict[str, PortState] = {}
        self._moved_ports: set[str] = set()
        self._beat_at = 0.0
        self._north = Database(nb, schema.NORTHBOUND, self)
        self._south = Database(sb, schema.SOUTHBOUND, self._southbound)
        self._actual.database = self._north
        self._southbound.database = self._south

    # The interface of every engine.

    def apply(self, intent: Intent) -> None:
        """Make the intent true, in transactions of bounded size.

        Raises EngineUnavailable within seconds if the database is not there or another loop is the
        active one, and ObjectsRefused, after everything else was written.
        """
        self._ready()
        self._intention.take(intent)
        refused: dict[Ref, str] = {}
        batch: list[list[Change]] = []
        rows = 0
        for changes in Comparison(self._intention, self._actual).changes(self._refs(intent)):
            batch.append(changes)
            rows += len(changes)
            if rows >= _ROWS_PER_TRANSACTION:
                refused |= self._write(batch)
                batch, rows = [], 0
        refused |= self._write(batch)
        self._tell_again(intent)
        if refused:
            raise ObjectsRefused(refused)

    def differences(self, intent: Intent) -> Iterator[Difference]:
        """What `apply` would change now. Raises EngineUnavailable if the database is not there."""
        self._north.ensure()
        intention = self._intention.copy()
        intention.take(intent)
        for changes in Comparison(intention, self._actual).changes(self._refs(intent)):
            for change in changes:
                yield Difference(change.ref, change.kind, str(change))

    def wait(self, timeout: float, fds: Iterable[int] = ()) -> Observed:
        """Sleep until something was seen, an fd is readable, the lock changed hands, or timeout."""
        deadline = time.monotonic() + timeout
        watched = list(fds)
        while True:
            had_lock = self._had_lock
            self._north.pump()
            self._south.pump()
            self._notice_lock()
            self._keep_options()
            self._beat()
            observed = self._look()
            left = deadline - time.monotonic()
            if (
                _says_something(observed)
                or left <= 0
                or had_lock != self._had_lock
                or _readable(watched)
            ):
                return observed
            self._block(min(left, self._beat_in(), self._southbound.next_change()), watched)

    def acquire(self) -> bool:
        """Try to become (or confirm being) the active loop; answers within about two seconds.

        The server holds the lock for this connection: it goes when the process does. Once asked
        for, it is waited for in the background, and no change is written without it.
        """
        if self._north.lock_name is None:
            self._north.pump()
            self._north.set_lock(self._lock)
        self._north.wait_until(self._lock_settled, _LOCK_SECONDS)
        self._notice_lock()
        return self._active

    def close(self) -> None:
        self._north.close()
        self._south.close()

    # The northbound database's watcher.

    def loaded(self) -> None:
        """The northbound replica was filled anew."""
        self._actual.rebuild()
        self._resync = True
        self._told.clear()

    def changed(self, event: str, row: Any, old: Mapping[str, Any]) -> None:
        """A northbound row changed."""
        self._actual.changed(event, row, old)
        if row._table.name == PORT:
            if event == ROW_DELETE:
                self._told.pop(scalar(row, "name"), None)
            elif "up" in old or not old:
                self._moved_ports.add(scalar(row, "name"))

    # Writing.

    def _refs(self, intent: Intent) -> dict[Ref, None]:
        refs = dict.fromkeys(intent.objects)
        if intent.complete:
            refs.update(dict.fromkeys(self._actual.refs()))
        return refs

    def _write(self, batch: list[list[Change]]) -> dict[Ref, str]:
        """Write a batch; what the server refuses is halved until only the culprits are left out.

        Returns the objects that were refused, and why.
        """
        if not batch:
            return {}
        written = operations((change for changes in batch for change in changes), self._actual)
        try:
            self._transact(written)
        except Refused as reason:
            if len(batch) == 1:
                LOG.error("OVN refuses %s: %s", batch[0][0].ref, reason)
                return {batch[0][0].ref: str(reason)}
            half = len(batch) // 2
            return self._write(batch[:half]) | self._write(batch[half:])
        return {}

    def _transact(self, written: list[Operation]) -> None:
        if written:
            self.transactions += 1
            self._north.transact(written)

    def _ready(self) -> None:
        self._north.ensure()
        if self._north.lock_name is not None:
            self._north.wait_until(self._lock_settled, _LOCK_SECONDS)
            if not self._north.connected:
                raise EngineUnavailable("the connection broke while waiting for the lock")
            if not self._active:
                raise EngineUnavailable("another loop is the active one")

    # The lock.

    @property
    def _active(self) -> bool:
        return bool(self._north.connected and self._north.has_lock)

    def _lock_settled(self) -> bool:
        north = self._north
        return north.connected and bool(north.has_lock or north.is_lock_contended)

    def _notice_lock(self) -> None:
        # Who becomes active may have missed what the last active loop did not finish.
        if self._active and not self._had_lock:
            self._resync = True
        self._had_lock = self._active

    # Seeing.

    def _look(self) -> Observed:
        observed = Observed()
        if not self._north.connected:
            return observed
        waiting_for_lock = self._north.lock_name is not None and not self._lock_settled()
        if self._resync and not waiting_for_lock:
            self._resync = False
            observed.everything = True
            self._actual.touched.clear()
            self._moved_ports.update(ref.id for ref in self._actual.refs() if ref.kind == "port")
        if not observed.everything:
            observed.healed = self._healed()
        if self._southbound.fresh:
            self._southbound.fresh = False
            self._moved_ports.update(self._told)
        self._moved_ports |= self._southbound.moved_ports
        self._southbound.moved_ports.clear()
        observed.ports = self._port_states(retell=observed.everything)
        observed.chassis = self._southbound.chassis(self._heartbeat())
        return observed

    def _healed(self) -> set[Ref]:
        """Touched objects that are not as asked for; our own writes' echo leaves them equal."""
        touched = self._actual.touched
        self._actual.touched = set()
        if self._north.lock_name is not None and not self._active:
            # What the active loop writes is none of our business.
            return set()
        comparison = Comparison(self._intention, self._actual)
        return {change.ref for found in comparison.changes(touched) for change in found}

    def _tell_again(self, intent: Intent) -> None:
        """A port that is up is said to be once more: its row may have been set to DOWN when it was
        bound anew, which changes nothing here."""
        for ref in intent.objects:
            if ref.kind == "port" and self._told.get(ref.id, _DOWN).up:
                del self._told[ref.id]
                self._moved_ports.add(ref.id)

    def _port_states(self, retell: bool) -> list[PortState]:
        states: list[PortState] = []
        for port_id in self._moved_ports:
            found = self._actual.find(PORT, port_mark(port_id))
            if found is None:
                self._told.pop(port_id, None)
                continue
            up = bool(scalar(self._actual.row(PORT, found), "up"))
            state = PortState(port_id, up, self._southbound.host(port_id) if up else "")
            # A port that is new and down is as its maker thinks it is.
            if retell or state != self._told.get(port_id, PortState(port_id, False)):
                states.append(state)
            self._told[port_id] = state
        self._moved_ports.clear()
        return states

    # The heartbeat.

    def _heartbeat(self) -> int | None:
        for row in self._north.tables["NB_Global"].rows.values():
            return int(scalar(row, "nb_cfg"))
        return None

    def _keep_options(self) -> None:
        """Have OVN answer ARP and ND only for ports that are up; other options are not ours."""
        tables = self._north.tables["NB_Global"].rows.values()
        if not self._active or all(_OPTIONS.items() <= atoms(r, "options").items() for r in tables):
            return
        try:
            self._north.transact(
                [{"op": "mutate", "table": "NB_Global", "where": [],
                  "mutations": [["options", "delete", ["set", list(_OPTIONS)]],
                                ["options", "insert", encoded(_OPTIONS)]]}]
            )  # fmt: skip
        except EngineUnavailable as reason:
            LOG.warning("global options not set: %s", reason)

    def _beat_in(self) -> float:
        if not self._had_lock:
            return HEARTBEAT_SECONDS
        return max(0.0, self._beat_at + HEARTBEAT_SECONDS - time.monotonic())

    def _beat(self) -> None:
        """Ask every chassis for a sign of life, if this is the active loop and it is time."""
        if not self._active or self._beat_in() > 0:
            return
        self._beat_at = time.monotonic()
        try:
            self._north.transact(
                [{"op": "mutate", "table": "NB_Global", "where": [],
                  "mutations": [["nb_cfg", "+=", 1]]}]
            )  # fmt: skip
        except EngineUnavailable as reason:
            LOG.warning("no heartbeat: %s", reason)

    def _block(self, seconds: float, fds: Iterable[int]) -> None:
        poller = ovs.poller.Poller()
        self._north.wait(poller)
        self._south.wait(poller)
        for fd in fds:
            poller.fd_wait(fd, select.POLLIN)
        poller.timer_wait(max(1, int(seconds * 1000)))
        poller.block()


def _says_something(observed: Observed) -> bool:
    return bool(
        observed.ports or observed.chassis is not None or observed.healed or observed.everything
    )


def _readable(fds: list[int]) -> bool:
    poll = select.poll()
    for fd in fds:
        poll.register(fd, select.POLLIN)
    return bool(fds and poll.poll(0))
