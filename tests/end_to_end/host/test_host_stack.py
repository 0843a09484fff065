# SPDX-License-Identifier: Apache-2.0
"""A private OVN starts fast, heals, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from deuteron.host import namespace
from deuteron.host.attach import plug_netns, remember, replug, unplug
from deuteron.host.command import HostError, run
from deuteron.host.stack import OvnStack

from .conftest import Segment, pings, processes_of

DAEMONS = ("ovnnb", "ovnsb", "conf", "ovn-northd", "ovs-vswitchd", "ovn-controller")

OWNER = """
import sys, time
from pathlib import Path
from deuteron.host.attach import replug
from deuteron.host.stack import OvnStack
stack = OvnStack(Path(sys.argv[1]))
stack.start()
print({port: str(error) for port, error in replug(stack).items() if error}, flush=True)
time.sleep(1000)
"""


def test_a_cold_start_takes_less_than_two_seconds(state_dir: Path) -> None:
    stack = OvnStack(state_dir, hostname="chassis-one")
    start = time.monotonic()
    stack.start()
    took = time.monotonic() - start
    try:
        assert took < 2.0
        assert stack.ready
        assert set(stack.pids()) == set(DAEMONS)
        chassis = run(["ovn-sbctl", f"--db={stack.sb}", "--bare", "--columns=name,hostname",
                       "list", "Chassis"]).split()  # fmt: skip
        assert chassis == [stack.system_id, "chassis-one"]
    finally:
        stack.stop()
    assert not stack.ready


def test_the_chassis_has_the_machines_name_and_keeps_its_id(state_dir: Path) -> None:
    ids = []
    for _ in range(2):
        stack = OvnStack(state_dir)
        stack.start()
        try:
            ids.append(stack.system_id)
            names = run(["ovn-sbctl", f"--db={stack.sb}", "--bare", "--columns=hostname",
                         "list", "Chassis"]).split()  # fmt: skip
            assert names == [socket.gethostname()]
        finally:
            stack.stop()
    assert ids[0] == ids[1]


@pytest.mark.parametrize("daemon", DAEMONS)
def test_a_killed_daemon_heals(
    daemon: str, segment: Segment, netns_name: Callable[[], str]
) -> None:
    stack = segment.stack
    one, two, three = segment.add(), segment.add(), segment.add()
    first, second, third = netns_name(), netns_name(), netns_name()
    plug_netns(stack, segment.static(one), first)
    plug_netns(stack, segment.static(two), second)
    pings(first, segment.address(two))
    killed = stack.pids()[daemon]
    assert killed is not None
    os.kill(killed, signal.SIGKILL)
    time.sleep(0.1)
    pings(first, segment.address(two), within=5.0)
    assert stack.pids()[daemon] not in (None, killed)
    # What was plugged works; the whole chain from NB to packet must as well.
    plug_netns(stack, segment.static(three), third)
    segment.await_up(three, "true", within=5.0)
    pings(third, segment.address(one), within=5.0)
    pings(second, segment.address(three), within=5.0)


def test_stopped_nothing_is_left_and_started_again_all_is_back(
    state_dir: Path, make_stack: Callable[..., OvnStack], netns_name: Callable[[], str]
) -> None:
    links = set(namespace.devices(None))
    stack = make_stack(state_dir)
    segment = Segment(stack)
    segment.create()
    one, two = segment.add(), segment.add()
    first, second = netns_name(), netns_name()
    plug_netns(stack, one, first, dhcp=True)
    plug_netns(stack, segment.static(two), second)
    run(["ip", "-n", second, "addr", "add", "192.0.2.7/24", "dev", "eth0"])
    run(["ip", "-n", second, "route", "add", "198.51.100.0/24", "via", "192.0.2.1"])
    pings(first, segment.address(two))

    remember(stack)
    stack.stop()
    stack.stop()
    assert processes_of(state_dir) == []
    assert not namespace.exists(stack.namespace)
    assert set(namespace.devices(None)) == links
    assert set(namespace.devices(first)) == {"lo"}
    assert set(namespace.devices(second)) == {"lo"}

    again = make_stack(state_dir)
    assert replug(again) == {one.id: None, two.id: None}
    pings(first, segment.address(two))
    assert "198.51.100.0/24 via 192.0.2.1" in run(["ip", "-n", second, "route"])
    assert "default via 10.9.0.1" in run(["ip", "-n", second, "route"])


def test_a_killed_owner_leaves_no_process_and_users_devices_live_on(
    state_dir: Path, spawn: Callable[..., subprocess.Popen[str]], netns_name: Callable[[], str]
) -> None:
    stack = OvnStack(state_dir)
    segment = Segment(stack)

    def start_owner() -> subprocess.Popen[str]:
        owner = spawn([sys.executable, "-c", OWNER, state_dir], stdout=subprocess.PIPE)
        assert owner.stdout is not None
        assert owner.stdout.readline() == "{}\n"
        return owner

    owner = start_owner()
    segment.create()
    one, two = segment.add(), segment.add()
    first, second = netns_name(), netns_name()
    plug_netns(stack, segment.static(one), first)
    plug_netns(stack, segment.static(two), second)
    run(["ip", "-n", second, "addr", "add", "192.0.2.7/24", "dev", "eth0"])
    pings(first, segment.address(two))
    with pytest.raises(HostError, match=f"in use by process {owner.pid}"):
        OvnStack(state_dir).start()
    pings(first, segment.address(two))

    owner.kill()
    owner.wait()
    deadline = time.monotonic() + 1.0
    while processes_of(state_dir):
        assert time.monotonic() < deadline, processes_of(state_dir)
        time.sleep(0.02)
    # Unplugging works with nothing running, and the other device is found as it was left.
    assert unplug(stack, one.id)
    before = namespace.devices(second)["eth0"]["ifindex"]
    start_owner()
    assert namespace.devices(second)["eth0"]["ifindex"] == before
    assert "192.0.2.7/24" in run(["ip", "-n", second, "addr"])
    plug_netns(stack, segment.static(one), first)
    pings(first, segment.address(two))


def test_two_stacks_do_not_meet(
    make_stack: Callable[..., OvnStack], netns_name: Callable[[], str]
) -> None:
    places = []
    for _ in range(2):
        segment = Segment(make_stack())
        segment.create()
        port, other = segment.add(), segment.add()
        names = netns_name(), netns_name()
        plug_netns(segment.stack, segment.static(port), names[0])
        plug_netns(segment.stack, segment.static(other), names[1])
        places.append((segment, names))
    # The same addresses on both; each reaches its own.
    for segment, names in places:
        pings(names[0], segment.address(segment.ports[1]))
    places[0][0].stack.stop()
    segment, names = places[1]
    pings(names[0], segment.address(segment.ports[1]))


def test_a_long_path_is_no_hindrance(
    state_dir: Path, make_stack: Callable[..., OvnStack], netns_name: Callable[[], str]
) -> None:
    deep = state_dir / ("d" * 60) / ("e" * 60)
    stack = make_stack(deep)
    assert len(stack.nb) < 107
    segment = Segment(stack)
    segment.create()
    port = segment.add()
    plug_netns(stack, port, netns_name(), dhcp=True)
    link = Path(stack.nb.removeprefix("unix:")).parent
    assert link.is_symlink()
    stack.stop()
    assert not link.is_symlink()


def test_a_failed_start_leaves_nothing(state_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(OvnStack, "_configure", lambda _: None)
    stack = OvnStack(state_dir)
    with pytest.raises(HostError, match="does not come up"):
        stack.start(timeout=1.0)
    assert processes_of(state_dir) == []
    assert not namespace.exists(stack.namespace)
    monkeypatch.undo()
    stack.start()
    stack.stop()
