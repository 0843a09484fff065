# SPDX-License-Identifier: Apache-2.0
"""Ports: where a device meets a network, with its MAC and addresses."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from deuteron.declare.attribute import UNSET, Attribute, Who, read_only
from deuteron.declare.resource import Resource, Row, rule
from deuteron.declare.types import Boolean, IpAddress, List, Mac, Object, String, Uuid
from deuteron.domain import ipam
from deuteron.domain.macs import random_mac
from deuteron.errors import NotFound
from deuteron.store.transaction import mapping

if TYPE_CHECKING:
    from deuteron.store.transaction import Transaction


def _create(tx: Transaction, rows: list[Row]) -> None:
    networks = mapping(tx.find("network", id=sorted({row["network_id"] for row in rows})))
    for row in rows:
        if row["network_id"] not in networks:
            raise NotFound("NetworkNotFound", f"Network {row['network_id']} could not be found.")
        row["status"] = "DOWN"
        if row["mac_address"] is UNSET:
            row["mac_address"] = random_mac(tx.settings.base_mac)
    _allocate(tx, rows)


def _allocate(tx: Transaction, rows: list[Row]) -> None:
    """Give each row that did not choose an address of each IP version its network has."""
    subnets: dict[str, list[Row]] = defaultdict(list)
    for subnet in tx.find("subnet", network_id=sorted({r["network_id"] for r in rows})):
        subnets[subnet["network_id"]].append(subnet)
    for network_id, own in subnets.items():
        waiting = [r for r in rows if r["network_id"] == network_id and r["fixed_ips"] is UNSET]
        for row in waiting:
            row["fixed_ips"] = []
        for version in (4, 6):
            _allocate_any(tx, waiting, [s for s in own if s["ip_version"] == version])
    for row in rows:
        if row["fixed_ips"] is UNSET:
            row["fixed_ips"] = []


def _allocate_any(tx: Transaction, rows: list[Row], subnets: list[Row]) -> None:
    waiting = list(rows)
    for subnet in subnets:
        found = ipam.choose(tx, subnet, len(waiting), set())
        for row, address in zip(waiting, found, strict=False):
            row["fixed_ips"].append({"subnet_id": subnet["id"], "ip_address": address})
        waiting = waiting[len(found) :]
    if subnets and waiting:
        raise ipam.exhausted(waiting[0]["network_id"])


def claims(row: Row) -> list[dict[str, Any]]:
    """The addresses of a port as rows of `ip_allocations`."""
    return [
        {**ip, "port_id": row["id"], "network_id": row["network_id"]} for ip in row["fixed_ips"]
    ]


def _created(tx: Transaction, rows: list[Row]) -> None:
    ipam.claim(tx, [c for row in rows for c in claims(row)])


def _deleted(tx: Transaction, row: Row) -> None:
    ipam.release(tx, [row["id"]])


PORT = Resource(
    name="port",
    collection="ports",
    doc="Where a device meets a network.",
    taggable=True,
    quota=500,
    engine=True,
    first_revision=1,
    unique=(("network_id", "mac_address"),),
    attributes=(
        Attribute(name="network_id", type=Uuid(), put=False, doc="Its network."),
        Attribute(
            name="admin_state_up", type=Boolean(), default=True, doc="Whether it passes packets."
        ),
        Attribute(
            name="mac_address",
            type=Mac(),
            default=UNSET,
            write=Who.NETWORK_OWNER,
            doc="Its Ethernet address.",
        ),
        Attribute(
            name="fixed_ips",
            type=List(Object({"subnet_id": Uuid(), "ip_address": IpAddress()})),
            default=UNSET,
            filter=False,
            sort=False,
            doc="Its addresses.",
        ),
        Attribute(
            name="device_id", type=String(255), default="", index=True, doc="What is plugged in."
        ),
        Attribute(
            name="device_owner", type=String(255), default="", index=True, doc="Who plugged it."
        ),
        read_only("status", String(16), "ACTIVE when its device is plugged."),
    ),
    rules=(rule("create", _create), rule("created", _created), rule("deleted", _deleted)),
)
