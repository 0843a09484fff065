# SPDX-License-Identifier: Apache-2.0
"""A whole cloud for a test: `deuteron up` on a directory and a port of its own."""

from __future__ import annotations

import contextlib
import http.client
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

DEUTERON = [sys.executable, "-m", "deuteron"]


class Refused(Exception):
    """An answer of 400 or more."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(f"{status}: {body}")
        self.status = status
        self.body = body


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Cloud:
    """`start` returns when the ready line is out. `stop` ends it and removes all it made."""

    state: Path
    engine: str = "ovn"
    workers: int = 2
    config: Path | None = None
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[str] | None = None
    lines: list[str] = field(default_factory=list)

    @property
    def listen(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self) -> float:
        """Seconds from start to the ready line."""
        started = time.monotonic()
        command = [*DEUTERON, "up", "--state", str(self.state), "--listen", self.listen]
        command += ["--engine", self.engine, "--workers", str(self.workers)]
        command += ["--config", str(self.config)] if self.config else []
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self.lines.clear()
        ready = threading.Event()
        threading.Thread(target=self._listen, args=(self.process, ready), daemon=True).start()
        ready.wait(60)
        if not any("ready:" in line for line in self.lines):
            log = self.state / "log" / "api.log"
            words = log.read_text().splitlines()[-20:] if log.exists() else []
            raise AssertionError("deuteron up ended: " + "\n".join([*self.lines, *words]))
        return time.monotonic() - started

    def _listen(self, process: subprocess.Popen[str], ready: threading.Event) -> None:
        """Keep what is said on the terminal in `lines`."""
        assert process.stdout is not None
        with process.stdout as said:
            for line in said:
                self.lines.append(line.rstrip())
                if "ready:" in line:
                    ready.set()
        ready.set()

    def kill(self) -> None:
        """End it as a crash would."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        """SIGTERM, and its exit status."""
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise

    def remove(self) -> None:
        """Leave nothing behind, whatever happened before."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.stop()
        if (self.state / "clouds.yaml").exists():
            self.run("down", check=False)

    def run(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """`deuteron WORDS --state STATE`."""
        command = [*DEUTERON, *words, "--state", str(self.state)]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=check)

    def call(self, method: str, path: str, body: Any = None, timeout: float = 20) -> Any:
        """The decoded body of an answer. Raises `Refused`, or OSError if there was none."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, f"/v2.0/{path}", json.dumps(body) if body else None)
            answer = connection.getresponse()
            content = answer.read()
        except http.client.HTTPException as error:
            raise OSError(str(error)) from error
        finally:
            connection.close()
        found = json.loads(content) if content else None
        if answer.status >= 400:
            raise Refused(answer.status, found)
        return found

    def children(self) -> dict[int, str]:
        """Every process below `deuteron up`, with its command line."""
        assert self.process is not None
        parents: dict[int, int] = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with contextlib.suppress(OSError, IndexError):
                    status = (entry / "stat").read_text().rpartition(")")[2].split()
                    parents[int(entry.name)] = int(status[1])
        found: dict[int, str] = {}
        wanted = {self.process.pid}
        while wanted:
            wanted = {child for child, parent in parents.items() if parent in wanted}
            for child in wanted:
                with contextlib.suppress(OSError):
                    words = Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
                    if words[0]:
                        found[child] = b" ".join(words).decode()
        return found

    def pid_of(self, part: str) -> int:
        """The process of a part: api, converge, or a daemon of OVN by its name."""
        directory = "parts" if part in ("api", "converge") else "ovn"
        return int((self.state / "run" / directory / f"{part}.pid").read_text().split()[0])

    def create(self, member: str, **attributes: Any) -> dict[str, Any]:
        found: dict[str, Any] = self.call("POST", f"{member}s", {member: attributes})[member]
        return found

    def show(self, member: str, id_: str) -> dict[str, Any]:
        found: dict[str, Any] = self.call("GET", f"{member}s/{id_}")[member]
        return found

    def drift(self) -> list[str]:
        """The lines of `deuteron drift`, without its summary."""
        config = ["--config", str(self.config)] if self.config else []
        lines = self.run("drift", *config, check=False).stdout.splitlines()
        assert lines, "deuteron drift said nothing"
        assert lines[-1].endswith("differences")
        return lines[:-1]

    def await_no_drift(self, seconds: float) -> float:
        """Seconds until drift is zero; fails the test after `seconds`."""
        started = time.monotonic()
        while found := self.drift():
            assert time.monotonic() - started < seconds, "\n".join(found[:20])
        return time.monotonic() - started

    def await_status(self, port_id: str, status: str, seconds: float) -> float:
        """Seconds until the port has this status."""
        started = time.monotonic()
        while (found := self.show("port", port_id)["status"]) != status:
            assert time.monotonic() - started < seconds, f"{found}, not {status}"
            time.sleep(0.02)
        return time.monotonic() - started
