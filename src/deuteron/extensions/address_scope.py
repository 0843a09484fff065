# SPDX-License-Identifier: Apache-2.0
"""`address_scope_id` of subnet pools: the scope in which their addresses are used once.

Invariant: pools of one scope have its IP version and no address in common, and the subnets of a
network that come from pools with a scope are all in that scope.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from deuteron.declare.attribute import Attribute
from deuteron.declare.resource import Change, Extension, Row, rule
from deuteron.declare.types import Nullable, Uuid
from deuteron.domain import prefixes
from deuteron.domain.subnet_pools import illegal_update, lock, several_scopes, usable
from deuteron.errors import BadRequest, Conflict, NotFound

if TYPE_CHECKING:
    from deuteron.store.transaction import Transaction


def missing(id_: str) -> NotFound:
    return NotFound("AddressScopeNotFound", f"Address scope {id_} could not be found.")


def prefix_conflict() -> Conflict:
    return Conflict(
        "AddressScopePrefixConflict",
        "Failed to associate address scope: subnetpools within an address scope must have unique "
        "prefixes.",
    )


def _create(tx: Transaction, rows: list[Row]) -> None:
    """Each new pool fits into its scope, beside the others and those of the same request."""
    scoped = [row for row in rows if row["address_scope_id"]]
    ids = sorted({row["address_scope_id"] for row in scoped})
    lock(tx, "address_scope", ids)
    scopes = {scope["id"]: scope for scope in tx.find("address_scope", id=ids)}
    pools = tx.find("subnetpool", address_scope_id=ids)
    for row in scoped:
        _check(tx, row, scopes.get(row["address_scope_id"]), pools)
        pools.append(row)


def _check(tx: Transaction, row: Row, scope: Row | None, pools: list[Row]) -> None:
    if scope is None or not usable(tx, scope):
        raise missing(row["address_scope_id"])
    if scope["ip_version"] != row["ip_version"]:
        raise BadRequest(
            "IllegalSubnetPoolIpVersionAssociationToAddressScope",
            f"Illegal subnetpool association: subnetpool {row['id']} cannot associate with "
            f"address scope {scope['id']} because subnetpool ip_version is not "
            f"{scope['ip_version']}.",
        )
    others = [
        prefix
        for pool in pools
        if pool["id"] != row["id"] and pool["address_scope_id"] == scope["id"]
        for prefix in pool["prefixes"]
    ]
    if others and prefixes.overlap(others, row["prefixes"]):
        raise prefix_conflict()


def _update(tx: Transaction, change: Change) -> None:
    """Only who owns the scope may change a pool in it; a pool may leave or join."""
    old, new = change.old, change.new
    ids = sorted({i for i in (old["address_scope_id"], new["address_scope_id"]) if i})
    if not ids:
        return
    lock(tx, "address_scope", ids)
    scopes = {scope["id"]: scope for scope in tx.find("address_scope", id=ids)}
    present = scopes.get(old["address_scope_id"])
    if present and not tx.caller.is_admin and present["project_id"] != tx.caller.project_id:
        raise illegal_update(
            f"subnetpool {old['id']} cannot be updated when associated with shared address scope "
            f"{present['id']}"
        )
    if new["address_scope_id"]:
        pools = tx.find("subnetpool", address_scope_id=new["address_scope_id"])
        _check(tx, new, scopes.get(new["address_scope_id"]), pools)
        if change.changed("address_scope_id"):
            _check_affinity(tx, new)


def _check_affinity(tx: Transaction, pool: Row) -> None:
    """Raises 400 if a network has subnets of this pool and others, which would stay behind."""
    subnets = tx.schema.tables["subnet"]
    networks = sa.select(subnets.c.network_id).where(subnets.c.subnetpool_id == pool["id"])
    staying = (
        sa.select(subnets.c.id)
        .where(
            subnets.c.network_id.in_(networks),
            subnets.c.ip_version == pool["ip_version"],
            sa.or_(subnets.c.subnetpool_id.is_(None), subnets.c.subnetpool_id != pool["id"]),
        )
        .limit(1)
    )
    if tx.connection.execute(staying).first():
        raise several_scopes()


ADDRESS_SCOPE_EXTENSION = Extension(
    alias="address-scope",
    name="Address scope",
    description="Scopes in which no address is used twice.",
    updated="2015-07-26T10:00:00-00:00",
    attributes={
        "subnetpool": (
            Attribute(
                name="address_scope_id",
                type=Nullable(Uuid()),
                default=None,
                index=True,
                references="address_scope",
                doc="The scope in which its addresses are used once.",
            ),
        )
    },
    rules={
        "subnetpool": (
            rule("create", _create, "address_scope_id"),
            rule("update", _update),
        )
    },
)
