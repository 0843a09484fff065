# SPDX-License-Identifier: Apache-2.0
"""Subnets: a network's blocks of addresses, and what DHCP tells about them."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

from deuteron.declare.attribute import UNSET, Attribute
from deuteron.declare.resource import Resource, Row, rule
from deuteron.declare.types import Boolean, Cidr, Enum, IpAddress, List, Nullable, Object, Uuid
from deuteron.errors import Conflict, NotFound

if TYPE_CHECKING:
    from deuteron.store.transaction import Transaction


def in_use(id_: str) -> Conflict:
    return Conflict(
        "SubnetInUse",
        f"Unable to complete operation on subnet {id_}: One or more ports have an IP allocation "
        "from this subnet.",
    )


def _create(tx: Transaction, rows: list[Row]) -> None:
    for row in rows:
        if tx.get("network", row["network_id"]) is None:
            raise NotFound("NetworkNotFound", f"Network {row['network_id']} could not be found.")
        network = ipaddress.ip_network(row["cidr"])
        if row["gateway_ip"] is UNSET:
            row["gateway_ip"] = str(network[1])
        if row["allocation_pools"] is UNSET:
            row["allocation_pools"] = default_pools(network, row["gateway_ip"])


def default_pools(network: Any, gateway: str | None) -> list[dict[str, str]]:
    """All host addresses of a network without its gateway, as one or two ranges."""
    first, last = int(network[0]) + 1, int(network[-1])
    if network.version == 4 and network.prefixlen < 31:
        last -= 1
    kind = type(network[0])
    own = int(ipaddress.ip_address(gateway)) if gateway else first - 1
    ranges = [(first, own - 1), (own + 1, last)] if first <= own <= last else [(first, last)]
    return [{"start": str(kind(a)), "end": str(kind(b))} for a, b in ranges if a <= b]


def _delete(tx: Transaction, row: Row) -> None:
    table = tx.schema.ip_allocations
    held = table.select().where(table.c.subnet_id == row["id"]).limit(1)
    if tx.connection.execute(held).first():
        raise in_use(row["id"])


SUBNET = Resource(
    name="subnet",
    collection="subnets",
    doc="A block of addresses of a network.",
    taggable=True,
    quota=100,
    engine=True,
    attributes=(
        Attribute(name="network_id", type=Uuid(), put=False, index=True, doc="Its network."),
        Attribute(name="ip_version", type=Enum(4, 6), put=False, doc="4 or 6."),
        Attribute(name="cidr", type=Cidr(), default=UNSET, put=False, doc="The block."),
        Attribute(
            name="gateway_ip",
            type=Nullable(IpAddress()),
            default=UNSET,
            doc="The router's address; null for none.",
        ),
        Attribute(name="enable_dhcp", type=Boolean(), default=True, doc="Whether DHCP answers."),
        Attribute(
            name="allocation_pools",
            type=List(
                Object({"start": IpAddress(), "end": IpAddress()}, required=("start", "end"))
            ),
            default=UNSET,
            filter=False,
            sort=False,
            doc="Ranges that addresses are chosen from.",
        ),
        Attribute(
            name="dns_nameservers",
            type=List(IpAddress(), unique=True),
            default=[],
            filter=False,
            sort=False,
            doc="Name servers that DHCP tells.",
        ),
        Attribute(
            name="host_routes",
            type=List(
                Object(
                    {"destination": Cidr(), "nexthop": IpAddress()},
                    required=("destination", "nexthop"),
                ),
                unique=True,
            ),
            default=[],
            filter=False,
            sort=False,
            doc="Routes that DHCP tells.",
        ),
        Attribute(
            name="ipv6_ra_mode",
            type=Nullable(Enum("dhcpv6-stateful", "dhcpv6-stateless", "slaac")),
            default=None,
            put=False,
            doc="What router advertisements say.",
        ),
        Attribute(
            name="ipv6_address_mode",
            type=Nullable(Enum("dhcpv6-stateful", "dhcpv6-stateless", "slaac")),
            default=None,
            put=False,
            doc="How hosts get their address.",
        ),
    ),
    rules=(rule("create", _create), rule("delete", _delete)),
)
