# SPDX-License-Identifier: Apache-2.0
"""The API's worker processes around one listening socket.

Invariant: as long as the parent lives, there are as many workers as asked for; when it ends, by
whatever signal, they end.
"""

from __future__ import annotations

import contextlib
import ctypes
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from typing import Any, Final

import uvicorn

from deuteron.api.app import App

log = logging.getLogger(__name__)
_PR_SET_PDEATHSIG: Final = 1
_BACKLOG: Final = 1024
_STOP_SECONDS: Final = 3.0


def listen(address: str) -> socket.socket:
    """A listening TCP socket for `HOST:PORT`. Raises OSError if the port is taken."""
    host, _, port = address.rpartition(":")
    host = host.strip("[]") or "127.0.0.1"
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind((host, int(port)))
    listening.listen(_BACKLOG)
    listening.set_inheritable(True)
    return listening


def run(listening: socket.socket, make_app: Callable[[], App], workers: int) -> None:
    """Serve until SIGTERM or SIGINT. `make_app` runs in each worker, after the fork."""
    _Parent(listening, make_app).run(workers)


class _Parent:
    def __init__(self, listening: socket.socket, make_app: Callable[[], App]) -> None:
        self.listening = listening
        self.make_app = make_app
        self.children: set[int] = set()
        self.stopping = False

    def run(self, workers: int) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        while not self.stopping:
            while len(self.children) < workers and not self.stopping:
                self._start()
            self._reap()
        self._end_all()

    def _stop(self, *_: Any) -> None:
        self.stopping = True
        for pid in self.children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)

    def _start(self) -> None:
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            _work(self.listening, self.make_app, parent)
        self.children.add(pid)
        if self.stopping:
            self._stop()

    def _reap(self) -> None:
        try:
            pid, status = os.wait()
        except ChildProcessError:
            return
        self.children.discard(pid)
        if not self.stopping:
            log.warning("API worker %d ended (%s), starting another", pid, _reason(status))
            time.sleep(0.05)

    def _end_all(self) -> None:
        deadline = time.monotonic() + _STOP_SECONDS
        while self.children and time.monotonic() < deadline:
            with contextlib.suppress(ChildProcessError):
                self.children.discard(os.waitpid(-1, os.WNOHANG)[0])
            time.sleep(0.01)
        for pid in self.children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def _reason(status: int) -> str:
    code = os.waitstatus_to_exitcode(status)
    return f"signal {-code}" if code < 0 else f"exit status {code}"


def _work(listening: socket.socket, make_app: Callable[[], App], parent: int) -> None:
    """A worker's whole life; never returns."""
    status = 1
    try:
        # The parent's handlers would only tell the siblings, and this process would live on.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(0)
        config = uvicorn.Config(
            make_app(),
            http="httptools",
            loop="uvloop",
            lifespan="off",
            access_log=False,
            log_level="warning",
            server_header=False,
            date_header=False,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=2,
            ws="none",
        )
        uvicorn.Server(config).run(sockets=[listening])
        status = 0
    except Exception:
        log.exception("an API worker failed")
    finally:
        sys.stderr.flush()
        os._exit(status)
