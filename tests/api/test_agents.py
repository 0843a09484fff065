# SPDX-License-Identifier: Apache-2.0
"""Agents and availability zones: what the engine's chassis look like."""

from __future__ import annotations

import dataclasses

import pytest

from deuteron.auth.noauth import DEFAULT_CALLER
from deuteron.domain import agents
from deuteron.engine.model import Chassis
from deuteron.service import Service
from deuteron.settings import Settings
from deuteron.store.database import Database
from tests.api.conftest import PROJECT_A, REGISTRY, SCHEMA, Api

ONE = Chassis(
    id="11111111-2222-3333-4444-555555555555",
    host="one",
    alive=True,
    seen_at=1_700_000_000.5,
    availability_zones=("nova", "east"),
    bridge_mappings=("public:br-ex",),
    gateway=True,
)
TWO = Chassis(id="two.example", host="two", alive=False, seen_at=1_700_000_060)


@pytest.fixture
def record(settings: Settings, api: Api):  # type: ignore[no-untyped-def]
    database = Database(settings.database)
    service = Service(REGISTRY, SCHEMA, database, settings)

    def run(*chassis: Chassis) -> None:
        database.write(
            lambda c: agents.record(service.transaction(c, DEFAULT_CALLER), chassis, 1_700_000_100)
        )

    yield run
    database.close()


def test_chassis_are_agents(api: Api, record) -> None:  # type: ignore[no-untyped-def]
    record(ONE, TWO)
    assert api.get(f"agents/{ONE.id}")["agent"] == {
        "id": ONE.id,
        "agent_type": "OVN Controller Gateway agent",
        "binary": "ovn-controller",
        "topic": "n/a",
        "host": "one",
        "admin_state_up": True,
        "created_at": "2023-11-14 22:15:00",
        "started_at": "2023-11-14 22:15:00",
        "heartbeat_timestamp": "2023-11-14 22:13:20",
        "alive": True,
        "availability_zone": "nova, east",
        "configurations": {"chassis_name": ONE.id, "bridge-mappings": "public:br-ex"},
        "description": None,
        "resources_synced": None,
    }
    [two] = api.get("agents", "alive=false")["agents"]
    assert (two["host"], two["agent_type"]) == ("two", "OVN Controller agent")
    by_host = api.get("agents", "sort_key=host&sort_dir=desc&fields=host")["agents"]
    assert by_host == [{"host": "two"}, {"host": "one"}]
    assert api.refused("GET", "agents", query="configurations=x") == (400, "HTTPBadRequest")


def test_what_an_admin_sets_stays(api: Api, record) -> None:  # type: ignore[no-untyped-def]
    record(ONE)
    path = f"/v2.0/agents/{ONE.id}"
    given = {"admin_state_up": False, "description": "old"}
    assert api.call("PUT", path, {"agent": given}).status == 200
    record(dataclasses.replace(ONE, host="renamed", alive=False))
    found = api.get(f"agents/{ONE.id}")["agent"]
    assert {name: found[name] for name in given} == given
    assert (found["host"], found["alive"]) == ("renamed", False)
    assert api.refused("PUT", f"agents/{ONE.id}", {"agent": {"host": "x"}})[0] == 400


def test_agent_whose_chassis_is_gone(api: Api, record) -> None:  # type: ignore[no-untyped-def]
    record(ONE, TWO)
    record(TWO)
    assert api.get(f"agents/{ONE.id}")["agent"]["alive"] is False
    assert api.call("DELETE", f"/v2.0/agents/{ONE.id}").status == 204
    record(TWO)
    assert [a["host"] for a in api.get("agents")["agents"]] == ["two"]
    assert api.refused("GET", f"agents/{ONE.id}") == (404, "AgentNotFound")


def test_agents_are_for_admins(api: Api, record) -> None:  # type: ignore[no-untyped-def]
    record(ONE)
    member = api.as_project(PROJECT_A)
    assert member.get("agents") == {"agents": []}
    assert member.refused("GET", f"agents/{ONE.id}") == (404, "AgentNotFound")
    assert member.refused("DELETE", f"agents/{ONE.id}")[0] in (403, 404)
    assert api.refused("POST", "agents", {"agent": {}}) == (400, "BadRequest")
    assert api.refused("POST", "agents", {"agent": {"host": "x"}}) == (400, "HTTPBadRequest")


def test_availability_zones(api: Api, record) -> None:  # type: ignore[no-untyped-def]
    def zones(query: str = "") -> set[tuple[str, str, str]]:
        found = api.get("availability_zones", query)["availability_zones"]
        return {(z["name"], z["resource"], z["state"]) for z in found}

    nova = {("nova", "network", "available"), ("nova", "router", "available")}
    assert zones() == nova
    record(ONE)
    assert zones("name=nova") == nova
    assert zones("resource=router&name=east") == {("east", "router", "available")}
    record(dataclasses.replace(ONE, alive=False))
    assert {state for _, _, state in zones()} == {"unavailable"}
    assert api.as_project(PROJECT_A).get("availability_zones", "name=east")["availability_zones"]
    assert api.refused("GET", "availability_zones", query="bogus=1") == (400, "HTTPBadRequest")
