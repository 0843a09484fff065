# SPDX-License-Identifier: Apache-2.0
"""What is altered, lost or unreachable below the API comes right by itself, and packets flow on."""

from __future__ import annotations

import contextlib
import difflib
import os
import re
import signal
import statistics
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from deuteron.host.requirements import missing_line
from deuteron.host.stack import OvnStack
from tests.end_to_end.cloud import Cloud
from tests.end_to_end.site import Guest, Site, running_site, until

HEALED_SECONDS = 5.0
UNREACHABLE_SECONDS = float(os.environ.get("DEUTERON_TEST_UNREACHABLE_SECONDS", "20"))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A cloud of this module's own, for what is done to it here."""
    line = missing_line()
    if line is not None:
        pytest.fail(line)
    with running_site(tmp_path_factory.mktemp("healing")) as made:
        yield made


@pytest.fixture(scope="module")
def talking(site: Site) -> tuple[Guest, Guest]:
    """Two guests that talk, on a network with DHCP and names."""
    network = site.network("10.50.0.0/24", name="healed")
    guests = site.guest(network, dns_name="one"), site.guest(network, dns_name="two")
    assert guests[0].pings(guests[1].address())
    return guests


def nbctl(site: Site, *words: str) -> str:
    stack = OvnStack(site.cloud.state)
    command = ["ovn-nbctl", f"--db={stack.nb}", "--no-leader-only", "--timeout=10", *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@contextlib.contextmanager
def paused(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def damage(site: Site, guests: tuple[Guest, Guest]) -> dict[str, list[str]]:
    """Things that a hand may do, as ovn-nbctl commands."""
    one, two = guests
    switch = f"neutron-{one.port['network_id']}"
    options = nbctl(site, "--bare", "--columns=_uuid", "list", "DHCP_Options").split()
    return {
        "altered": ["lsp-set-addresses", one.id, "fa:16:3e:99:99:99 10.50.0.99"],
        "opened": ["lsp-set-port-security", two.id],
        "disabled": ["lsp-set-enabled", two.id, "disabled"],
        "options": ["clear", "Logical_Switch_Port", one.id, "dhcpv4_options"],
        "disowned": ["remove", "Logical_Switch", switch, "external_ids", '"deuteron:kind"'],
        "renamed": ["set", "Logical_Switch", switch, "name=mine"],
        "deleted port": ["lsp-del", one.id],
        "deleted switch": ["ls-del", switch],
        "deleted options": ["destroy", "DHCP_Options", options[0]],
        "deleted names": ["--all", "destroy", "DNS"],
        "added": [
            "create", "Logical_Switch", "name=surplus",
            'external_ids:"deuteron:kind"=network', f'external_ids:"deuteron:id"={uuid4()}',
            'external_ids:"deuteron:role"=switch',
        ],
    }  # fmt: skip


DAMAGES = (
    "altered", "opened", "disabled", "options", "disowned", "renamed", "deleted port",
    "deleted switch", "deleted options", "deleted names", "added",
)  # fmt: skip


def content(site: Site) -> str:
    """NB as one text, without what changes by itself (UUIDs, heartbeats, `up`)."""
    tables = {
        "Logical_Switch": "name,other_config,external_ids",
        "Logical_Switch_Port": "name,addresses,port_security,enabled,options,external_ids",
        "DHCP_Options": "cidr,options,external_ids",
        "DNS": "records,external_ids",
    }
    rows = []
    for table, columns in tables.items():
        found = nbctl(site, "--format=csv", "--no-headings", f"--columns={columns}", "list", table)
        rows += [f"{table} {line}" for line in found.splitlines()]
    return "\n".join(sorted(rows))


def await_content(site: Site, wanted: str, seconds: float = HEALED_SECONDS) -> float:
    """Seconds until NB holds this; fails, and shows the difference, after `seconds`."""
    started = time.monotonic()
    while True:
        with contextlib.suppress(subprocess.CalledProcessError):  # the server is away
            if (found := content(site)) == wanted:
                return time.monotonic() - started
        if time.monotonic() - started > seconds:
            lines = difflib.unified_diff(wanted.splitlines(), found.splitlines(), lineterm="", n=0)
            pytest.fail("\n".join(lines), pytrace=False)


def test_what_is_damaged_by_hand_is_put_right(site: Site, talking: tuple[Guest, Guest]) -> None:
    """Each damage by itself: seen by packets' rows within five seconds. Foreign rows stay."""
    nbctl(site, "ls-add", "foreign", "--", "lsp-add", "foreign", "foreign-port")
    switch = f"neutron-{talking[0].port['network_id']}"
    nbctl(site, "acl-add", switch, "to-lport", "7", "ip4.src == 192.0.2.1", "drop")
    nbctl(site, "set", "Logical_Switch", "foreign", 'external_ids:"neutron:network_name"=theirs')
    before = content(site)
    slowest = 0.0
    assert damage(site, talking).keys() == set(DAMAGES)
    for name in DAMAGES:
        if name == "deleted switch":
            assert "192.0.2.1" in nbctl(site, "acl-list", switch)
        nbctl(site, *damage(site, talking)[name])
        slowest = max(slowest, await_content(site, before))
    print(f"\nput right within {slowest:.2f} s at most")
    until(lambda: talking[0].pings(talking[1].address()), HEALED_SECONDS)
    assert site.cloud.drift() == []


def test_drift_tells_until_it_is_put_right(site: Site, talking: tuple[Guest, Guest]) -> None:
    before = content(site)
    with paused(site.cloud.pid_of("converge")):
        for name, words in damage(site, talking).items():
            if name == "disowned":  # and renamed, too: nothing would say whose it was
                continue
            with contextlib.suppress(subprocess.CalledProcessError):  # what it names is gone
                nbctl(site, *words)
        said = "\n".join(site.cloud.drift())
        assert said.count("\n") >= 4
        for kind in ("missing ", "surplus "):
            assert kind in said
        assert talking[0].id in said
        assert content(site) != before
    await_content(site, before)
    site.cloud.await_no_drift(10)
    until(lambda: talking[0].pings(talking[1].address()), HEALED_SECONDS)


def test_an_emptied_database_is_refilled(site: Site, talking: tuple[Guest, Guest]) -> None:
    before = content(site)
    foreign = [line for line in before.splitlines() if "foreign" in line]
    every = ["Logical_Switch", "DHCP_Options", "DNS", "NB_Global"]
    words = [word for table in every for word in ("--", "--all", "destroy", table)]
    nbctl(site, *words[1:])
    wanted = "\n".join(line for line in before.splitlines() if line not in foreign)
    took = await_content(site, wanted)
    flowing = until(lambda: talking[0].pings(talking[1].address(), count=1), HEALED_SECONDS)
    print(f"\nrefilled in {took:.2f} s, packets {flowing:.2f} s later")
    assert site.lease4(talking[0]) is not None
    assert site.names(talking[0], "two.example.test") == [talking[1].address()]
    assert site.cloud.drift() == []
    global_options = nbctl(site, "get", "NB_Global", ".", "options")
    assert 'ignore_lsp_down="false"' in global_options


def test_deleted_database_files_are_refilled(site: Site, talking: tuple[Guest, Guest]) -> None:
    before = content(site)
    nbctl(site, "ls-add", "gone-with-the-file")
    for name in ("ovnnb", "ovnsb"):
        (site.cloud.state / "ovn" / f"{name}.db").unlink()
        os.kill(site.cloud.pid_of(name), signal.SIGKILL)

    took = await_content(site, before, 10)
    flowing = until(lambda: talking[0].pings(talking[1].address(), count=1), 15)
    print(f"\nrefilled in {took:.2f} s, packets {flowing:.2f} s later")
    for guest in talking:
        site.cloud.await_status(guest.id, "ACTIVE", 5)
    site.cloud.await_no_drift(10)


def test_killed_databases_cost_nothing(site: Site, talking: tuple[Guest, Guest]) -> None:
    network = str(talking[0].port["network_id"])
    for name in ("ovnnb", "ovnsb"):
        os.kill(site.cloud.pid_of(name), signal.SIGKILL)
    ports = [site.cloud.create("port", network_id=network)["id"] for _ in range(20)]
    assert talking[0].pings(talking[1].address())
    site.cloud.await_no_drift(10)
    names = nbctl(site, "--bare", "--columns=name", "list", "Logical_Switch_Port").split()
    assert set(ports) <= set(names)
    for id_ in ports:
        site.cloud.call("DELETE", f"ports/{id_}")


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_unreachable_databases_are_waited_for(site: Site, talking: tuple[Guest, Guest]) -> None:
    """For as long as DEUTERON_TEST_UNREACHABLE_SECONDS says: the API answers, nothing is lost."""
    network = str(talking[0].port["network_id"])
    loop = site.cloud.pid_of("converge")
    servers = [site.cloud.pid_of(name) for name in ("ovnnb", "ovnsb")]
    ports: list[str] = []
    slowest = 0.0
    used = _cpu_seconds(loop)
    with contextlib.ExitStack() as stack:
        for pid in servers:
            stack.enter_context(paused(pid))
        end = time.monotonic() + UNREACHABLE_SECONDS
        while time.monotonic() < end:
            started = time.monotonic()
            ports.append(site.cloud.create("port", network_id=network)["id"])
            site.cloud.show("port", ports[0])
            slowest = max(slowest, time.monotonic() - started)
            time.sleep(0.25)
        used = _cpu_seconds(loop) - used
        assert talking[0].pings(talking[1].address()), "the datapath does without databases"
    assert slowest < 2.0
    assert site.cloud.pid_of("converge") == loop, "the loop ended"
    assert used < 0.2 * UNREACHABLE_SECONDS, "the loop spins"
    took = site.cloud.await_no_drift(10)
    names = nbctl(site, "--bare", "--columns=name", "list", "Logical_Switch_Port").split()
    assert set(ports) <= set(names)
    print(f"\n{len(ports)} ports meanwhile, slowest {slowest:.2f} s; caught up in {took:.2f} s")
    for id_ in ports:
        site.cloud.call("DELETE", f"ports/{id_}")
    site.cloud.await_no_drift(10)


def test_a_poke_wakes_the_loop_at_once(site: Site, talking: tuple[Guest, Guest]) -> None:
    """From POST to row, sooner than the loop's own half-second look would see to it."""
    network = str(talking[0].port["network_id"])
    stack = OvnStack(site.cloud.state)
    watch = subprocess.Popen(
        [
            "ovsdb-client", "--format=json", "monitor", stack.nb, "OVN_Northbound",
            "Logical_Switch_Port", "name",
        ],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert watch.stdout is not None
    delays, made = [], []
    try:
        watch.stdout.readline()
        for _ in range(40):
            time.sleep(0.05)
            started = time.monotonic()
            made.append(site.cloud.create("port", network_id=network)["id"])
            while made[-1] not in watch.stdout.readline():
                pass
            delays.append(time.monotonic() - started)
    finally:
        watch.terminate()
        watch.wait()
    delays.sort()
    print(f"\nrequest to row: median {delays[20] * 1e3:.0f} ms, longest {delays[-1] * 1e3:.0f} ms")
    assert statistics.median(delays) < 0.1
    for id_ in made:
        site.cloud.call("DELETE", f"ports/{id_}")


def test_a_killed_part_is_restarted_and_said_so(site: Site, talking: tuple[Guest, Guest]) -> None:
    parts = ("api", "converge", "ovs-vswitchd", "ovn-northd", "ovn-controller", "conf")
    cloud = site.cloud
    # Of OVN's daemons some were killed by the tests before, and some (23.03) crash when their
    # database file goes; ours do not.
    own = re.compile(r"deuteron: (api|converge) died")
    assert not [line for line in cloud.lines if own.match(line)]
    for name in parts:
        before = len(cloud.lines)
        os.kill(cloud.pid_of(name), signal.SIGKILL)
        told = re.compile(rf"deuteron: {name} restarted as process \d+")
        until(lambda: any(map(told.match, cloud.lines[before:])), 10)  # noqa: B023
        assert any(f"{name} died (killed by signal 9)" in line for line in cloud.lines[before:])
        until(lambda: _answers(cloud), 10)
        until(lambda: talking[0].pings(talking[1].address(), count=1), 15)
    for guest in talking:
        cloud.await_status(guest.id, "ACTIVE", 5)
    cloud.await_no_drift(10)


def _answers(cloud: Cloud) -> bool:
    try:
        return bool(cloud.call("GET", "networks"))
    except OSError:
        return False


def test_up_again_plugs_again(site: Site, talking: tuple[Guest, Guest]) -> None:
    with pytest.raises(AssertionError, match="in use by process"):
        Cloud(site.cloud.state).start()
    for end in (site.cloud.stop, site.cloud.kill):
        end()
        site.cloud.start()
        until(lambda: talking[0].pings(talking[1].address(), count=1), 10)
        assert talking[1].pings(talking[0].address())
        for guest in talking:
            site.cloud.await_status(guest.id, "ACTIVE", 5)
    site.cloud.await_no_drift(10)
