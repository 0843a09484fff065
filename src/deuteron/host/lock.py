# SPDX-License-Identifier: Apache-2.0
"""A directory that one process owns.

Invariant: the lock is the kernel's (flock), so it goes with its process however that ends; children
do not inherit it.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from .command import HostError


class DirectoryLock:
    """Exclusive ownership of `directory`, from construction to `release()`.

    Raises HostError, naming the owner's pid, if another process (or another holder in this one)
    has it. The directory is created if missing.
    """

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._fd = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.read(self._fd, 32).decode(errors="replace").strip()
            os.close(self._fd)
            raise HostError(f"{directory} is in use by process {owner or 'unknown'}") from None
        os.ftruncate(self._fd, 0)
        os.write(self._fd, f"{os.getpid()}\n".encode())

    def release(self) -> None:
        """Give the directory up. The file stays: removing it would let two owners in."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
