# SPDX-License-Identifier: Apache-2.0
"""The loop over the simulator: who converges, what wakes it, and what a bad day may not lose."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from deuteron import catalog
from deuteron.auth.noauth import DEFAULT_CALLER
from deuteron.engine.listen import DatabaseListener
from deuteron.engine.loop import Loop
from deuteron.engine.model import (
    Chassis,
    EngineUnavailable,
    Intent,
    ObjectsRefused,
    Observed,
    PortState,
    Ref,
)
from deuteron.engine.poke import PokeListener, Poker, Pokes
from deuteron.engine.simulator import SimulatorEngine
from deuteron.errors import Unavailable
from deuteron.service import Service
from deuteron.settings import Settings
from deuteron.store import dirty
from deuteron.store.database import Database
from deuteron.store.schema import Schema
from tests import databases

REGISTRY = catalog.load()
SCHEMA = Schema(REGISTRY)


class Moody(SimulatorEngine):
    """A simulator that can be made to fail."""

    unavailable = False
    refuses: frozenset[str] = frozenset()
    applied = 0

    def apply(self, intent: Intent) -> None:
        if self.unavailable:
            raise EngineUnavailable("down")
        self.applied += 1
        super().apply(Intent({r: o for r, o in intent.objects.items() if r.id not in self.refuses}))
        refused = {ref: "no" for ref in intent.objects if ref.id in self.refuses}
        if refused:
            raise ObjectsRefused(refused)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    url = f"sqlite:///{tmp_path}/deuteron.db"
    database = Database(url)
    databases.create(database, SCHEMA)
    yield Service(REGISTRY, SCHEMA, database, Settings(database=url))
    database.close()


@pytest.fixture
def start() -> Iterator[Callable[..., Loop]]:
    """Run loops in threads; they are stopped afterwards."""
    running: list[tuple[Loop, threading.Thread]] = []

    def run(service: Service, engine: SimulatorEngine, pokes: Iterable[Pokes] = ()) -> Loop:
        loop = Loop(service, engine, list(pokes))
        thread = threading.Thread(target=loop.run)
        thread.start()
        running.append((loop, thread))
        return loop

    yield run
    for loop, thread in running:
        loop.stop.set()
        thread.join(5)
        loop.engine.close()


def network(service: Service, name: str) -> Ref:
    """A network, written as a request would."""

    [row] = service.create(DEFAULT_CALLER, "network", [{"name": name}])
    return Ref("network", str(row["id"]))


def marks(service: Service) -> int:
    with service.database.read() as connection:
        return len(dirty.read(connection, SCHEMA, 1000))


def until(done: Callable[[], bool], seconds: float = 5) -> float:
    started = time.monotonic()
    while not done():
        assert time.monotonic() - started < seconds
        time.sleep(0.005)
    return time.monotonic() - started


def test_one_of_two_loops_applies(
    service: Service, start: Callable[..., Loop], tmp_path: Path
) -> None:
    engines = [Moody(lock=tmp_path / "lock") for _ in range(2)]
    first = start(service, engines[0])
    until(lambda: first.leader)
    second = start(service, engines[1])
    ref = network(service, "one")
    until(lambda: ref in engines[0].network.objects)
    until(lambda: not marks(service))
    assert (second.leader, engines[1].applied) == (False, 0)
    running = threading.active_count()
    first.stop.set()
    until(lambda: threading.active_count() < running)
    engines[0].close()
    until(lambda: ref in engines[1].network.objects)


def test_a_poke_wakes_the_loop(
    service: Service, start: Callable[..., Loop], tmp_path: Path
) -> None:
    listener, engine = PokeListener(str(tmp_path / "poke")), Moody()
    start(service, engine, [listener])
    poke = Poker(str(tmp_path / "poke"))
    delays = []
    for number in range(20):
        ref = network(service, f"n{number}")
        poke()
        delays.append(until(lambda ref=ref: ref in engine.network.objects))  # type: ignore[misc]
    assert sorted(delays)[10] < 0.1
    listener.close()


def test_an_unavailable_engine_costs_no_mark(service: Service, start: Callable[..., Loop]) -> None:
    engine = Moody()
    loop = start(service, engine)
    until(lambda: loop.leader and engine.applied > 0)
    engine.unavailable = True
    refs = [network(service, f"n{number}") for number in range(5)]
    used = time.process_time()
    time.sleep(2.5)
    assert time.process_time() - used < 1
    assert marks(service) >= 5
    engine.unavailable = False
    until(lambda: all(ref in engine.network.objects for ref in refs))
    until(lambda: not marks(service))


def test_a_refused_object_holds_up_no_other(
    service: Service, start: Callable[..., Loop], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deuteron.engine.loop.REFUSED_SECONDS", 1.0)
    engine = Moody()
    bad = network(service, "bad")
    engine.refuses = frozenset({bad.id})
    start(service, engine)
    good = network(service, "good")
    until(lambda: good in engine.network.objects and not marks(service))
    assert bad not in engine.network.objects
    engine.refuses = frozenset()
    until(lambda: bad in engine.network.objects)


def test_what_was_seen_is_written_when_the_database_is_back(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = Loop(service, Moody())
    chassis = Chassis("c", "host", alive=True, seen_at=0.0)

    def fail(*_: object) -> None:
        raise Unavailable("ServiceUnavailable", "gone")

    with monkeypatch.context() as patch:
        patch.setattr(service.database, "write", fail)
        with pytest.raises(Unavailable):
            loop.take(Observed(ports=[PortState("p", True)], chassis=[chassis]))
    loop.take(Observed())
    with service.database.read() as connection:
        agents = service.transaction(connection, DEFAULT_CALLER).find("agent")
    assert [agent["host"] for agent in agents] == ["host"]
    assert not loop.ports


@pytest.mark.skipif(
    "postgresql" not in databases.chosen(), reason="DEUTERON_TEST_DATABASES lacks postgresql"
)
def test_postgresql_wakes_loops_on_other_hosts(start: Callable[..., Loop]) -> None:
    with databases.server("postgresql") as url:
        database = Database(url)
        databases.create(database, SCHEMA)
        service = Service(REGISTRY, SCHEMA, database, Settings(database=url))
        engine, listener = Moody(), DatabaseListener(database.url)
        loop = start(service, engine, [listener])
        delays = []
        for number in range(10):
            ref = network(service, f"n{number}")
            delays.append(until(lambda ref=ref: ref in engine.network.objects))  # type: ignore[misc]
        loop.stop.set()
        until(lambda: threading.active_count() == 1)
        listener.close()
        database.close()
    assert sorted(delays)[5] < 0.1
