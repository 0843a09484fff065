# SPDX-License-Identifier: Apache-2.0
"""Durability of SQLite commits, shared by those who commit at the same time.

SQLite in WAL mode with synchronous=NORMAL commits without waiting for the disk. A writer then
waits here until its commit is on the disk; one flush serves every writer that committed before it
began. Invariant: when `wait` returns, what this process committed before the call is durable.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable


def flush_file(path: str) -> Callable[[], None]:
    """A function that writes a file's data to the disk. A file that is gone needs no flush:
    SQLite removes the log only after it flushed the database."""

    def flush() -> None:
        try:
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return
        try:
            os.fdatasync(fd)
        finally:
            os.close(fd)

    return flush


class GroupSync:
    """Waits for `flush`, one caller of it serving all who arrived before it began."""

    def __init__(self, flush: Callable[[], None]) -> None:
        self._flush = flush
        self._state = threading.Condition()
        self._asked = 0
        self._done = 0
        self._flushing = False

    def wait(self) -> None:
        """Return once a flush that began after this call has ended. Raises its OSError."""
        with self._state:
            self._asked += 1
            mine = self._asked
            while self._done < mine:
                if self._flushing:
                    self._state.wait()
                else:
                    self._lead()

    def _lead(self) -> None:
        """Flush for everyone who has asked so far; holds the condition except while flushing."""
        self._flushing = True
        covered = self._asked
        self._state.release()
        try:
            self._flush()
        except BaseException:
            covered = self._done
            raise
        finally:
            self._state.acquire()
            self._flushing = False
            self._done = max(self._done, covered)
            self._state.notify_all()
