# SPDX-License-Identifier: Apache-2.0
"""Wakes the loop from any host through PostgreSQL, whose dirty table notifies.

Invariant: a lost notification costs time, never correctness, for the loop also polls.
"""

from __future__ import annotations

import time
from typing import Any, Final

import psycopg
import sqlalchemy as sa

from deuteron.store.schema import CHANNEL

_RETRY_SECONDS: Final = 5.0


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
