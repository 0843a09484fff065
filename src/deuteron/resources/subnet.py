# SPDX-License-Identifier: Apache-2.0
"""Subnets: a network's blocks of addresses, and what DHCP tells about them.

Invariant: the blocks of a network never overlap: whoever adds one holds the network's row from
before it reads the others until it commits.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from deuteron.declare.attribute import UNSET, Attribute, Stored, Who
from deuteron.declare.resource import Change, Resource, Row, rule
from deuteron.declare.types import (
    Boolean,
    Cidr,
    Enum,
    Invalid,
    IpAddress,
    List,
    NotConverted,
    Nullable,
    Object,
    Type,
    Uuid,
)
from deuteron.domain import prefixes, subnet_addresses, subnet_pools, subnet_rules
from deuteron.domain.addresses import network_of
from deuteron.errors import Conflict, NotFound, invalid
from deuteron.resources.subnetpool import Length
from deuteron.store.transaction import mapping

if TYPE_CHECKING:
    from deuteron.store.transaction import Transaction

_MODES: Final = Nullable(Enum("dhcpv6-stateful", "dhcpv6-stateless", "slaac"))
_LEAST_MTU: Final = {4: 68, 6: 1280}
# What an update may break a rule with.
_CHECKED: Final = (
    "allocation_pools",
    "dns_nameservers",
    "enable_dhcp",
    "gateway_ip",
    "host_routes",
)


class Block(Cidr):
    """A subnet's CIDR: host bits are cut off, and an address alone is a block of one."""

    def convert(self, value: Any) -> str:
        try:
            text = f"{value}/{128 if ':' in value else 32}" if "/" not in value else value
            return super().convert(text)
        except (Invalid, TypeError):
            raise NotConverted(f"{value} is not in a CIDR format") from None


class Pools(List):
    """Allocation pools: ranges of addresses, both ends included."""

    def __init__(self) -> None:
        ends: dict[str, Type] = {"start": IpAddress(), "end": IpAddress()}
        super().__init__(Object(ends, required=("start", "end")))

    def convert(self, value: Any) -> list[Any]:
        if value is not None and not (
            isinstance(value, list) and all(isinstance(item, dict) for item in value)
        ):
            raise NotConverted("Invalid data format for allocation pools")
        return super().convert(value)


class PoolId(Uuid):
    """A subnet pool's id, or the word for a prefix that a provider's router delegates."""

    def convert(self, value: Any) -> str:
        if value == subnet_rules.PREFIX_DELEGATION:
            return subnet_rules.PREFIX_DELEGATION
        return super().convert(value)


def _validate(tx: Transaction, rows: list[Row]) -> None:
    for row in rows:
        subnet_rules.check_request(row, tx.settings)


def _create(tx: Transaction, rows: list[Row]) -> None:
    """Find each row its block, its gateway and its allocation pools."""
    network_ids = sorted({row["network_id"] for row in rows})
    tx.bump("network", network_ids)  # counts the change, and holds the rows
    networks = mapping(tx.find("network", id=network_ids))
    for row in rows:
        if row["network_id"] not in networks:
            raise NotFound("NetworkNotFound", f"Network {row['network_id']} could not be found.")
        _check_mtu(networks[row["network_id"]], row)
    siblings: dict[str, list[Row]] = defaultdict(list)
    for subnet in tx.find("subnet", network_id=network_ids):
        siblings[subnet["network_id"]].append(subnet)
    subnet_pools.name_defaults(tx, rows)
    others = [subnet for found in siblings.values() for subnet in found]
    pools = subnet_pools.locked_pools(tx, rows, others)
    blocks = subnet_pools.blocks_of(tx, {r["subnetpool_id"] for r in rows if r["subnetpool_id"]})
    for row in rows:
        if row["subnetpool_id"]:
            _allocate(row, pools[row["subnetpool_id"]], blocks)
        else:
            row["subnetpool_id"] = None
        _complete(row)
        _check_overlap(row, siblings[row["network_id"]])
        subnet_pools.check_affinity(row, siblings[row["network_id"]], pools)
        siblings[row["network_id"]].append(row)


def _allocate(row: Row, pool: Row, blocks: subnet_pools.Blocks) -> None:
    """A block of the pool. Only if nobody named it, an IPv6 one's gateway is not the anycast."""
    named = isinstance(row["cidr"], str)
    if named and row["gateway_ip"] is UNSET:
        row["gateway_ip"] = subnet_rules.default_gateway(network_of(row["cidr"]))
    subnet_pools.allocate(row, pool, blocks[pool["id"]])
    network = network_of(row["cidr"])
    subnet_rules.check_interface_ids(row, network)
    if row["gateway_ip"] is UNSET:
        row["gateway_ip"] = subnet_rules.default_gateway(network, anycast=False)
    elif row["gateway_ip"] and not named:
        subnet_rules.check_gateway(network, row["gateway_ip"])


def _complete(row: Row) -> None:
    """The gateway and the allocation pools of a row that has its block."""
    network = network_of(row["cidr"])
    if row["gateway_ip"] is UNSET:
        row["gateway_ip"] = subnet_rules.default_gateway(network)
    if row["allocation_pools"] in (UNSET, []):
        row["allocation_pools"] = subnet_rules.default_pools(network, row["gateway_ip"])
    else:
        subnet_rules.check_pools(row["allocation_pools"], network, row["gateway_ip"])


