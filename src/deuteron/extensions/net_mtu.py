# SPDX-License-Identifier: Apache-2.0
"""`mtu` of networks: the largest packet, computed from the segments or chosen smaller.

Invariant: a network's MTU is never more than each of its segments carried when it was set.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from deuteron.declare.attribute import Attribute
from deuteron.declare.resource import Change, Extension, Row, rule
from deuteron.declare.types import Integer
from deuteron.domain.mtu import check_subnets, network_mtu
from deuteron.resources.network import mark_dependents_dirty
from deuteron.resources.segment import NETWORK_TYPE, PHYSICAL_NETWORK

if TYPE_CHECKING:
    from deuteron.store.transaction import Transaction


def _create(tx: Transaction, rows: list[Row]) -> None:
    for row in rows:
        segments = [
            {"network_type": s[NETWORK_TYPE], "physical_network": s[PHYSICAL_NETWORK]}
            for s in row["segments"]
        ]
        row["mtu"] = network_mtu(tx.settings, segments, row["mtu"])


def _update(tx: Transaction, change: Change) -> None:
    network_id, wanted = change.old["id"], change.new["mtu"]
    subnets = tx.schema.tables["subnet"]
    versions = sa.select(subnets.c.ip_version).where(subnets.c.network_id == network_id).distinct()
    if wanted:
        check_subnets(network_id, wanted, tx.connection.execute(versions).scalars())
    segments = tx.find("segment", network_id=network_id)
    change.new["mtu"] = network_mtu(tx.settings, segments, wanted)
    if change.changed("mtu"):
        mark_dependents_dirty(tx, network_id)


NET_MTU = Extension(
    alias="net-mtu",
    name="Network MTU",
    description="Networks tell the largest packet that they pass.",
    updated="2015-03-25T10:00:00-00:00",
)
NET_MTU_WRITABLE = Extension(
    alias="net-mtu-writable",
    name="Network MTU (writable)",
    description="A network's MTU can be chosen, up to what its segments carry.",
    updated="2017-07-12T00:00:00-00:00",
    attributes={
        "network": (
            Attribute(
                name="mtu",
                type=Integer(0),
                default=0,
                doc="The largest IP packet in bytes; 0 asks for the largest that can be.",
            ),
        )
    },
    rules={"network": (rule("create", _create), rule("update", _update, "mtu"))},
)
