# SPDX-License-Identifier: Apache-2.0
"""Addresses that ports get or lose because a subnet comes or goes.

Invariant: a port's `fixed_ips` and its rows in `ip_allocations` change together, as a new
revision of the port that the loop looks at. The number of statements does not depend on the
number of ports.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from deuteron.declare.resource import Row
from deuteron.domain.addresses import (
    CHOOSING_OWNERS,
    ROUTER_INTERFACE_OWNERS,
    eui64,
    forms_own_address,
)
from deuteron.domain.subnet_pools import lock
from deuteron.errors import Conflict
from deuteron.store.rows import encode_changes
from deuteron.store.transaction import now

if TYPE_CHECKING:
    from deuteron.store.transaction import Transaction

# Ports of the network's own services give way to the deletion of a subnet.
_GIVING_WAY: Final = frozenset(
    {"network:dhcp", "network:distributed", "network:floatingip_agent_gateway"}
)


def in_use(subnet_id: str) -> Conflict:
    return Conflict(
        "SubnetInUse",
        f"Unable to complete operation on subnet {subnet_id}: One or more ports have an IP "
        "allocation from this subnet.",
    )


def gateway_in_use(address: str, port_id: str) -> Conflict:
    return Conflict(
        "GatewayIpInUse",
        f"Current gateway ip {address} already in use by port {port_id}. Unable to update.",
    )


def give_to_ports(tx: Transaction, subnets: Sequence[Row]) -> None:
    """Add an address of each new subnet whose hosts form their own to the network's ports.

    Not to ports of routers, which choose their addresses, nor of owners that the subnet's
    service types leave out, nor of ports that are on another segment.
    """
    own = [s for s in subnets if forms_own_address(s)]
    if not own:
        return
    networks = {s["network_id"] for s in own}
    ports = _locked_ports(tx, tx.schema.tables["port"].c.network_id.in_(sorted(networks)))
    if not ports:
        return
    segments = _segments_of(tx, networks)
    claims, changed = [], []
    for port in ports:
        found = [
            {"subnet_id": s["id"], "ip_address": eui64(s["cidr"], port["mac_address"])}
            for s in own
            if s["network_id"] == port["network_id"] and _serves(s, port, segments)
        ]
        if found:
            port["fixed_ips"] = [*port["fixed_ips"], *found]
            changed.append(port)
            claims += [
                {**ip, "port_id": port["id"], "network_id": port["network_id"]} for ip in found
            ]
    if claims:
        tx.connection.execute(tx.schema.ip_allocations.insert(), claims)
        _rewrite(tx, changed)


def _segments_of(tx: Transaction, network_ids: Iterable[str]) -> dict[str, str | None]:
    """The segment of each subnet of these networks."""
    return {s["id"]: s.get("segment_id") for s in tx.find("subnet", network_id=sorted(network_ids))}


def _serves(subnet: Row, port: Row, segments: dict[str, str | None]) -> bool:
    owner, types = port["device_owner"], subnet.get("service_types")
    if owner in CHOOSING_OWNERS:
        return False
    if types and owner not in types and not (owner == "network:dhcp" and subnet["enable_dhcp"]):
        return False
    on = {segments.get(ip["subnet_id"]) for ip in port["fixed_ips"]} or {None}
    return subnet.get("segment_id") in on


def take_from_ports(tx: Transaction, subnet: Row) -> None:
    """Release every address of a subnet that is to be deleted. Raises 409 `SubnetInUse`.

    Addresses that hosts formed themselves go with the subnet, and those of the network's own
    services; any other keeps the subnet, and so does a router's interface.
    """
    held, ports = tx.schema.ip_allocations, tx.schema.tables["port"]
    owners = (
        sa.select(ports.c.device_owner)
        .join_from(held, ports, held.c.port_id == ports.c.id)
        .where(held.c.subnet_id == subnet["id"])
        .distinct()
    )
    found = set(tx.connection.execute(owners).scalars())
    if not found:
        return
    formed = forms_own_address(subnet)
    if found & ROUTER_INTERFACE_OWNERS or not (formed or found <= _GIVING_WAY):
        raise in_use(subnet["id"])
    holders = sa.select(held.c.port_id).where(held.c.subnet_id == subnet["id"])
    changed = _locked_ports(tx, ports.c.id.in_(holders))
    for port in changed:
        port["fixed_ips"] = [ip for ip in port["fixed_ips"] if ip["subnet_id"] != subnet["id"]]
    tx.connection.execute(held.delete().where(held.c.subnet_id == subnet["id"]))
    _rewrite(tx, changed)


def _locked_ports(tx: Transaction, condition: sa.ColumnElement[bool]) -> list[Row]:
    """Whole rows of ports, kept from changing until the transaction ends."""
    table = tx.schema.tables["port"]
    ids = list(tx.connection.execute(sa.select(table.c.id).where(condition)).scalars())
    if not ids:
        return []
    lock(tx, "port", ids)
    return tx.find("port", id=ids)


def _rewrite(tx: Transaction, ports: Sequence[Row]) -> None:
    """Write the `fixed_ips` of locked ports, each as its next revision."""
    table, assembled = tx.schema.tables["port"], tx.registry["port"]
    moment = now()
    statement = (
        table.update()
        .where(table.c.id == sa.bindparam("of"))
        .values(
            fixed_ips=sa.bindparam("ips"),
            revision_number=table.c.revision_number + 1,
            updated_at=moment,
        )
    )
    parameters = [
        {"of": port["id"], "ips": encode_changes(assembled, port, ["fixed_ips"])["fixed_ips"]}
        for port in ports
    ]
    tx.connection.execute(statement, parameters)
    tx.mark_dirty("port", [port["id"] for port in ports])


def check_gateway_free(tx: Transaction, subnet: Row) -> None:
    """Raises 409 if a router's interface has the subnet's present gateway address."""
    if not subnet["gateway_ip"]:
        return
    held, ports = tx.schema.ip_allocations, tx.schema.tables["port"]
    holder = tx.connection.execute(
        sa.select(held.c.port_id)
        .join_from(held, ports, held.c.port_id == ports.c.id)
        .where(
            held.c.subnet_id == subnet["id"],
            held.c.ip_address == subnet["gateway_ip"],
            ports.c.device_owner.in_(sorted(ROUTER_INTERFACE_OWNERS)),
        )
    ).scalar()
    if holder is not None:
        raise gateway_in_use(subnet["gateway_ip"], holder)


def mark_ports_dirty(tx: Transaction, subnet_id: str) -> None:
    """Have the loop look at every port with an address of the subnet; one statement."""
    held, dirty = tx.schema.ip_allocations, tx.schema.dirty
    found = sa.select(sa.literal("port"), held.c.port_id).where(held.c.subnet_id == subnet_id)
    tx.connection.execute(dirty.insert().from_select(["kind", "id"], found.distinct()))
