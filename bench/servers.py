# SPDX-License-Identifier: Apache-2.0
"""What the bench knows of a running server: its address and the processes whose memory counts.

Invariant: everything a bench starts is ended by the bench, by process id.
"""

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bench.load import Address, call


@dataclass
class Server:
    """A server under test. `workers` are the pids of its API worker processes."""

    name: str
    address: Address
    workers: list[int] = field(default_factory=list)
    filled: Callable[[], None] = lambda: None  # keeps the listing's data for the next run

    def resident(self) -> list[float]:
        """Resident memory of each worker in MB (10^6 bytes), largest first."""
        return sorted((_resident(pid) for pid in self.workers), reverse=True)

    def processor(self) -> float:
        """Processor seconds that the workers used since they started."""
        return sum(_processor(pid) for pid in self.workers)


def _processor(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _resident(pid: int) -> float:
    text = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in text.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) * 1024 / 1e6


def children(pid: int) -> list[int]:
    """Pids of the direct children of a process, whichever of its threads started them."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        found += [int(child) for child in (task / "children").read_text().split()]
    return found


def free_port() -> int:
    """A TCP port of the loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for(
    address: Address,
    seconds: float,
    process: subprocess.Popen[bytes] | None = None,
    log: Path | None = None,
) -> None:
    """Wait until the server lists networks. Raises RuntimeError when it ends or takes too long."""
    stop = time.monotonic() + seconds
    while True:
        try:
            call(address, "GET", "/v2.0/networks?fields=id")
            return
        except (OSError, RuntimeError) as error:
            if process is not None and process.poll() is not None:
                said = log.read_text()[-2000:] if log else ""
                text = f"the server ended with {process.returncode}: {said}"
                raise RuntimeError(text) from error
            if time.monotonic() > stop:
                raise RuntimeError(f"no server at {address} after {seconds} s") from error
            time.sleep(0.1)


@contextlib.contextmanager
def running(
    command: list[str], log: Path, stop: int = signal.SIGTERM
) -> Iterator[subprocess.Popen[bytes]]:
    """A process with its output in `log`, ended on the way out (SIGKILL after 20 s)."""
    with log.open("ab") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, stdin=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.send_signal(stop)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
