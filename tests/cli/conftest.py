# SPDX-License-Identifier: Apache-2.0
"""The command `deuteron` as a person runs it, and a cloud on the simulator."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Said:
    """What a command wrote and how it ended."""

    status: int
    out: str
    error: str


def deuteron(*words: str, cwd: Path | None = None) -> Said:
    """Run the command to its end; a traceback is never an answer."""
    command = [sys.executable, "-m", "deuteron", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=40, cwd=cwd, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    return Said(done.returncode, done.stdout, done.stderr)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """The state directory and the address of a cloud that runs on the simulator."""
    state = tmp_path_factory.mktemp("cloud") / "state"
    address = f"127.0.0.1:{free_port()}"
    command = [sys.executable, "-m", "deuteron", "up", "--engine", "simulator", "--workers", "1"]
    with subprocess.Popen(
        [*command, "--state", str(state), "--listen", address], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            assert "ready: http://" in process.stdout.readline()
            yield state, address
        finally:
            process.terminate()
            process.wait(20)
