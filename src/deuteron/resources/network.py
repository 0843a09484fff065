# SPDX-License-Identifier: Apache-2.0
"""Networks: isolated Ethernet segments of a project."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deuteron.declare.attribute import Attribute, Stored, Who, read_only
from deuteron.declare.resource import Change, Resource, Row, rule
from deuteron.declare.types import Boolean, List, String, Uuid
from deuteron.errors import Conflict

if TYPE_CHECKING:
    from deuteron.store.transaction import Transaction


def in_use(id_: str) -> Conflict:
    return Conflict(
        "NetworkInUse",
        f"Unable to complete operation on network {id_}. There are one or more ports still in use "
        "on the network.",
    )


def _create(tx: Transaction, rows: list[Row]) -> None:
    del tx
    for row in rows:
        row["status"] = "ACTIVE"


def _update(tx: Transaction, change: Change) -> None:
    """What ports are told about their network changes with it."""
    if change.changed("admin_state_up") or change.changed("name"):
        mark_ports_dirty(tx, change.old["id"])


def mark_ports_dirty(tx: Transaction, network_id: str) -> None:
    """Have the loop look at every port of the network; one statement."""
    ports, dirty = tx.schema.tables["port"], tx.schema.dirty
    import sqlalchemy as sa

    found = sa.select(sa.literal("port"), ports.c.id).where(ports.c.network_id == network_id)
    tx.connection.execute(dirty.insert().from_select(["kind", "id"], found))


def _delete(tx: Transaction, row: Row) -> None:
    if tx.find("port", network_id=row["id"]):
        raise in_use(row["id"])
    tx.service.delete_in(tx, "subnet", tx.find("subnet", network_id=row["id"]))


def _expand_subnets(tx: Transaction, rows: list[Row], wanted: list[str]) -> None:
    del wanted
    by_id: dict[str, list[str]] = {row["id"]: [] for row in rows}
    for subnet in tx.find("subnet", network_id=list(by_id)):
        by_id[subnet["network_id"]].append(subnet["id"])
    for row in rows:
        row["subnets"] = by_id[row["id"]]


NETWORK = Resource(
    name="network",
    collection="networks",
    doc="An isolated Ethernet segment.",
    taggable=True,
    rbac="network",
    quota=100,
    engine=True,
    first_revision=1,
    attributes=(
        Attribute(
            name="admin_state_up",
            type=Boolean(),
            default=True,
            doc="Whether the network passes packets.",
        ),
        read_only("status", String(16), "ACTIVE when it passes packets."),
        read_only(
            "subnets",
            List(Uuid()),
            "The ids of its subnets.",
            stored=Stored.COMPUTED,
            filter=False,
            sort=False,
        ),
        Attribute(
            name="shared",
            type=Boolean(),
            default=False,
            write=Who.ADMIN,
            stored=Stored.COMPUTED,
            sql=lambda table, context: context.shared("network", table),
            sort=False,
            doc="Whether every project may use it.",
        ),
    ),
    rules=(
        rule("create", _create),
        rule("update", _update),
        rule("delete", _delete),
        rule("expand", _expand_subnets, "subnets"),
    ),
)
