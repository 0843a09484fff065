# SPDX-License-Identifier: Apache-2.0
"""Wakes the loop when something was written: a datagram on a local socket.

Invariant: a lost poke costs time, never correctness, for the loop also polls.
"""

from __future__ import annotations

import contextlib
import socket
from pathlib import Path
from typing import Protocol


class Pokes(Protocol):
    """Something that becomes readable when there is work."""

    def fileno(self) -> int:
        """To be waited for; -1 while there is nothing to wait for."""

    def drain(self) -> None:
        """Forget the pokes so far."""

    def close(self) -> None: ...


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