def _check_mtu(network: Row, row: Row) -> None:
    """Raises 409 if packets that the IP version must carry do not fit the network."""
    mtu, least = network.get("mtu"), _LEAST_MTU[row["ip_version"]]
    if mtu and mtu < least:
        raise Conflict(
            "NetworkMTUSubnetConflict",
            f"MTU of {network['id']} is not valid, subnet requires a minimum of {least}",
        )


def _check_overlap(row: Row, siblings: list[Row]) -> None:
    network = network_of(row["cidr"])
    if network.prefixlen == 0:
        raise invalid("0 is not allowed as CIDR prefix length")
    same = [s["cidr"] for s in siblings if s["ip_version"] == row["ip_version"]]
    if same and prefixes.overlap(same, [row["cidr"]]):
        raise invalid(
            f"Requested subnet with cidr: {row['cidr']} for network: {row['network_id']} "
            "overlaps with another subnet"
        )


def _created(tx: Transaction, rows: list[Row]) -> None:
    subnet_addresses.give_to_ports(tx, rows)


def _update(tx: Transaction, change: Change) -> None:
    old, new = change.old, change.new
    subnet_rules.check(new, old, tx.settings)
    if change.changed("gateway_ip"):
        subnet_addresses.check_gateway_free(tx, old)
    if "allocation_pools" in change.given:
        subnet_rules.check_pools(
            new["allocation_pools"], network_of(old["cidr"]), new["gateway_ip"]
        )
    elif change.changed("gateway_ip"):
        subnet_rules.check_gateway_outside(new["allocation_pools"], new["gateway_ip"])


def _updated(tx: Transaction, change: Change) -> None:
    if any(change.changed(name) for name in change.given):
        tx.bump("network", [change.old["network_id"]])
    if change.changed("enable_dhcp"):
        subnet_addresses.mark_ports_dirty(tx, change.old["id"])


def _delete(tx: Transaction, row: Row) -> None:
    subnet_addresses.take_from_ports(tx, row)


def _deleted(tx: Transaction, row: Row) -> None:
    tx.bump("network", [row["network_id"]])


def shared_by_network(table: Any, context: Any, actions: tuple[str, ...]) -> Any:
    """SQL: whether RBAC lets the caller's project do one of the actions with the network."""
    rbac = context.tables["rbac_policy"]
    return sa.exists().where(
        rbac.c.object_type == "network",
        rbac.c.object_id == table.c.network_id,
        rbac.c.action.in_(actions),
        rbac.c.target_tenant.in_(("*", context.project)),
    )


def _visible(table: Any, context: Any) -> Any:
    """Own subnets, and those of networks that the caller's project may use or route to."""
    shared = shared_by_network(table, context, ("access_as_shared", "access_as_external"))
    return (table.c.project_id == context.project) | shared


def _is_shared(table: Any, context: Any, values: list[str]) -> Any:
    shared = shared_by_network(table, context, ("access_as_shared",))
    wanted = {Boolean().convert(value) for value in values}
    return sa.or_(*(shared if value else sa.not_(shared) for value in sorted(wanted)))


SUBNET = Resource(
    name="subnet",
    collection="subnets",
    doc="A block of addresses of a network.",
    taggable=True,
    quota=100,
    engine=True,
    create_who=Who.NETWORK_OWNER,
    visible=_visible,
    attributes=(
        Attribute(
            name="network_id",
            type=Uuid(),
            put=False,
            index=True,
            references="network",
            doc="Its network.",
        ),
        Attribute(name="ip_version", type=Enum(4, 6), put=False, doc="4 or 6."),
        Attribute(
            name="subnetpool_id",
            type=Nullable(PoolId()),
            default=None,
            put=False,
            index=True,
            references="subnetpool",
            doc="The pool that its block comes from.",
        ),
        Attribute(
            name="prefixlen",
            type=Length(),
            default=UNSET,
            put=False,
            visible=False,
            filter=False,
            sort=False,
            stored=Stored.COMPUTED,
            doc="The prefix length of the block that is wanted from a pool.",
        ),
        Attribute(name="cidr", type=Block(), default=UNSET, put=False, doc="The block."),
        Attribute(
            name="gateway_ip",
            type=Nullable(IpAddress()),
            default=UNSET,
            doc="The router's address; null for none.",
        ),
        Attribute(name="enable_dhcp", type=Boolean(), default=True, doc="Whether DHCP answers."),
        Attribute(
            name="allocation_pools",
            type=Pools(),
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
                    {"destination": Cidr(strict=True), "nexthop": IpAddress()},
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
            type=_MODES,
            default=None,
            put=False,
            doc="What router advertisements say.",
        ),
        Attribute(
            name="ipv6_address_mode",
            type=_MODES,
            default=None,
            put=False,
            doc="How hosts get their address.",
        ),
        Attribute(
            name="shared",
            type=Boolean(),
            default=False,
            post=False,
            put=False,
            visible=False,
            sort=False,
            stored=Stored.COMPUTED,
            filter_sql=_is_shared,
            doc="Whether its network is shared with the caller's project.",
        ),
    ),
    rules=(
        rule("validate", _validate),
        rule("create", _create),
        rule("created", _created),
        rule("update", _update, *_CHECKED),
        rule("updated", _updated),
        rule("delete", _delete),
        rule("deleted", _deleted),
    ),
)
