# SPDX-License-Identifier: Apache-2.0
"""Blocks of addresses from subnet pools, and which pools the subnets of a network may come from.

Invariant: the pools of a request are locked before their blocks are read, so that two creators
never get overlapping blocks, on any database; an error leaves nothing allocated.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import sqlalchemy as sa

from deuteron.declare.resource import Row
from deuteron.domain import prefixes
from deuteron.domain.addresses import network_of
from deuteron.errors import ApiError, BadRequest, Conflict, NotFound, bad_request
from deuteron.store.transaction import mapping

if TYPE_CHECKING:
    from deuteron.store.transaction import Transaction

Blocks = dict[str, list[tuple[str, str]]]  # by pool id: (project id, cidr) of its subnets


def missing(id_: str) -> NotFound:
    return NotFound("SubnetPoolNotFound", f"Subnet pool {id_} could not be found.")


def failed(reason: str) -> Conflict:
    """A pool has no such block. (Upstream answers 500 with this type.)"""
    return Conflict("SubnetAllocationError", f"Failed to allocate subnet: {reason}.")


def illegal_prefixes(reason: str) -> BadRequest:
    return BadRequest("IllegalSubnetPoolPrefixUpdate", f"Illegal update to prefixes: {reason}.")


def illegal_update(reason: str) -> BadRequest:
    return BadRequest("IllegalSubnetPoolUpdate", f"Illegal subnetpool update : {reason}.")


def several_pools() -> BadRequest:
    return BadRequest(
        "NetworkSubnetPoolAffinityError",
        "Subnets hosted on the same network must be allocated from the same subnet pool.",
    )


def several_scopes() -> BadRequest:
    return BadRequest(
        "NetworkAddressScopeAffinityError",
        "Subnets of the same address family hosted on the same network must all participate in "
        "the same address scope.",
    )


def lock(tx: Transaction, kind: str, ids: Iterable[str]) -> None:
    """Keep other transactions from locking or changing these rows until this one ends.

    SQLite has one writer at a time and needs no lock.
    """
    table = tx.schema.tables[kind]
    rows = sa.select(table.c.id).where(table.c.id.in_(sorted(set(ids)))).order_by(table.c.id)
    tx.connection.execute(rows.with_for_update(key_share=True)).all()


def forget_policies(tx: Transaction, object_type: str, object_id: str) -> None:
    """Delete the RBAC policies on an object that is to be deleted."""
    table = tx.schema.tables["rbac_policy"]
    of_object = (table.c.object_type == object_type) & (table.c.object_id == object_id)
    tx.connection.execute(table.delete().where(of_object))


def usable(tx: Transaction, shared_object: Row) -> bool:
    """Whether the caller may use a pool or an address scope: its own, or a shared one."""
    own = shared_object["project_id"] == tx.caller.project_id
    return bool(tx.caller.is_admin or own or shared_object["shared"])


def name_defaults(tx: Transaction, rows: Iterable[Row]) -> None:
    """Put the default pool of its IP version into each row that asks for it. Raises 400."""
    asking = [row for row in rows if row["use_default_subnetpool"]]
    if not asking:
        return
    found = tx.find("subnetpool", is_default=True)
    by_version = {pool["ip_version"]: pool for pool in found if usable(tx, pool)}
    for row in asking:
        version = row["ip_version"]
        if version not in by_version:
            raise bad_request("subnets", f"No default subnetpool found for IPv{version}")
        row["subnetpool_id"] = by_version[version]["id"]


def locked_pools(tx: Transaction, rows: Iterable[Row], others: Iterable[Row]) -> dict[str, Row]:
    """The pools of new subnets, locked, and those of `others`, by id. Raises 404."""
    asked = {row["subnetpool_id"] for row in rows if row["subnetpool_id"]}
    if asked:
        lock(tx, "subnetpool", asked)
    also = {row["subnetpool_id"] for row in others if row["subnetpool_id"]}
    pools = dict(mapping(tx.find("subnetpool", id=sorted(asked | also))))
    for id_ in sorted(asked):
        if id_ not in pools or not usable(tx, pools[id_]):
            raise missing(id_)
    return pools


def blocks_of(tx: Transaction, pool_ids: Iterable[str]) -> Blocks:
    """What is allocated from these pools; one statement."""
    found: Blocks = defaultdict(list)
    ids = sorted(pool_ids)
    if ids:
        table = tx.schema.tables["subnet"]
        statement = sa.select(table.c.subnetpool_id, table.c.project_id, table.c.cidr)
        for pool_id, project, cidr in tx.connection.execute(
            statement.where(table.c.subnetpool_id.in_(ids))
        ):
            found[pool_id].append((project, cidr))
    return found


def allocate(row: Row, pool: Row, blocks: list[tuple[str, str]]) -> None:
    """Give the row its `cidr` from the pool, and add it to the pool's blocks.

    A request names a cidr, or a gateway (then the block around it), or neither.
    Raises 400 for a length outside the pool's bounds, 409 beyond the quota or without room.
    """
    version = pool["ip_version"]
    if row["ip_version"] != version:
        raise bad_request(
            "subnets",
            f"Cannot allocate IPv{row['ip_version']} subnet from IPv{version} subnet pool",
        )
    asked = _asked(row, pool)
    length = row["prefixlen"] if isinstance(row["prefixlen"], int) else pool["default_prefixlen"]
    if asked is not None:
        length = network_of(asked).prefixlen
    _check_length(length, pool)
    _check_quota(row, pool, length, blocks)
    taken = [cidr for _, cidr in blocks]
    if asked is None:
        chosen = prefixes.choose(pool["prefixes"], taken, length)
        if chosen is None:
            raise failed(f"Insufficient prefix space to allocate subnet size /{length}")
    elif not prefixes.is_free(pool["prefixes"], taken, asked):
        raise failed("Cannot allocate requested subnet from the available set of prefixes")
    else:
        chosen = asked
    row["cidr"] = chosen
    blocks.append((row["project_id"], chosen))


def _asked(row: Row, pool: Row) -> str | None:
    """The block that a request names, None if any will do."""
    if isinstance(row["cidr"], str):
        return row["cidr"]
    if not isinstance(row["gateway_ip"], str):
        return None
    length = row["prefixlen"] if isinstance(row["prefixlen"], int) else pool["default_prefixlen"]
    _check_length(length, pool)
    return prefixes.around(row["gateway_ip"], length)


def _check_length(length: int, pool: Row) -> None:
    least, most = pool["min_prefixlen"], pool["max_prefixlen"]
    start = f"Unable to allocate subnet with prefix length {length},"
    if length > most:
        raise BadRequest(
            "MaxPrefixSubnetAllocationError", f"{start} maximum allowed prefix is {most}."
        )
    if length < least:
        raise BadRequest(
            "MinPrefixSubnetAllocationError", f"{start} minimum allowed prefix is {least}."
        )


def _check_quota(row: Row, pool: Row, length: int, blocks: list[tuple[str, str]]) -> None:
    """Raises 409 if the project's subnets would outgrow the pool's quota; 0 is no quota."""
    if not pool["default_quota"]:
        return
    own = [cidr for project, cidr in blocks if project == row["project_id"]]
    lengths = [network_of(cidr).prefixlen for cidr in own]
    if not prefixes.within_quota([*lengths, length], pool["default_quota"], pool["ip_version"]):
        raise quota_exceeded()


def quota_exceeded() -> ApiError:
    return Conflict("SubnetPoolQuotaExceeded", "Per-project subnet pool prefix quota exceeded.")


def check_affinity(row: Row, siblings: Iterable[Row], pools: Mapping[str, Row]) -> None:
    """Raises 400 unless a network's subnets of one IP version share a pool or an address scope.

    `siblings` are the subnets that the network has.
    """
    version, pool_id = row["ip_version"], row["subnetpool_id"]
    same = [s for s in siblings if s["ip_version"] == version]
    scopes = {
        pools[s["subnetpool_id"]]["address_scope_id"]
        for s in same
        if s["subnetpool_id"] and pools[s["subnetpool_id"]]["address_scope_id"]
    }
    if scopes:
        if pool_id and pools[pool_id]["address_scope_id"] not in scopes:
            raise several_scopes()
        if not pool_id:
            raise several_pools()
    elif any(s["subnetpool_id"] != pool_id for s in same):
        raise several_pools()
