# SPDX-License-Identifier: Apache-2.0
"""The convergence loop: dirty objects in, an engine that equals their rows out.

Start-up, a full resync and healing after drift are the same code with everything dirty.
Invariant: a mark is removed only after its object, as read later than the mark, was applied.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa

from deuteron.auth.noauth import DEFAULT_CALLER
from deuteron.engine.compile.batch import compile_everything, compile_refs
from deuteron.engine.model import (
    Chassis,
    Engine,
    EngineUnavailable,
    Intent,
    ObjectsRefused,
    Observed,
    PortState,
    Ref,
)
from deuteron.engine.observe import record
from deuteron.engine.poke import Pokes
from deuteron.errors import Unavailable
from deuteron.service import Service
from deuteron.store import dirty
from deuteron.store.transaction import Transaction

log = logging.getLogger(__name__)
POLL_SECONDS: Final = 0.5
BATCH: Final = 2000
RETRY_SECONDS: Final = 1.0
REFUSED_SECONDS: Final = 15.0


class Loop:
    """Converges one engine. `run` returns once `stop` is set."""

    def __init__(self, service: Service, engine: Engine, pokes: Sequence[Pokes] = ()) -> None:
        self.service = service
        self.engine = engine
        self.pokes = pokes
        self.stop = threading.Event()
        self.everything = True
        self.pending: set[Ref] = set()
        self.refused: set[Ref] = set()
        self.refused_until = 0.0
        self.ports: dict[str, PortState] = {}
        self.chassis: Sequence[Chassis] | None = None
        self.leader = False

    def run(self) -> None:
        while not self.stop.is_set():
            try:
                self.turn()
            except (EngineUnavailable, Unavailable, sa.exc.DBAPIError) as error:
                log.warning("cannot converge now, trying again: %s", error)
                self.stop.wait(RETRY_SECONDS)
            except Exception:
                log.exception("converging failed, trying everything again")
                self.everything = True
                self.stop.wait(RETRY_SECONDS)

    def turn(self) -> None:
        """One round: look at the engine, then at the dirty set; sleeps when both are quiet."""
        busy = self.converge() if self.leader else False
        fds = [fd for fd in (poke.fileno() for poke in self.pokes) if fd >= 0]
        observed = self.engine.wait(0.0 if busy else POLL_SECONDS, fds)
        for poke in self.pokes:
            poke.drain()
        self.leader = self.engine.acquire()
        if self.leader:
            self.take(observed)

    def take(self, observed: Observed) -> None:
        """Write down what the engine saw; what it lost is to be converged again.

        What cannot be written down now is kept for the next time.
        """
        self.everything |= observed.everything
        self.pending |= observed.healed
        self.ports |= {state.id: state for state in observed.ports}
        self.chassis = self.chassis if observed.chassis is None else observed.chassis
        if self.ports or self.chassis is not None:
            self.service.database.write(
                lambda c: record(self._transaction(c), self.ports.values(), self.chassis)
            )
            self.ports, self.chassis = {}, None

    def converge(self) -> bool:
        """Apply what is dirty; whether there was anything."""
        if self.refused and time.monotonic() > self.refused_until:
            self.pending, self.refused = self.pending | self.refused, set()
        with self.service.database.read() as connection:
            marks = dirty.read(connection, self.service.schema, BATCH)
        if not marks and not self.pending and not self.everything:
            return False
        started = time.monotonic()
        pending, everything = self.pending, self.everything
        refs = pending | {Ref(kind, id_) for _, kind, id_ in marks}
        intent = self.intent(None if everything else refs)
        try:
            self.engine.apply(intent)
        except ObjectsRefused as error:
            # One bad object does not hold up the others: it is tried again by itself.
            log.error("refused, trying again in %d s: %s", REFUSED_SECONDS, error)
            self.refused |= error.refs
            self.refused_until = time.monotonic() + REFUSED_SECONDS
        self.pending = self.pending - pending
        self.everything = False
        self._forget([seq for seq, _, _ in marks])
        log.debug("converged %d in %.3f s", len(intent.objects), time.monotonic() - started)
        return True

    def intent(self, refs: set[Ref] | None = None) -> Intent:
        """What is to be true of these objects, or of all."""
        with self.service.database.snapshot() as connection:
            tx = self._transaction(connection)
            return compile_everything(tx) if refs is None else compile_refs(tx, refs)

    def _forget(self, seqs: Sequence[int]) -> None:
        if seqs:
            self.service.database.write(lambda c: dirty.remove(c, self.service.schema, seqs))

    def _transaction(self, connection: sa.Connection) -> Transaction:
        return self.service.transaction(connection, DEFAULT_CALLER)
