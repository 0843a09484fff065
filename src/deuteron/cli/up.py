# SPDX-License-Identifier: Apache-2.0
"""`deuteron up`: everything on one machine, from an empty directory, until Ctrl-C.

Invariant: when this process ends, by whatever signal, so does all it started; what it kept is in
the state directory.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from deuteron.cli.state import ADDRESS, UP_PID, keep_config, refusals, refuse, settings_of
from deuteron.host import attach, pidfile
from deuteron.host.command import HostError
from deuteron.host.lock import DirectoryLock
from deuteron.host.process import Program, Supervisor, end_left_over
from deuteron.host.requirements import missing_line
from deuteron.host.stack import OvnStack

READY_SECONDS: Final = 15.0
CLOUDS: Final = """\
# Made by `deuteron up`: OS_CLIENT_CONFIG_FILE={path} openstack --os-cloud deuteron network list
clouds:
  deuteron:
    auth_type: none
    auth:
      endpoint: http://{address}
    network_endpoint_override: http://{address}
"""


def say(line: str) -> None:
    """One line for the person at the terminal."""
    sys.stdout.write(f"deuteron: {line}\n")
    sys.stdout.flush()


def run(state: Path, listen: str, engine: str, workers: int, config: Path | None) -> None:
    state = state.resolve()
    if engine == "ovn":
        line = missing_line()
        if line:
            raise refuse(f"{line}; `--engine simulator` serves the whole API meanwhile")
    with refusals(), _locked(state):
        _must_be_free(listen)
        if config is not None:
            settings_of(state, "", config)  # what is refused is not kept
        keep_config(state, config)
        _Everything(state, listen, engine, workers, config).run()


def _must_be_free(listen: str) -> None:
    """Raise HostError unless the API can listen here: another server's answer is not ours."""
    host, _, port = listen.rpartition(":")
    host = host.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, int(port)), family=family).close()
    except OSError as error:
        words = os.strerror(error.errno) if error.errno else str(error)
        raise HostError(
            f"cannot listen on {listen}: {words}; `--listen HOST:PORT` chooses another"
        ) from None


@contextlib.contextmanager
def _locked(state: Path) -> Iterator[None]:
    state.mkdir(parents=True, exist_ok=True)
    try:
        lock = DirectoryLock(state)
    except HostError as error:
        raise HostError(f"{error}: end that one, or choose another directory by --state") from None
    try:
        yield
    finally:
        lock.release()


def _stack(state: Path, config: Path | None) -> OvnStack:
    settings = settings_of(state, "", config)
    unknown = settings.uplinks.keys() - settings.bridge_mappings.keys()
    if unknown:
        raise HostError(f"uplinks without a bridge mapping: {', '.join(sorted(unknown))}")
    return OvnStack(
        state,
        bridge_mappings=settings.bridge_mappings,
        uplinks=settings.uplinks,
        on_event=say,
    )


class _Everything:
    def __init__(
        self, state: Path, listen: str, engine: str, workers: int, config: Path | None
    ) -> None:
        self.state, self.listen, self.engine = state, listen, engine
        self.workers, self.config = workers, config
        self.stop = threading.Event()
        self.ready = False
        self.died = ""
        self.run_dir = state / "run"
        self.parts_dir = self.run_dir / "parts"
        self.stack = _stack(state, config) if engine == "ovn" else None

    def run(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: self.stop.set())
        started = time.monotonic()
        self.parts_dir.mkdir(parents=True, exist_ok=True)
        pidfile.write(self.state / UP_PID, os.getpid())
        for line in end_left_over(self.parts_dir):
            say(line)
        supervisor = Supervisor(self.parts_dir, self.state / "log", self._event)
        try:
            supervisor.start(self._part("api", "serve", "--workers", str(self.workers)))
            if self.stack:
                self.stack.start()
            supervisor.start(self._part("converge", "converge", "--engine", self.engine))
            self._wait_for_api()
            if self.stop.is_set():
                return
            self.ready = True
            self._write_clouds()
            seconds = time.monotonic() - started
            what = "packets through OVN" if self.stack else "the simulator moves no packets"
            say(f"ready: http://{self.listen} ({what}; {seconds:.1f} s; state in {self.state})")
            self._replug()
            self.stop.wait()
        finally:
            say("stopping")
            supervisor.close()
            if self.stack:
                with contextlib.suppress(HostError):
                    attach.remember(self.stack)
                self.stack.stop()
            (self.state / UP_PID).unlink(missing_ok=True)
            say("stopped")

    def _event(self, line: str) -> None:
        """A part died or is back. Before the cloud is ready, a death ends the attempt."""
        if self.ready:
            say(line)
        elif " died " in line:
            self.died = self.died or line.split(maxsplit=1)[0]

    def _part(self, name: str, command: str, *options: str) -> Program:
        argv = [sys.executable, "-m", "deuteron", command, "--state", str(self.state), *options]
        if command == "serve":
            argv += ["--listen", self.listen]
        if self.config:
            argv += ["--config", str(self.config.resolve())]
        return Program(name, tuple(argv), {"PYTHONUNBUFFERED": "1"})

    def _wait_for_api(self) -> None:
        host, _, port = self.listen.rpartition(":")
        deadline = time.monotonic() + READY_SECONDS
        while not self.stop.is_set():
            if self.died or time.monotonic() > deadline:
                name = self.died or "api"
                raise HostError(f"{name} does not come up: {self._last_words(name)}")
            with contextlib.suppress(OSError, http.client.HTTPException):
                connection = http.client.HTTPConnection(host, int(port), timeout=2)
                connection.request("GET", "/")
                if connection.getresponse().status < 500:
                    return
            time.sleep(0.02)

    def _last_words(self, name: str) -> str:
        log = self.state / "log" / f"{name}.log"
        lines = log.read_text(errors="replace").splitlines() if log.exists() else []
        return f"{lines[-1].removeprefix('deuteron: ')} ({log})" if lines else f"see {log}"

    def _write_clouds(self) -> None:
        path = self.state / "clouds.yaml"
        path.write_text(CLOUDS.format(path=path, address=self.listen))
        (self.state / ADDRESS).write_text(self.listen)

    def _replug(self) -> None:
        """Plug again what was attached before; in the meantime the API answers."""
        if self.stack is None:
            return
        for port_id, error in attach.replug(self.stack).items():
            say(f"attached port {port_id} again" if error is None else f"port {port_id}: {error}")
