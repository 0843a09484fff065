# SPDX-License-Identifier: Apache-2.0
"""Networks: isolated Ethernet segments of a project.

Invariant: a network has its segments and, if shared or external, its RBAC policies from the
transaction that created it, and takes them, its subnets and its DHCP ports with it when it goes.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from deuteron.declare.attribute import Attribute, Stored, Who, read_only
from deuteron.declare.resource import Change, Resource, Row, rule
from deuteron.declare.types import Boolean, List, Nullable, String, Type, Uuid
from deuteron.domain import rbac
from deuteron.errors import Conflict
from deuteron.resources import segment
from deuteron.store.queries import among

if TYPE_CHECKING:
    from deuteron.store.queries import SqlContext
    from deuteron.store.transaction import Transaction

# Ports that go with their network instead of keeping it, by device owner (as upstream).
AUTO_DELETED: Final = (
    "network:dhcp",
    "network:distributed",
    "network:floatingip_agent_gateway",
)


def in_use(id_: str, ports: list[str]) -> Conflict:
    return Conflict(
        "NetworkInUse",
        f"Unable to complete operation on network {id_}. There are one or more ports still in use "
        f"on the network, id for these ports is: {','.join(ports)}.",
    )


def _create(tx: Transaction, rows: list[Row]) -> None:
    for row in rows:
        row["status"] = "ACTIVE"
    segment.choose_for_networks(tx, rows)


def _update(tx: Transaction, change: Change) -> None:
    """What ports are told about their network changes with it."""
    if any(change.changed(name) for name in ("admin_state_up", "name", "dns_domain")):
        mark_dependents_dirty(tx, change.old["id"])


def mark_dependents_dirty(tx: Transaction, network_id: str) -> None:
    """Have the loop look at every port and subnet of the network; one statement."""
    dirty = tx.schema.dirty
    found = sa.union_all(
        *(
            sa.select(sa.literal(kind).label("kind"), table.c.id).where(
                table.c.network_id == network_id
            )
            for kind, table in ((k, tx.schema.tables[k]) for k in ("subnet", "port"))
        )
    )
    tx.connection.execute(dirty.insert().from_select(["kind", "id"], found))


def _share(tx: Transaction, change: Change) -> None:
    rbac.share(tx, "network", change.old, change.new["shared"])


def _delete(tx: Transaction, row: Row) -> None:
    ports = tx.schema.tables["port"]
    found = tx.connection.execute(
        sa.select(ports.c.id, ports.c.device_owner)
        .where(ports.c.network_id == row["id"])
        .order_by(ports.c.id)
    ).all()
    kept = [id_ for id_, owner in found if owner not in AUTO_DELETED]
    if kept:
        raise in_use(row["id"], kept)
    tx.service.delete_in(tx, "port", tx.find("port", id=[id_ for id_, _ in found]))
    tx.service.delete_in(tx, "subnet", tx.find("subnet", network_id=row["id"]))
    segment.delete_of_network(tx, row["id"])
    rbac.withdraw(tx, "network", row["id"])


_FROM_SUBNETS: Final = (
    "subnets",
    "l2_adjacency",
    "availability_zones",
    "ipv4_address_scope",
    "ipv6_address_scope",
)


def _expand(tx: Transaction, rows: list[Row], wanted: list[str]) -> None:
    """What a network's subnets tell about it; one statement for the page."""
    subnets: dict[str, list[Any]] = defaultdict(list)
    for found in tx.connection.execute(_subnets_of([row["id"] for row in rows], tx)):
        subnets[found.network_id].append(found)
    names = [name for name in _FROM_SUBNETS if name in wanted]
    for row in rows:
        values = _of_subnets(tx, subnets[row["id"]])
        for name in names:
            row[name] = values[name]


def _subnets_of(networks: list[str], tx: Transaction) -> sa.Select[Any]:
    table, pools = tx.schema.tables["subnet"], tx.schema.tables["subnetpool"]
    return (
        sa.select(
            table.c.id,
            table.c.network_id,
            table.c.ip_version,
            table.c.enable_dhcp,
            table.c.segment_id,
            pools.c.address_scope_id,
        )
        .select_from(table.outerjoin(pools, pools.c.id == table.c.subnetpool_id))
        .where(among(table.c.network_id, networks))
        .order_by(table.c.id)
    )


def _of_subnets(tx: Transaction, subnets: list[Any]) -> Row:
    scopes = {s.ip_version: s.address_scope_id for s in subnets if s.address_scope_id}
    # Every zone's hosts answer DHCP themselves; upstream lists the zones of DHCP's agents.
    served = any(s.enable_dhcp for s in subnets)
    return {
        "subnets": [s.id for s in subnets],
        "l2_adjacency": not any(s.segment_id for s in subnets),
        "availability_zones": list(tx.settings.default_availability_zones) if served else [],
        "ipv4_address_scope": scopes.get(4),
        "ipv6_address_scope": scopes.get(6),
    }


def _visible(table: sa.Table, context: SqlContext) -> Any:
    """Own networks, and those that a policy shares or lets be used as external."""
    policies = context.tables["rbac_policy"]
    granted = sa.exists().where(
        policies.c.object_type == "network",
        policies.c.object_id == table.c.id,
        policies.c.target_tenant.in_((rbac.EVERYONE, context.project)),
    )
    return (table.c.project_id == context.project) | granted


def _computed(name: str, type_: Type, doc: str) -> Attribute:
    return read_only(name, type_, doc, stored=Stored.COMPUTED, filter=False, sort=False)


NETWORK = Resource(
    name="network",
    collection="networks",
    doc="An isolated Ethernet segment.",
    taggable=True,
    rbac="network",
    quota=100,
    engine=True,
    first_revision=1,
    visible=_visible,
    attributes=(
        Attribute(
            name="admin_state_up",
            type=Boolean(),
            default=True,
            doc="Whether the network passes packets.",
        ),
        read_only("status", String(16), "ACTIVE when it passes packets."),
        _computed("subnets", List(Uuid()), "The ids of its subnets."),
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
        _computed("l2_adjacency", Boolean(), "Whether all its ports share one broadcast domain."),
        _computed("availability_zones", List(String()), "Zones whose hosts answer its DHCP."),
        _computed("ipv4_address_scope", Nullable(Uuid()), "The scope of its IPv4 subnets' pool."),
        _computed("ipv6_address_scope", Nullable(Uuid()), "The scope of its IPv6 subnets' pool."),
    ),
    rules=(
        rule("create", _create),
        rule("created", segment.insert_for_networks),
        rule("created", rbac.share_created("network"), "shared"),
        rule("update", _update),
        rule("update", _share, "shared"),
        rule("delete", _delete),
        rule("expand", _expand, *_FROM_SUBNETS),
    ),
)
