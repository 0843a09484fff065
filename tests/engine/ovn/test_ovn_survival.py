# SPDX-License-Identifier: Apache-2.0
"""Alterations behind the engine's back, and databases that go and come."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from deuteron.engine.model import EngineUnavailable, Intent, Observed, Ref
from deuteron.engine.ovn import OvnEngine, database
from tests.engine.ovn.private_ovn import PrivateOvn, golden_text
from tests.engine.ovn.scenarios import NET, PORT_A, PORT_B, SCENARIOS, SUB4, intent

GOLDEN = Path(__file__).parent / "golden"
THINGS = SCENARIOS["security_and_dns"]
ALL = intent(*THINGS)
NETWORK, FIRST, SECOND = Ref("network", NET), Ref("port", PORT_A), Ref("port", PORT_B)
SWITCH_NAME = f"neutron-{NET}"


def golden(name: str = "security_and_dns") -> str:
    return (GOLDEN / f"{name}.txt").read_text()


def watch(engine: OvnEngine, done: Callable[[Observed], bool], seconds: float = 10) -> Observed:
    """Wait until what was observed is `done`; the deadline is a failure."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        observed = engine.wait(0.5)
        if done(observed):
            return observed
    raise AssertionError("not observed in time")


@pytest.fixture
def settled(engine: OvnEngine) -> OvnEngine:
    """An engine that has applied THINGS and has nothing more to tell."""
    assert watch(engine, lambda o: o.everything)
    engine.apply(ALL)
    while engine.wait(0.2) != Observed():
        pass
    return engine


def test_own_changes_are_not_healed(settled: OvnEngine) -> None:
    for name in SCENARIOS:
        settled.apply(intent(*SCENARIOS[name]))
        observed = settled.wait(0.3)
        assert observed.healed == set()
        assert not observed.everything


HANDS: dict[str, tuple[tuple[str, ...], Ref]] = {
    "address": (("lsp-set-addresses", PORT_A, "unknown"), FIRST),
    "disabled": (("lsp-set-enabled", PORT_A, "disabled"), FIRST),
    "security off": (("lsp-set-port-security", PORT_A), FIRST),
    "options": (("lsp-set-options", PORT_A, "requested-chassis=elsewhere"), FIRST),
    "removed": (("lsp-del", PORT_A), FIRST),
    "mark lost": (("clear", "Logical_Switch_Port", PORT_A, "external_ids"), FIRST),
    "mark altered": (
        ("set", "Logical_Switch_Port", PORT_A, 'external_ids:"deuteron:id"=x'),
        FIRST,
    ),
    "renamed": (("set", "Logical_Switch_Port", PORT_A, "name=other"), FIRST),
    "stale id": (
        ("set", "Logical_Switch_Port", PORT_B, 'external_ids:"neutron:host_id"=x'),
        SECOND,
    ),
    "dns unlinked": (("clear", "Logical_Switch", SWITCH_NAME, "dns_records"), FIRST),
    "dns removed": (("--all", "destroy", "DNS"), FIRST),
    "switch removed": (("ls-del", SWITCH_NAME), NETWORK),
    "switch renamed": (("set", "Logical_Switch", SWITCH_NAME, "name=other"), NETWORK),
    "switch config": (("clear", "Logical_Switch", SWITCH_NAME, "other_config"), NETWORK),
}


@pytest.mark.parametrize("hand", HANDS)
def test_hand_altered_rows_are_seen_and_put_right(
    hand: str, ovn: PrivateOvn, settled: OvnEngine
) -> None:
    command, ref = HANDS[hand]
    ovn.nbctl(*command)
    assert golden_text(ovn) != golden()
    observed = watch(settled, lambda o: ref in o.healed)
    assert ref in {difference.ref for difference in settled.differences(ALL)}
    objects = {thing.ref: thing for thing in THINGS}
    settled.apply(Intent({healed: objects.get(healed) for healed in observed.healed}))
    assert golden_text(ovn) == golden()
    assert list(settled.differences(ALL)) == []
    assert settled.wait(0.3).healed == set()


def test_port_moved_to_another_switch(ovn: PrivateOvn, settled: OvnEngine) -> None:
    port = next(r["_uuid"] for r in ovn.rows("nb", "Logical_Switch_Port") if r["name"] == PORT_A)
    ovn.nbctl(
        *("ls-add", "elsewhere", "--", "add", "Logical_Switch", "elsewhere", "ports", port),
        *("--", "remove", "Logical_Switch", SWITCH_NAME, "ports", port),
    )
    assert watch(settled, lambda o: bool(o.healed)).healed == {FIRST}
    settled.apply(ALL)
    ovn.nbctl("ls-del", "elsewhere")
    assert golden_text(ovn) == golden()


