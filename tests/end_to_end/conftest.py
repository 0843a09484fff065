# SPDX-License-Identifier: Apache-2.0
"""What every end-to-end test stands on: a state directory, namespaces and processes that are gone
afterwards, however the test ended.

Everything is named after the pid of the test run, so that a run also clears away what an earlier
one that was killed has left, and two runs on one machine do not meet.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from deuteron.host import dhcp, namespace
from deuteron.host.attach import unplug_all
from deuteron.host.command import HostError
from deuteron.host.requirements import missing_line
from deuteron.host.stack import OvnStack
from tests.end_to_end.site import Site, running_site

_NETNS = "dte"
_STATE = "deuteron-e2e-"
_count = itertools.count(1)


def _alive(pid: str) -> bool:
    return pid.isdigit() and Path(f"/proc/{pid}").exists()


def clear_state(state_dir: Path) -> None:
    """Remove all that a stack on this directory has on the host, and the directory."""
    stack = OvnStack(state_dir)
    deadline = time.monotonic() + 5
    while True:
        try:
            stack.sweep()
            break
        except HostError:
            # A killed owner's lock goes with its last thread, a moment after the signal.
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
    unplug_all(stack)
    shutil.rmtree(state_dir, ignore_errors=True)


@pytest.fixture(scope="session", autouse=True)
def clear_earlier_runs() -> None:
    """Clear what runs that no longer exist have left."""
    for path in Path(tempfile.gettempdir()).glob(f"{_STATE}*"):
        if not _alive(path.name.removeprefix(_STATE).split("-")[0]):
            clear_state(path)
    for path in Path("/run/netns").glob(f"{_NETNS}*-*"):
        if not _alive(path.name.removeprefix(_NETNS).split("-")[0]):
            namespace.delete(path.name)


@pytest.fixture
def host() -> None:
    """The host has what a private OVN needs. A machine that has not fails the test and says why."""
    line = missing_line()
    if line is not None:
        pytest.fail(line)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One `deuteron up` for all tests that only use it; each makes networks of its own."""
    line = missing_line()
    if line is not None:
        pytest.fail(line)
    with running_site(tmp_path_factory.mktemp("site")) as made:
        yield made


@pytest.fixture
def make_state_dir(host: None) -> Iterator[Callable[[], Path]]:
    """Make state directories; stacks left on them are swept afterwards."""
    made: list[Path] = []

    def make() -> Path:
        made.append(Path(tempfile.mkdtemp(prefix=f"{_STATE}{os.getpid()}-")))
        return made[-1]

    yield make
    for path in reversed(made):
        clear_state(path)


@pytest.fixture
def state_dir(make_state_dir: Callable[[], Path]) -> Path:
    return make_state_dir()


@pytest.fixture
def netns_name() -> Iterator[Callable[[], str]]:
    """Names for namespaces, not yet created; what became of them is deleted afterwards."""
    names: list[str] = []

    def name() -> str:
        names.append(f"{_NETNS}{os.getpid()}-{next(_count)}")
        return names[-1]

    yield name
    for taken in names:
        namespace.delete(taken)
        dhcp.forget_resolver(taken)


@pytest.fixture
def spawn(make_state_dir: object) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start programs (keyword arguments are Popen's); they are stopped afterwards, before state
    directories are swept: SIGTERM, then SIGKILL after ten seconds."""
    started: list[subprocess.Popen[str]] = []

    def start(argv: Sequence[str | Path], **options: object) -> subprocess.Popen[str]:
        process = subprocess.Popen([str(word) for word in argv], text=True, **options)  # type: ignore[call-overload]
        started.append(process)
        return process  # type: ignore[no-any-return]

    yield start
    for process in started:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()


@pytest.fixture
def make_stack(make_state_dir: Callable[[], Path]) -> Iterator[Callable[..., OvnStack]]:
    """Make and start OVN stacks (arguments are OvnStack's, the directory may be left out)."""
    started: list[OvnStack] = []

    def make(directory: Path | None = None, **options: object) -> OvnStack:
        stack = OvnStack(directory or make_state_dir(), **options)  # type: ignore[arg-type]
        started.append(stack)
        stack.start()
        return stack

    yield make
    for stack in started:
        stack.stop()
