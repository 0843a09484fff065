# SPDX-License-Identifier: Apache-2.0
"""Availability zones: names under which hosts are grouped, for networks and for routers.

They are the zones of the agents, and the configured default ones even before a host is there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from deuteron.declare.attribute import read_only
from deuteron.declare.resource import Resource, Row
from deuteron.declare.types import Enum, String

if TYPE_CHECKING:
    from deuteron.store.transaction import Transaction


def zones(tx: Transaction) -> dict[str, bool]:
    """The names of all zones, and whether a host of the zone (or no host yet) is usable."""
    found: dict[str, list[bool]] = {name: [] for name in tx.settings.default_availability_zones}
    for agent in tx.find("agent"):
        for name in (agent["availability_zone"] or "").split(", "):
            if name:
                found.setdefault(name, []).append(agent["alive"] and agent["admin_state_up"])
    return {name: any(usable) or not usable for name, usable in found.items()}


def _list(tx: Transaction) -> list[Row]:
    return [
        {
            "name": name,
            "resource": resource,
            "state": "available" if usable else "unavailable",
        }
        for name, usable in zones(tx).items()
        for resource in ("network", "router")
    ]


AVAILABILITY_ZONE = Resource(
    name="availability_zone",
    collection="availability_zones",
    path="availability_zones",
    doc="A group of hosts.",
    alias="availability_zone",
    owned=False,
    named=False,
    standard=False,
    taggable=False,
    stored=False,
    verbs=frozenset({"list"}),
    attributes=(
        read_only("name", String(255), "The zone.", sort=False),
        read_only("resource", Enum("network", "router"), "What it is for.", sort=False),
        read_only("state", Enum("available", "unavailable"), "Whether it can serve.", sort=False),
    ),
    handlers={"list": _list},
)
