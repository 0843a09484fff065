# SPDX-License-Identifier: Apache-2.0
"""How many addresses a network has and how many of them are in use, for admins.

Invariant: nothing is stored; every answer is counted from subnets and address claims in three
statements, whatever the number of networks.
"""

from __future__ import annotations

import ipaddress
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec
import sqlalchemy as sa

from deuteron.declare.attribute import Attribute, Who, read_only
from deuteron.declare.resource import Extension, Resource, Row
from deuteron.declare.types import Enum, Integer, Json, List, String, Uuid
from deuteron.errors import NotFound
from deuteron.store.queries import among

if TYPE_CHECKING:
    from deuteron.store.transaction import Transaction

_LARGEST_ENCODED: Final = 2**64


class Totals(Counter[str]):
    """Addresses by what they count: `total_ips`, `used_ips` and the four of the details."""

    def shown(self) -> Row:
        """The counts as the API writes them. Whole numbers may be too long for the encoder."""
        details = ("total_ips_in_subnet", "total_ips_in_allocation_pool")
        used = ("used_ips_in_subnet", "used_ips_in_allocation_pool")
        return {
            "used_ips": _number(self["used_ips_in_subnet"]),
            "total_ips": _number(self["total_ips"]),
            "ip_availability_details": {n: _number(self[n]) for n in (*details, *used)},
        }


def _number(value: int) -> Any:
    return value if value < _LARGEST_ENCODED else msgspec.Raw(str(value).encode())


def count(subnet: Row, addresses: Sequence[str]) -> Totals:
    """Counts one subnet; `addresses` are those in use."""
    network = ipaddress.ip_network(subnet["cidr"])
    pools = [
        (int(ipaddress.ip_address(p["start"])), int(ipaddress.ip_address(p["end"])))
        for p in subnet["allocation_pools"]
    ]
    in_pools = sum(high - low + 1 for low, high in pools)
    numbers = [int(ipaddress.ip_address(address)) for address in addresses]
    # Upstream leaves out the network's and the broadcast address, even of a /31 or /32.
    hosts = network.num_addresses - (2 if network.version == 4 else 0)
    return Totals(
        total_ips=in_pools if pools else network.num_addresses,
        total_ips_in_subnet=hosts,
        total_ips_in_allocation_pool=in_pools,
        used_ips_in_subnet=len(numbers),
        used_ips_in_allocation_pool=sum(
            any(low <= number <= high for low, high in pools) for number in numbers
        ),
    )


def _list(tx: Transaction) -> list[Row]:
    filters = tx.query.filters
    chosen = {n: filters.pop(n) for n in _COLUMNS if n in filters}
    if "ip_version" in filters:
        chosen["ip_version"] = filters.pop("ip_version")
    return _find(tx, chosen)


def _show(tx: Transaction, id_: str) -> Row:
    found = _find(tx, {"network_id": [id_]})
    if not found:
        raise NotFound("NetworkNotFound", f"Network {id_} could not be found.")
    return found[0]


_COLUMNS: Final = {
    "network_id": "id",
    "network_name": "name",
    "project_id": "project_id",
    "tenant_id": "project_id",
}


def _find(tx: Transaction, filters: Mapping[str, Sequence[str]]) -> list[Row]:
    """The networks that the filters leave, with those of their subnets that they leave."""
    if not tx.caller.is_admin:
        return []
    table = tx.schema.tables["network"]
    statement = sa.select(table.c.id, table.c.name, table.c.project_id).order_by(table.c.id)
    for name, values in filters.items():
        if name != "ip_version":
            statement = statement.where(table.c[_COLUMNS[name]].in_(values))
    networks = tx.connection.execute(statement).all()
    versions = filters.get("ip_version")
    subnets = _subnets(tx, [n.id for n in networks], versions)
    used = _used(tx, [s["id"] for found in subnets.values() for s in found])
    return [
        _row(network, subnets[network.id], used)
        for network in networks
        if versions is None or subnets[network.id]
    ]


def _subnets(
    tx: Transaction, networks: Sequence[str], versions: Sequence[str] | None
) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for subnet in tx.find("subnet", network_id=networks):
        if versions is None or str(subnet["ip_version"]) in versions:
            found[subnet["network_id"]].append(subnet)
    return found


def _used(tx: Transaction, subnets: Sequence[str]) -> dict[str, list[str]]:
    """The addresses in use by subnet."""
    table = tx.schema.ip_allocations
    columns = (table.c.subnet_id, table.c.ip_address)
    found: dict[str, list[str]] = defaultdict(list)
    statement = sa.select(*columns).where(among(table.c.subnet_id, subnets))
    for subnet_id, address in tx.connection.execute(statement):
        found[subnet_id].append(address)
    return found


def _row(network: Any, subnets: Sequence[Row], used: Mapping[str, list[str]]) -> Row:
    totals, shown = Totals(), []
    for subnet in subnets:
        counted = count(subnet, used.get(subnet["id"], []))
        totals.update(counted)
        shown.append(
            {
                "subnet_id": subnet["id"],
                "ip_version": subnet["ip_version"],
                "cidr": subnet["cidr"],
                "subnet_name": subnet["name"],
                **counted.shown(),
            }
        )
    return {
        # Lists are paged by it.
        "id": network.id,
        "network_id": network.id,
        "network_name": network.name,
        "project_id": network.project_id,
        "subnet_ip_availability": shown,
        **totals.shown(),
    }


def _shown(name: str, type_: Any, doc: str, **options: Any) -> Attribute:
    options = {"filter": False, "sort": False, **options}
    return read_only(name, type_, doc, **options)


AVAILABILITY = Resource(
    name="network_ip_availability",
    collection="network_ip_availabilities",
    doc="How many addresses of a network there are and are in use.",
    alias="network-ip-availability",
    named=False,
    standard=False,
    taggable=False,
    stored=False,
    verbs=frozenset({"list", "show"}),
    read_who=Who.ADMIN,
    handlers={"list": _list, "show": _show},
    attributes=(
        read_only("id", Uuid(), "The network.", visible=False, filter=False, sort=False),
        _shown("network_id", Uuid(), "The network.", filter=True, sort=True),
        _shown("network_name", String(255), "Its name.", filter=True),
        _shown("total_ips", Integer(0), "Addresses of all allocation pools."),
        _shown("used_ips", Integer(0), "Addresses in use."),
        _shown("subnet_ip_availability", List(Json()), "The same of each subnet."),
        _shown("ip_version", Enum(4, 6), "For filters.", visible=False, filter=True),
    ),
)

NETWORK_IP_AVAILABILITY = Extension(
    alias="network-ip-availability",
    name="Network IP Availability",
    description="Admins see how many addresses networks have left.",
    updated="2015-09-24T00:00:00-00:00",
    resources=(AVAILABILITY,),
)
NETWORK_IP_AVAILABILITY_DETAILS = Extension(
    alias="network-ip-availability-details",
    name="Network IP Availability Details Extension",
    description="The same, for whole subnets and for allocation pools.",
    updated="2025-10-31T00:00:00-00:00",
    attributes={
        "network_ip_availability": (
            _shown("ip_availability_details", Json(), "Counts in subnets and in their pools."),
        )
    },
)
