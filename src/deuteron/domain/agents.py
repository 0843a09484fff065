# SPDX-License-Identifier: Apache-2.0
"""Agents: what the engine's chassis look like through the agents API.

Invariant: a chassis is one agent, with an id that depends on nothing but its name. What an
operator sets (description, admin_state_up) is never overwritten by what the engine sees.
Names and values are those of upstream's ML2/OVN.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from deuteron.declare.resource import Row

if TYPE_CHECKING:
    from deuteron.engine.model import Chassis
    from deuteron.store.transaction import Transaction

CONTROLLER: Final = "OVN Controller agent"
GATEWAY: Final = "OVN Controller Gateway agent"
_NAMES: Final = uuid.UUID("6b8c4f0e-6f0c-5d3a-9a41-2f6d7e1c9b52")


def agent_id(chassis: str) -> str:
    """The chassis' name where it is a UUID, as upstream has it, else one made from it."""
    try:
        return str(uuid.UUID(chassis))
    except ValueError:
        return str(uuid.uuid5(_NAMES, chassis))


def record(tx: Transaction, chassis: Iterable[Chassis], now: float) -> None:
    """Make the agents equal what the engine sees; `now` in seconds since the epoch.

    `chassis` are all there are: an agent whose chassis is gone is shown dead until it is deleted.
    One statement reads, one inserts, and one for each agent that changed.
    """
    known = {row["id"]: row for row in tx.find("agent")}
    seen = {agent_id(c.id): _seen(c) for c in chassis}
    for id_ in known.keys() - seen.keys():
        seen[id_] = {"alive": False}
    stamp = _stamp(now)
    added = [
        {
            **row,
            "id": id_,
            "created_at": stamp,
            "started_at": stamp,
            "admin_state_up": True,
            "description": None,
            "resources_synced": None,
        }
        for id_, row in sorted(seen.items())
        if id_ not in known
    ]
    if added:
        tx.insert("agent", added)
    for id_, row in seen.items():
        old = known.get(id_)
        if old is not None and any(old[name] != value for name, value in row.items()):
            tx.update("agent", old, {**old, **row})


def _seen(chassis: Chassis) -> Row:
    return {
        "agent_type": GATEWAY if chassis.gateway else CONTROLLER,
        "binary": "ovn-controller",
        "topic": "n/a",
        "host": chassis.host,
        "heartbeat_timestamp": _stamp(chassis.seen_at),
        "availability_zone": ", ".join(chassis.availability_zones),
        "configurations": {
            "chassis_name": chassis.id,
            "bridge-mappings": ",".join(chassis.bridge_mappings),
        },
        "alive": chassis.alive,
    }


def _stamp(seconds: float) -> str:
    """UTC as agents show it: without a zone, unlike the standard attributes."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")
