# SPDX-License-Identifier: Apache-2.0
"""Supervised children: restarted, ended in order, never left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deuteron.host import pidfile
from deuteron.host.command import HostError
from deuteron.host.process import Program, Supervisor, end_left_over

SLEEP = ("sleep", "1000")


def until(condition: Callable[[], bool], seconds: float) -> float:
    start = time.monotonic()
    while not condition():
        assert time.monotonic() - start < seconds, f"not so after {seconds} s"
        time.sleep(0.005)
    return time.monotonic() - start


@pytest.fixture
def events() -> list[str]:
    return []


@pytest.fixture
def supervisor(tmp_path: Path, events: list[str]) -> Iterator[Supervisor]:
    made = Supervisor(tmp_path / "run", tmp_path / "log", events.append)
    yield made
    made.close()


def test_a_killed_child_is_back_within_a_second_and_said_so(
    supervisor: Supervisor, events: list[str]
) -> None:
    supervisor.start(Program("a", SLEEP))
    first = supervisor.pids()["a"]
    assert first is not None
    os.kill(first, signal.SIGKILL)
    until(lambda: supervisor.pids()["a"] not in (None, first), 1.0)
    until(lambda: len(events) == 2, 1.0)
    assert "a died (killed by signal 9)" in events[0]
    assert "a restarted as process" in events[1]


def test_a_child_that_cannot_live_is_tried_less_and_less_often(
    supervisor: Supervisor, events: list[str]
) -> None:
    supervisor.start(Program("a", ("sh", "-c", "exit 3")))
    time.sleep(1.5)
    deaths = [event for event in events if "exit status 3" in event]
    # 0.04 + 0.08 + 0.16 + 0.32 + 0.64 s: five or six deaths, not hundreds.
    assert 3 <= len(deaths) <= 7


def test_children_are_ended_last_first_and_killed_if_deaf(tmp_path: Path) -> None:
    events: list[str] = []
    supervisor = Supervisor(tmp_path / "run", tmp_path / "log", events.append)
    tell = f"trap 'echo $0 >>{tmp_path}/order; exit' TERM; touch {tmp_path}/$0; "
    wait = "while :; do sleep 0.02; done"
    for name in ("one", "two"):
        supervisor.start(Program(name, ("sh", "-c", tell + wait, name)))
    deaf = f"trap '' TERM; touch {tmp_path}/deaf; {wait}"
    supervisor.start(Program("deaf", ("sh", "-c", deaf), stop_seconds=0.3))
    until(lambda: all((tmp_path / name).exists() for name in ("one", "two", "deaf")), 2.0)
    pids = [pid for pid in supervisor.pids().values() if pid is not None]
    supervisor.close()
    assert (tmp_path / "order").read_text().split() == ["two", "one"]
    assert events == ["deaf did not stop in 0.3 s, killed"]
    assert [pidfile.start_time(pid) for pid in pids] == [None, None, None]
    assert list((tmp_path / "run").iterdir()) == []


def test_output_environment_and_log(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.start(Program("a", ("sh", "-c", "echo $WORD; exec sleep 9"), {"WORD": "quark"}))
    until(lambda: "quark" in (tmp_path / "log" / "a.log").read_text(), 1.0)


def test_a_raising_callback_does_not_cost_the_children(tmp_path: Path) -> None:
    def broken(event: str) -> None:
        raise BrokenPipeError(event)

    supervisor = Supervisor(tmp_path / "run", tmp_path / "log", broken)
    try:
        supervisor.start(Program("a", SLEEP))
        supervisor.start(Program("b", SLEEP))
        before = supervisor.pids()
        os.kill(before["a"] or 0, signal.SIGKILL)
        until(lambda: supervisor.pids()["a"] not in (None, before["a"]), 1.0)
        assert supervisor.pids()["b"] == before["b"]
    finally:
        supervisor.close()


def test_a_stopped_child_stays_away(supervisor: Supervisor, events: list[str]) -> None:
    supervisor.start(Program("a", SLEEP))
    with pytest.raises(HostError, match="already supervised"):
        supervisor.start(Program("a", SLEEP))
    supervisor.stop("a")
    time.sleep(0.2)
    assert supervisor.pids() == {}
    assert events == []


def test_a_closed_supervisor_refuses(tmp_path: Path) -> None:
    supervisor = Supervisor(tmp_path / "run", tmp_path / "log")
    supervisor.close()
    supervisor.close()
    with pytest.raises(HostError, match="closed"):
        supervisor.start(Program("a", SLEEP))


def test_a_killed_supervisor_takes_its_children_along(tmp_path: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path\n"
        "from deuteron.host.process import Program, Supervisor\n"
        "s = Supervisor(Path(sys.argv[1]), Path(sys.argv[1]))\n"
        "for name in 'abc': s.start(Program(name, ('sleep', '1000')))\n"
        "print(*s.pids().values(), flush=True); time.sleep(1000)\n"
    )
    owner = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert owner.stdout is not None
    pids = [int(word) for word in owner.stdout.readline().split()]
    owner.stdout.close()
    assert len(pids) == 3
    owner.kill()
    owner.wait()
    until(lambda: all(pidfile.start_time(pid) is None for pid in pids), 1.0)


def test_a_left_over_is_ended_and_a_reused_pid_is_spared(tmp_path: Path) -> None:
    ours, other = subprocess.Popen(SLEEP), subprocess.Popen(SLEEP)
    try:
        pidfile.write(tmp_path / "ours.pid", ours.pid)
        pidfile.write(tmp_path / "other.pid", other.pid)
        words = (tmp_path / "other.pid").read_text().split()
        words[1] = str(int(words[1]) - 1)
        (tmp_path / "other.pid").write_text("\n".join(words))
        (tmp_path / "torn.pid").write_text("12")
        lines = end_left_over(tmp_path)
        assert len(lines) == 1
        assert lines[0].startswith(f"ours (process {ours.pid})")
        assert ours.wait(1) == -signal.SIGTERM
        assert other.poll() is None
        assert list(tmp_path.iterdir()) == []
    finally:
        for process in (ours, other):
            process.kill()
            process.wait()
