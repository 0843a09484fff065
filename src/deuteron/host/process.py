# SPDX-License-Identifier: Apache-2.0
"""Child processes that are kept running: started, watched, restarted, ended in order.

One thread spawns, watches (pidfd) and reaps every child of a `Supervisor`. That it is one thread is
needed: the parent-death signal fires when the *thread* that spawned a child ends.

Invariant: no child outlives its supervisor's process. `close()` ends them; should the process be
killed, the kernel kills them; a pid file per child lets the next start end what is left all the
same.
"""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue

from . import pidfile
from .command import SEARCH_PATH, HostError

FIRST_DELAY = 0.02
LONGEST_DELAY = 5.0
STEADY_AFTER = 10.0
LOG_BYTES = 16 * 1024 * 1024

# Runs after the parent-death signal is armed: a parent that died before that is no longer $PPID.
_GUARD = 'test "$PPID" = "$0" && exec "$@"'


@dataclass(frozen=True, slots=True)
class Program:
    """What to run. `env` is added to the supervisor's environment; `netns` is a name under
    /run/netns; `stop_seconds` is how long SIGTERM may take before SIGKILL."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    netns: str | None = None
    stop_seconds: float = 3.0


@dataclass(slots=True)
class _Child:
    program: Program
    process: subprocess.Popen[bytes] | None = None
    pidfd: int = -1
    started: float = 0.0
    delay: float = FIRST_DELAY
    retry_at: float | None = None


def _ignore(_event: str) -> None:
    return None


class Supervisor:
    """Owns the children of one state directory.

    `run_dir` gets `NAME.pid`, `log_dir` gets `NAME.log` (standard output and error, rotated to
    `NAME.log.1` past 16 MiB at a spawn). `on_event` is called with one line for each death and
    restart, from the supervising thread: it must not block and not call back into the supervisor.
    """

    def __init__(
        self, run_dir: Path, log_dir: Path, on_event: Callable[[str], None] = _ignore
    ) -> None:
        self._run_dir, self._log_dir, self._on_event = run_dir, log_dir, on_event
        self._children: dict[str, _Child] = {}
        self._requests: SimpleQueue[tuple[Callable[[], None], Future[None]]] = SimpleQueue()
        self._wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._poll = select.poll()
        self._poll.register(self._wake, select.POLLIN)
        self._closed = False
        run_dir.mkdir(parents=True, exist_ok=True)
        log_dir.mkdir(parents=True, exist_ok=True)
        self._thread = threading.Thread(target=self._watch, name="supervisor", daemon=True)
        self._thread.start()

    def start(self, program: Program) -> None:
        """Spawn `program` and keep it running. Returns once it is spawned, not once it serves.

        Raises HostError if the name is taken, the program is missing or the supervisor is closed.
        """
        self._request(lambda: self._add(program))

    def stop(self, name: str) -> None:
        """End one child for good; nothing if there is none of that name."""
        self._request(lambda: self._remove(name))

    def close(self) -> None:
        """End all children, the last started first, and the supervising thread. Idempotent."""
        if self._closed:
            return
        self._request(self._remove_all)
        self._closed = True
        os.eventfd_write(self._wake, 1)
        self._thread.join()
        os.close(self._wake)

    def pids(self) -> dict[str, int | None]:
        """Each child's pid; None while it is dead and waits for its restart."""
        return {
            name: child.process.pid if child.process is not None else None
            for name, child in list(self._children.items())
        }

    def _request(self, action: Callable[[], None]) -> None:
        if self._closed:
            raise HostError("the supervisor is closed")
        future: Future[None] = Future()
        self._requests.put((action, future))
        os.eventfd_write(self._wake, 1)
        future.result()

    # Everything below runs in the supervising thread.

    def _watch(self) -> None:
        while not self._closed:
            for fd, _ in self._poll.poll(self._until_retry()):
                if fd == self._wake:
                    os.eventfd_read(self._wake)
                    self._serve()
                else:
                    self._died(fd)
            now = time.monotonic()
            for child in list(self._children.values()):
                if child.retry_at is not None and child.retry_at <= now:
                    self._respawn(child)

    def _until_retry(self) -> float | None:
        times = [child.retry_at for child in self._children.values() if child.retry_at is not None]
        return max(0.0, min(times) - time.monotonic()) * 1000 if times else None

    def _serve(self) -> None:
        while True:
            try:
                action, future = self._requests.get_nowait()
            except Empty:
                return
            try:
                action()
            except Exception as error:
                future.set_exception(error)
            else:
                future.set_result(None)

    def _add(self, program: Program) -> None:
        if program.name in self._children:
            raise HostError(f"{program.name} is already supervised")
        child = _Child(program)
        self._spawn(child)
        self._children[program.name] = child

    def _spawn(self, child: _Child) -> None:
        program = child.program
        command = ["setpriv", "--pdeathsig", "KILL", "sh", "-c", _GUARD, str(os.getpid())]
        if program.netns is not None:
            command = ["nsenter", f"--net=/run/netns/{program.netns}", *command]
        path = self._log_dir / f"{program.name}.log"
        if path.exists() and path.stat().st_size > LOG_BYTES:
            path.replace(path.with_suffix(".log.1"))
        with path.open("ab") as log:
            # A session of its own: Ctrl-C in the terminal reaches the supervisor alone, which
            # then ends its children in order.
            child.process = subprocess.Popen(
                [*command, *program.argv],
                env={**os.environ, "PATH": SEARCH_PATH, **program.env},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        child.pidfd = os.pidfd_open(child.process.pid)
        child.started, child.retry_at = time.monotonic(), None
        self._poll.register(child.pidfd, select.POLLIN)
        # A full disk is no reason to go without the child: the file is only the second net.
        with contextlib.suppress(OSError):
            pidfile.write(self._pid_path(program.name), child.process.pid)

    def _died(self, pidfd: int) -> None:
        child = next((c for c in self._children.values() if c.pidfd == pidfd), None)
        if child is None:  # ended by a request served a moment ago
            return
        status = self._reap(child)
        lived = time.monotonic() - child.started
        child.delay = FIRST_DELAY if lived > STEADY_AFTER else min(child.delay * 2, LONGEST_DELAY)
        child.retry_at = time.monotonic() + child.delay
        how = f"killed by signal {-status}" if status < 0 else f"exit status {status}"
        self._say(f"{child.program.name} died ({how}) after {lived:.1f} s")

    def _reap(self, child: _Child) -> int:
        assert child.process is not None
        self._poll.unregister(child.pidfd)
        os.close(child.pidfd)
        status = child.process.wait()
        child.process, child.pidfd = None, -1
        self._pid_path(child.program.name).unlink(missing_ok=True)
        return status

    def _respawn(self, child: _Child) -> None:
        try:
            self._spawn(child)
        except OSError as error:
            child.delay = min(child.delay * 2, LONGEST_DELAY)
            child.retry_at = time.monotonic() + child.delay
            self._say(f"{child.program.name} cannot be restarted: {error}")
        else:
            assert child.process is not None
            self._say(f"{child.program.name} restarted as process {child.process.pid}")

    def _remove(self, name: str) -> None:
        child = self._children.pop(name, None)
        if child is None or child.process is None:
            return
        if not pidfile.end_pidfd(child.pidfd, child.program.stop_seconds):
            self._say(f"{name} did not stop in {child.program.stop_seconds:g} s, killed")
        self._reap(child)

    def _remove_all(self) -> None:
        for name in reversed(list(self._children)):
            self._remove(name)

    def _say(self, event: str) -> None:
        # Were this thread to end, the kernel would kill every child: not for a closed terminal.
        with contextlib.suppress(Exception):
            self._on_event(event)

    def _pid_path(self, name: str) -> Path:
        return self._run_dir / f"{name}.pid"


def end_left_over(run_dir: Path) -> list[str]:
    """End what an earlier supervisor on `run_dir` left running; give one line for each.

    A process is ended by its pid, only if its start time is the remembered one.
    """
    ended = []
    for path in sorted(run_dir.glob("*.pid")):
        with contextlib.suppress(PermissionError):
            pid = pidfile.end(path)
            if pid is not None:
                ended.append(
                    f"{path.stem} (process {pid}) was left over from an earlier run, ended"
                )
    return ended
