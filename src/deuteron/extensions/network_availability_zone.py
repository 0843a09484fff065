# SPDX-License-Identifier: Apache-2.0
"""`availability_zone_hints` of networks: where its agents are to be found.

Invariant: a stored hint named a zone that was known when the network was created.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from deuteron.declare.attribute import Attribute
from deuteron.declare.resource import Extension, Row, rule
from deuteron.declare.types import List, String
from deuteron.errors import NotFound, invalid

if TYPE_CHECKING:
    from deuteron.store.transaction import Transaction

# Upstream stores the hints as one JSON text of this length.
_MOST_TEXT = 255


def known_zones(tx: Transaction) -> set[str]:
    """The zones of the settings and those that agents tell."""
    zones = set(tx.settings.default_availability_zones)
    agents = tx.schema.tables.get("agent")
    if agents is not None:
        statement = sa.select(agents.c.availability_zone).distinct()
        zones |= {zone for zone in tx.connection.execute(statement).scalars() if zone}
    return zones


def check_hints(tx: Transaction, hints: list[str]) -> None:
    """Raises 404 `AvailabilityZoneNotFound` for an unknown zone."""
    if sum(len(hint) + 4 for hint in hints) > _MOST_TEXT:
        raise invalid("Too many availability_zone_hints specified")
    for zone in hints:
        if zone not in known_zones(tx):
            raise NotFound(
                "AvailabilityZoneNotFound", f"AvailabilityZone {zone} could not be found."
            )


def _create(tx: Transaction, rows: list[Row]) -> None:
    for row in rows:
        check_hints(tx, row["availability_zone_hints"])


NETWORK_AVAILABILITY_ZONE = Extension(
    alias="network_availability_zone",
    name="Network Availability Zone",
    description="Networks name the zones where they are to be served.",
    updated="2015-01-01T10:00:00-00:00",
    attributes={
        "network": (
            Attribute(
                name="availability_zone_hints",
                type=List(String(255), unique=True, null_as_empty=False),
                default=[],
                put=False,
                filter=False,
                doc="Zones that are to serve the network.",
            ),
        )
    },
    rules={"network": (rule("create", _create, "availability_zone_hints"),)},
)
