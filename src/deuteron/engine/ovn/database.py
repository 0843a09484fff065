# SPDX-License-Identifier: Apache-2.0
"""A connection to one OVSDB server: its replica, its notifications, its transactions.

The replica is the IDL of the `ovs` package, written to with plain RFC 7047 operations instead of
its row objects: a batch of operations is data that can be counted and tested, and costs a
fraction of the time.

Invariant: notifications are passed on only between two loads; after every (re)connection there is
one `loaded` call, and whoever keeps an index rebuilds it then.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import ovs.db.idl
import ovs.poller
from ovs.db.idl import ROW_CREATE, ROW_DELETE, ROW_UPDATE

from deuteron.engine.model import EngineUnavailable
from deuteron.engine.ovn import jsonstream

__all__ = ["ROW_CREATE", "ROW_DELETE", "ROW_UPDATE", "Database", "Refused", "values"]

Operation = dict[str, Any]

_CONNECT_SECONDS = 2.0
_TRANSACTION_SECONDS = 20.0
_PROBE_MILLISECONDS = 5000
_BACKOFF_MILLISECONDS = (100, 1000)
# The IDL handles at most 50 messages per run; this bounds what one pump takes before it returns.
_RUNS_PER_PUMP = 200


class Refused(EngineUnavailable):
    """The server took the transaction and refused it; the same one will be refused again."""


class Watcher(Protocol):
    """Who keeps something derived from the replica."""

    def loaded(self) -> None:
        """The replica was filled anew."""

    def changed(self, event: str, row: Any, old: Mapping[str, Any], /) -> None:
        """A row was created, updated (`old` holds the changed columns' data) or deleted."""


def values(row: Any, column: str) -> dict[Any, Any]:
    """A column's data as the replica holds it: keys of a set, or keys and values of a map.

    Row's public attributes copy and convert the whole column on each look, which for a switch
    with 5,000 ports is milliseconds per port.
    """
    datum: dict[Any, Any] = row._data[column].values
    return datum


class Database(ovs.db.idl.Idl):  # type: ignore[misc]
    """The replica of one database. `remote` may be a comma list of a cluster's members."""

    def __init__(self, remote: str, schema: dict[str, Any], watcher: Watcher) -> None:
        helper = ovs.db.idl.SchemaHelper(schema_json=schema)
        helper.register_all()
        self._watcher = watcher
        self._stale = True
        super().__init__(remote, helper, probe_interval=_PROBE_MILLISECONDS)
        self._session.reconnect.set_backoff(*_BACKOFF_MILLISECONDS)
        jsonstream.install()

    @property
    def connected(self) -> bool:
        """Whether the replica is filled and its connection stands."""
        return (
            not self._stale
            and self.state == self.IDL_S_MONITORING
            and self._session.is_connected()
            and self._last_seqno == self._session.get_seqno()
        )

    def restart_fsm(self) -> None:
        """The IDL's hook: a connection was made and the replica is about to be filled."""
        self._stale = True
        super().restart_fsm()

    def notify(self, event: str, row: Any, updates: Any = None) -> None:
        """The IDL's hook: a row changed."""
        if not self._stale:
            self._watcher.changed(event, row, updates._data if updates is not None else {})

    def pump(self) -> None:
        """Take in what has arrived, without waiting."""
        for _ in range(_RUNS_PER_PUMP):
            seqno, state, lock = self.change_seqno, self.state, self.has_lock
            self.run()
            if self._stale and self.state == self.IDL_S_MONITORING:
                self._stale = False
                self._watcher.loaded()
            if (seqno, state, lock) == (self.change_seqno, self.state, self.has_lock):
                return

    def wait_until(self, done: Callable[[], bool], seconds: float) -> bool:
        """Pump until `done()` or `seconds` have passed; whether it was done."""
        deadline = time.monotonic() + seconds
        while True:
            self.pump()
            if done():
                return True
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            poller = ovs.poller.Poller()
            self.wait(poller)
            poller.timer_wait(max(1, int(left * 1000)))
            poller.block()

    def ensure(self) -> None:
        """Be connected, or raise EngineUnavailable within two seconds."""
        if not self.wait_until(lambda: self.connected, _CONNECT_SECONDS):
            raise EngineUnavailable(f"{self._db.name}: no connection to {self.session_name()}")

    def transact(self, operations: list[Operation]) -> None:
        """Run `operations` as one transaction; when it returns, the replica shows their effect.

        Raises `Refused` with the server's reason, or EngineUnavailable if there was no answer;
        then the transaction may or may not have been made, and the connection starts over.
        """
        transaction = ovs.db.idl.Transaction(self)
        for operation in operations:
            transaction.add_op(operation)
        incomplete = ovs.db.idl.Transaction.INCOMPLETE
        status = transaction.commit()
        if status == incomplete:
            self.wait_until(lambda: transaction.commit() != incomplete, _TRANSACTION_SECONDS)
            status = transaction.commit()
        if status == incomplete:
            transaction.abort()
            self._outstanding_txns.clear()
            self.force_reconnect()
            raise EngineUnavailable(f"{self._db.name}: no answer to a transaction")
        if status == ovs.db.idl.Transaction.ERROR:
            raise Refused(f"{self._db.name}: {transaction.get_error()}")
        if status not in (ovs.db.idl.Transaction.SUCCESS, ovs.db.idl.Transaction.UNCHANGED):
            raise EngineUnavailable(f"{self._db.name}: transaction {status}")


def encoded(value: Any) -> Any:
    """A column's value in OVSDB's JSON (RFC 7047, 5.1). None is the empty optional."""
    match value:
        case None:
            return ["set", []]
        case uuid.UUID():
            return ["uuid", str(value)]
        case Mapping():
            return ["map", [[k, v] for k, v in sorted(value.items())]]
        case frozenset() | set():
            return ["set", [encoded(element) for element in sorted(value)]]
    return value
