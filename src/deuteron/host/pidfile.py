# SPDX-License-Identifier: Apache-2.0
"""Which running process is ours, told across restarts.

A pid alone is reused by the kernel; a pid with its start time and the boot it belongs to is not.

Invariant: nothing here signals a process whose pid, start time and boot do not all match the file.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
from pathlib import Path


def _boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def start_time(pid: int) -> int | None:
    """Clock ticks since boot at which `pid` started (proc(5) stat, field 22); None if it is gone.

    A zombie counts as gone: it runs nothing and only its parent can remove it.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else int(fields[19])


def write(path: Path, pid: int) -> None:
    """Remember `pid` in `path`: three lines, pid, start time, boot id."""
    path.write_text(f"{pid}\n{start_time(pid)}\n{_boot_id()}\n")


def running(path: Path) -> int | None:
    """The pid that `path` remembers if that very process still runs."""
    try:
        pid, started, boot = path.read_text().split()
    except (FileNotFoundError, ValueError):
        return None
    if boot != _boot_id() or str(start_time(int(pid))) != started:
        return None
    return int(pid)


def end(path: Path, grace: float = 1.0) -> int | None:
    """End the process that `path` remembers and remove the file; give its pid if it was running.

    SIGTERM, then SIGKILL after `grace` seconds.
    """
    pid = running(path)
    if pid is not None:
        # The pidfd pins the process; a second look makes sure that it is still the right one.
        with contextlib.suppress(ProcessLookupError):
            pidfd = os.pidfd_open(pid)
            try:
                if running(path) == pid:
                    end_pidfd(pidfd, grace)
            finally:
                os.close(pidfd)
    path.unlink(missing_ok=True)
    return pid


def end_pidfd(pidfd: int, grace: float) -> bool:
    """SIGTERM, SIGKILL after `grace` seconds, return when it has died. True if TERM was enough."""
    with contextlib.suppress(ProcessLookupError):
        signal.pidfd_send_signal(pidfd, signal.SIGTERM)
    if _died(pidfd, grace):
        return True
    with contextlib.suppress(ProcessLookupError):
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)
    _died(pidfd, 5.0)
    return False


def _died(pidfd: int, seconds: float) -> bool:
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    return bool(poll.poll(seconds * 1000))
