# SPDX-License-Identifier: Apache-2.0
"""The simulator as an `Engine`: what it makes true, and what it reports."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path

from deuteron.engine.model import Engine, Intent, ModelObject, PortState
from deuteron.engine.simulator import SimulatorEngine
from tests.engine.simulator.building import NET, A, B

UNBOUND = replace(A, host="")


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def intent(*objects: ModelObject, complete: bool = False) -> Intent:
    return Intent({item.ref: item for item in objects}, complete)


def filled(*objects: ModelObject) -> SimulatorEngine:
    engine = SimulatorEngine(host="here")
    engine.apply(intent(*objects, complete=True))
    engine.wait(0)
    return engine


def test_it_is_an_engine() -> None:
    engine: Engine = SimulatorEngine()
    assert engine.acquire()
    engine.close()


def test_port_goes_up_and_down_with_its_host() -> None:
    engine = filled(NET)
    engine.apply(intent(UNBOUND))
    assert engine.wait(0).ports == []
    engine.apply(intent(A))
    assert engine.wait(0).ports == [PortState("a", True, "here")]
    engine.apply(intent(A))
    assert engine.wait(0).ports == []
    engine.apply(intent(UNBOUND))
    assert engine.wait(0).ports == [PortState("a", False, "")]


def test_a_change_taken_back_before_it_is_reported_is_not_reported() -> None:
    engine = filled(NET, A)
    engine.apply(intent(UNBOUND))
    engine.apply(intent(A))
    assert engine.wait(0).ports == []


def test_a_deleted_port_is_not_spoken_of() -> None:
    engine = filled(NET)
    engine.apply(intent(A))
    engine.apply(Intent({A.ref: None}))
    assert engine.wait(0).ports == []
    engine.apply(intent(A))
    assert engine.wait(0).ports == [PortState("a", True, "here")]


def test_only_devices_go_up() -> None:
    engine = filled(NET)
    engine.apply(intent(replace(A, role="distributed"), replace(B, role="reserved")))
    assert engine.wait(0).ports == []


def test_a_complete_intent_says_the_state_of_every_port() -> None:
    engine = SimulatorEngine()
    engine.apply(intent(NET, UNBOUND, B, complete=True))
    assert {state.id: state.up for state in engine.wait(0).ports} == {"a": False, "b": True}


def test_a_complete_intent_removes_the_rest() -> None:
    engine = filled(NET, A, B)
    engine.apply(intent(NET, A, complete=True))
    assert set(engine.network.objects) == {NET.ref, A.ref}


def test_differences() -> None:
    engine = filled(NET, A)
    wanted = Intent({NET.ref: replace(NET, mtu=1500), B.ref: B, A.ref: None})
    found = {(one.ref, one.kind) for one in engine.differences(wanted)}
    assert found == {(NET.ref, "altered"), (B.ref, "missing"), (A.ref, "surplus")}
    found = {(one.ref, one.kind) for one in engine.differences(intent(NET, complete=True))}
    assert found == {(A.ref, "surplus")}
    engine.apply(wanted)
    assert list(engine.differences(wanted)) == []


def test_an_empty_engine_asks_once_for_everything() -> None:
    engine = SimulatorEngine()
    assert engine.wait(0).everything
    assert not engine.wait(0).everything


def test_heartbeats() -> None:
    clock = Clock()
    engine = SimulatorEngine(host="here", bridge_mappings=("physnet:br",), clock=clock)
    engine.apply(intent(complete=True))
    first = engine.wait(0).chassis
    assert first is not None
    assert [(one.host, one.alive, one.seen_at) for one in first] == [("here", True, 1000.0)]
    assert first[0].bridge_mappings == ("physnet:br",)
    assert engine.wait(0).chassis is None
    clock.now += 60
    second = engine.wait(0).chassis
    assert second is not None
    assert second[0].seen_at == 1060.0
    assert second[0].id == first[0].id


def test_wait_ends_when_a_descriptor_is_readable_or_time_is_over() -> None:
    engine = filled(NET)
    reader, writer = os.pipe()
    try:
        began = time.monotonic()
        engine.wait(0.05, [reader])
        assert time.monotonic() - began >= 0.05
        os.write(writer, b"x")
        began = time.monotonic()
        engine.wait(4, [reader])
        assert time.monotonic() - began < 2
    finally:
        os.close(reader)
        os.close(writer)


def test_one_loop_at_a_time(tmp_path: Path) -> None:
    one, two = (SimulatorEngine(lock=tmp_path / "lock") for _ in range(2))
    assert one.acquire()
    assert one.acquire()
    assert not two.acquire()
    one.close()
    assert two.acquire()
    two.close()
