# SPDX-License-Identifier: Apache-2.0
"""Wakes the loop when something was written: a datagram on a local socket, or from any host through
PostgreSQL, whose dirty table notifies.

Invariant: a lost poke costs time, never correctness, for the loop also polls.
"""

from __future__ import annotations

import contextlib
import socket
import time
from pathlib import Path
from typing import Any, Final, Protocol

import psycopg
import sqlalchemy as sa

from deuteron.store.schema import CHANNEL

_RETRY_SECONDS: Final = 5.0


class Pokes(Protocol):
    """Something that becomes readable when there is work."""

    def fileno(self) -> int:
        """To be waited for; -1 while there is nothing to wait for."""

    def drain(self) -> None:
        """Forget the pokes so far."""

    def close(self) -> None: ...


class DatabaseListener:
    """Listens for what PostgreSQL says of the dirty table. Connects again when it has to."""

    def __init__(self, url: sa.URL) -> None:
        self._url = url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._connection: psycopg.Connection[Any] | None = None
        self._retry_at = 0.0
        self._connect()

    def fileno(self) -> int:
        if self._connection is None and time.monotonic() > self._retry_at:
            self._connect()
        return self._connection.fileno() if self._connection is not None else -1

    def drain(self) -> None:
        if self._connection is None:
            return
        try:
            for _ in self._connection.notifies(timeout=0):
                pass
        except psycopg.Error:
            self.close()

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connect(self) -> None:
        try:
            self._connection = psycopg.connect(self._url, autocommit=True, connect_timeout=2)
            self._connection.execute(f"LISTEN {CHANNEL}")
        except psycopg.Error:
            self.close()
            self._retry_at = time.monotonic() + _RETRY_SECONDS


class PokeListener:
    """The loop's end. `fileno` is readable after a poke."""

    def __init__(self, path: str) -> None:
        Path(path).unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(path)
        self._socket.setblocking(False)

    def fileno(self) -> int:
        return self._socket.fileno()

    def drain(self) -> None:
        """Forget the pokes so far."""
        with contextlib.suppress(BlockingIOError):
            while self._socket.recv(16):
                pass

    def close(self) -> None:
        self._socket.close()


class Poker:
    """A writer's end; call it after a commit. Never blocks, never raises."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)

    def __call__(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.sendto(b"!", self._path)
