# SPDX-License-Identifier: Apache-2.0
"""64 creators in two processes fill a /24: every address once, none lost, no error but 409."""

from __future__ import annotations

import ipaddress
import json
import multiprocessing
import threading
from collections import Counter
from typing import Any

from deuteron.api.server import make_app
from deuteron.settings import Settings
from deuteron.store.database import Database
from tests.api.conftest import REGISTRY, SCHEMA, Api, database, database_url

PROCESSES = 2
THREADS = 32
CIDR = "10.0.0.0/24"

__all__ = ["database", "database_url"]


def create_until_full(url: str, network_id: str, barrier: Any, results: Any) -> None:
    """One process: threads create ports until one is refused; puts every status in `results`."""
    app = make_app(Settings(database=url), registry=REGISTRY)
    api = Api(app)
    statuses: list[int] = []

    def run() -> None:
        status = 201
        while status == 201:
            answer = api.call("POST", "/v2.0/ports", {"port": {"network_id": network_id}})
            status = answer.status
            statuses.append(status)

    threads = [threading.Thread(target=run) for _ in range(THREADS)]
    barrier.wait(60)
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    results.put(statuses)
    app.close()


def fill(url: str, network_id: str) -> Counter[int]:
    """How often each status was answered."""
    context = multiprocessing.get_context("spawn")
    results, barrier = context.Queue(), context.Barrier(PROCESSES)
    arguments = (url, network_id, barrier, results)
    processes = [
        context.Process(target=create_until_full, args=arguments) for _ in range(PROCESSES)
    ]
    for process in processes:
        process.start()
    try:
        statuses: Counter[int] = Counter()
        for _ in processes:
            statuses.update(results.get(timeout=200))
    finally:
        for process in processes:
            process.join(20)
            process.kill()
    return statuses


def test_full_subnet(database: Database, database_url: str) -> None:
    app = make_app(Settings(database=database_url), registry=REGISTRY)
    api = Api(app)
    network = api.create("network")["id"]
    subnet = api.create("subnet", network_id=network, ip_version=4, cidr=CIDR)
    statuses = fill(database_url, network)
    hosts = {str(ip) for ip in ipaddress.ip_network(CIDR).hosts()} - {subnet["gateway_ip"]}
    assert statuses == {201: len(hosts), 409: PROCESSES * THREADS}
    ports = api.get("ports")["ports"]
    app.close()
    assert Counter(ip["ip_address"] for p in ports for ip in p["fixed_ips"]) == Counter(hosts)
    assert len({p["mac_address"] for p in ports}) == len(hosts)
    with database.read() as connection:
        held = connection.execute(SCHEMA.ip_allocations.select()).all()
        stored = connection.execute(SCHEMA.tables["port"].select()).all()
    answered = {(ip["ip_address"], p["id"]) for p in ports for ip in p["fixed_ips"]}
    assert {(h.ip_address, h.port_id) for h in held} == answered
    assert {(json.loads(s.fixed_ips)[0]["ip_address"], s.id) for s in stored} == answered