def test_copies_of_our_rows_go(ovn: PrivateOvn, settled: OvnEngine) -> None:
    ids = [
        'external_ids:"deuteron:kind"=subnet',
        f'external_ids:"deuteron:id"="{SUB4}"',
        'external_ids:"deuteron:role"=dhcp',
    ]
    ovn.nbctl("create", "DHCP_Options", "cidr=10.0.0.0/24", *ids)
    assert watch(settled, lambda o: bool(o.healed)).healed == {Ref("subnet", SUB4)}
    settled.apply(Intent({Ref("subnet", SUB4): None}))
    assert golden_text(ovn) == golden()


def test_foreign_rows_are_not_healed(ovn: PrivateOvn, settled: OvnEngine) -> None:
    ovn.nbctl(
        "ls-add", "foreign", "--", "lsp-add", "foreign", "p", "--", "lsp-add", SWITCH_NAME, "q"
    )
    ovn.nbctl("set", "Logical_Switch_Port", PORT_A, "external_ids:theirs=1")
    assert settled.wait(0.5) == Observed()


def test_emptied_database_is_refilled(ovn: PrivateOvn, settled: OvnEngine) -> None:
    ovn.nbctl("--all", "destroy", "Logical_Switch", "--", "--all", "destroy", "DNS")
    watch(settled, lambda o: NETWORK in o.healed)
    settled.apply(ALL)
    assert golden_text(ovn) == golden()


def test_server_restarted(ovn: PrivateOvn, settled: OvnEngine) -> None:
    ovn.stop("nb")
    ovn.start("nb")
    observed = watch(settled, lambda o: o.everything)
    assert {state.id for state in observed.ports} == {PORT_A, PORT_B}
    written = settled.transactions
    settled.apply(ALL)
    assert settled.transactions == written


def test_files_deleted_and_made_anew(ovn: PrivateOvn, settled: OvnEngine) -> None:
    ovn.stop("nb")
    (ovn.directory / "nb.db").unlink()
    ovn.start("nb")
    watch(settled, lambda o: o.everything)
    settled.apply(ALL)
    assert golden_text(ovn) == golden()


def test_unreachable_is_said_within_seconds_and_not_for_ever(
    ovn: PrivateOvn, settled: OvnEngine
) -> None:
    ovn.stop("nb")
    for _ in range(2):
        began = time.monotonic()
        with pytest.raises(EngineUnavailable):
            settled.apply(intent(*SCENARIOS["two_ports"]))
        with pytest.raises(EngineUnavailable):
            list(settled.differences(ALL))
        assert time.monotonic() - began < 6
    began = time.monotonic()
    assert settled.wait(1.0) == Observed()
    assert 0.9 < time.monotonic() - began < 2
    ovn.start("nb")
    settled.apply(intent(*SCENARIOS["two_ports"]))
    assert golden_text(ovn) == golden("two_ports")


def test_never_reachable(tmp_path: Path) -> None:
    lost = OvnEngine(f"unix:{tmp_path}/no.sock", f"unix:{tmp_path}/no.sock", "test")
    assert lost.acquire() is False
    with pytest.raises(EngineUnavailable):
        lost.apply(ALL)
    assert lost.wait(0.1) == Observed()
    lost.close()


def test_server_that_hangs(
    ovn: PrivateOvn, settled: OvnEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_TRANSACTION_SECONDS", 1.0)
    os.kill(ovn.pid("nb"), signal.SIGSTOP)
    try:
        with pytest.raises(EngineUnavailable, match="no answer"):
            settled.apply(intent(*SCENARIOS["two_ports"]))
    finally:
        os.kill(ovn.pid("nb"), signal.SIGCONT)
    watch(settled, lambda o: o.everything)
    settled.apply(ALL)
    assert golden_text(ovn) == golden()


def test_clustered_database(ovn: PrivateOvn) -> None:
    """There a reconnection brings only what was missed, and the index must still be whole."""
    ovn.stop("nb")
    (ovn.directory / "nb.db").unlink()
    ovn.create_cluster("nb")
    ovn.start("nb")
    engine = OvnEngine(ovn.remote("nb"), ovn.remote("sb"), "test")
    try:
        assert engine.acquire()
        watch(engine, lambda o: o.everything)
        engine.apply(ALL)
        assert engine.wait(0.3).healed == set()
        engine._north.force_reconnect()
        ovn.nbctl("lsp-del", PORT_A)
        watch(engine, lambda o: o.everything)
        assert {difference.ref for difference in engine.differences(ALL)} == {FIRST}
        engine.apply(ALL)
        assert golden_text(ovn) == golden()
        ovn.stop("nb")
        ovn.start("nb")
        watch(engine, lambda o: o.everything)
        assert list(engine.differences(ALL)) == []
    finally:
        engine.close()


def test_southbound_gone_does_not_stop_writing(ovn: PrivateOvn, settled: OvnEngine) -> None:
    ovn.stop("sb")
    settled.apply(intent(*SCENARIOS["two_ports"]))
    assert settled.wait(0.2).healed == set()
    assert golden_text(ovn) == golden("two_ports")
