# SPDX-License-Identifier: Apache-2.0
"""`kill -9` of any process at any moment of a mixed load loses nothing that was answered."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.cloud import Cloud, Refused

KILLS = int(os.environ.get("DEUTERON_TEST_KILLS", "200"))
EVERY = 25  # kills between two checks of everything
SEED = 20261123


class Load(threading.Thread):
    """Creates, renames and deletes ports until told to stop, and remembers what was answered."""

    def __init__(self, cloud: Cloud, network_id: str, seed: int) -> None:
        super().__init__(daemon=True)
        self.cloud, self.network_id = cloud, network_id
        self.random = random.Random(seed)
        self.running = threading.Event()
        self.idle = threading.Event()
        self.ended = False
        self.names: dict[str, str] = {}  # what was answered last, by port id
        self.unknown: set[str] = set()  # a write of these was not answered
        self.gone: set[str] = set()
        self.answered = 0
        self.failures: list[str] = []

    def run(self) -> None:
        while not self.ended:
            if not self.running.is_set():
                self.idle.set()
                self.running.wait(0.1)
                continue
            self.idle.clear()
            try:
                self.write()
            except OSError:
                time.sleep(0.02)
            except Refused as error:
                if error.status != 503:
                    self.failures.append(str(error))

    def pause(self) -> None:
        self.running.clear()
        assert self.idle.wait(30)

    def write(self) -> None:
        choice = self.random.random()
        known = sorted(self.names.keys() - self.unknown)
        if choice < 0.6 or not known:
            port = self.cloud.create("port", network_id=self.network_id, name="new")
            self.names[port["id"]] = "new"
        else:
            id_ = self.random.choice(known)
            self.unknown.add(id_)
            if choice < 0.8:
                name = f"n{self.random.randrange(10**6)}"
                self.cloud.call("PUT", f"ports/{id_}", {"port": {"name": name}})
                self.names[id_] = name
            else:
                self.cloud.call("DELETE", f"ports/{id_}")
                del self.names[id_]
                self.gone.add(id_)
            self.unknown.discard(id_)
        self.answered += 1


def check_whole(cloud: Cloud, loads: list[Load]) -> None:
    """Every answered write is there; no write is half there."""
    ports: dict[str, dict[str, Any]] = {}
    deadline = time.monotonic() + 10
    while True:
        try:
            ports = {port["id"]: port for port in cloud.call("GET", "ports")["ports"]}
            break
        except (OSError, Refused):
            assert time.monotonic() < deadline, "the API did not come back"
            time.sleep(0.05)
    for load in loads:
        assert not load.failures, load.failures[:3]
        for id_, name in load.names.items():
            if id_ not in load.unknown:
                assert id_ in ports, f"answered port {id_} is lost"
                assert ports[id_]["name"] == name
        assert not load.gone & ports.keys(), "an answered delete came back"
    database = sqlite3.connect(cloud.state / "deuteron.db")
    held = set(database.execute("SELECT port_id, ip_address FROM ip_allocations"))
    database.close()
    shown = {(i, ip["ip_address"]) for i, port in ports.items() for ip in port["fixed_ips"]}
    assert held == shown
    assert all(port["fixed_ips"] for port in ports.values())


@pytest.fixture
def cloud(tmp_path: Path, host: None) -> Iterator[Cloud]:
    made = Cloud(tmp_path / "state")
    try:
        yield made
    finally:
        made.remove()


@pytest.mark.timeout(600)
def test_kill_any_process_at_any_moment(cloud: Cloud) -> None:
    cloud.start()
    network = cloud.create("network", name="killed")
    cloud.call("PUT", f"quotas/{network['project_id']}", {"quota": {"port": -1}})
    cloud.create("subnet", network_id=network["id"], ip_version=4, cidr="10.0.0.0/16")
    chance = random.Random(SEED)
    loads = [Load(cloud, network["id"], seed) for seed in range(3)]
    for load in loads:
        load.start()
    killed: dict[str, int] = {}
    try:
        for number in range(1, KILLS + 1):
            for load in loads:
                load.running.set()
            time.sleep(chance.uniform(0.02, 0.25))
            assert cloud.process is not None
            if number % EVERY == 0:
                cloud.kill()
                killed["up"] = killed.get("up", 0) + 1
                for load in loads:
                    load.pause()
                cloud.start()
                check_whole(cloud, loads)
                cloud.await_no_drift(10)
                continue
            pid, line = chance.choice(sorted(cloud.children().items()))
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            name = next((w for w in ("serve", "converge") if f" {w} " in line), line.split()[0])
            killed[name] = killed.get(name, 0) + 1
    finally:
        for load in loads:
            load.ended = True
            load.running.set()
    for load in loads:
        load.join(30)
    check_whole(cloud, loads)
    cloud.await_no_drift(10)
    print(f"\nkilled {killed}; {sum(load.answered for load in loads)} writes answered")
    assert sum(load.answered for load in loads) > KILLS
