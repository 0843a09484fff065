# SPDX-License-Identifier: Apache-2.0
"""Sharing by RBAC: what can be shared, and who still needs it.

Invariant: `shared` of an object is nothing but its policy for all projects (`*`); nothing takes
from a project the access that its ports, subnets, routers or pools depend on.
`OBJECT_TYPES` is the one list of what can be shared: a new kind is one entry.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from deuteron.declare.resource import Row
from deuteron.errors import BadRequest, Conflict

if TYPE_CHECKING:
    from deuteron.store.transaction import Transaction

EVERYONE: Final = "*"
SHARED: Final = "access_as_shared"
EXTERNAL: Final = "access_as_external"
# Ports of the network itself (DHCP, routers): upstream's owners that start so are no project's.
_NETWORK_OWNED: Final = "network:"

Projects = Callable[["Transaction", str], set[str]]


@dataclass(frozen=True, slots=True)
class ObjectType:
    """A kind of object: what may be granted on it, and `users(tx, id)`, the projects that use it.

    `owned_what` is the noun of the error for someone else's object.
    """

    actions: tuple[str, ...]
    users: Projects
    owned_what: str = "objects"


def _projects(kind: str, key: str) -> Projects:
    """The projects of the objects of a kind whose `key` names the shared object."""

    def users(tx: Transaction, object_id: str) -> set[str]:
        table = tx.schema.tables[kind]
        statement = sa.select(table.c.project_id).where(table.c[key] == object_id).distinct()
        # Ports of routers and floating IPs belong to no project.
        return {p for p in tx.connection.execute(statement).scalars() if p}

    return users


OBJECT_TYPES: Final = {
    "network": ObjectType((SHARED, EXTERNAL), _projects("port", "network_id"), "networks"),
    "subnetpool": ObjectType((SHARED,), _projects("subnet", "subnetpool_id")),
    "address_scope": ObjectType((SHARED,), _projects("subnetpool", "address_scope_id")),
}


def in_use(object_id: str, details: str) -> Conflict:
    return Conflict(
        "RbacPolicyInUse",
        f"RBAC policy on object {object_id} cannot be removed because other objects depend on it."
        f"\nDetails: {details}",
    )


def invalid_sharing(network: str) -> Conflict:
    """`network` is its name or id."""
    return Conflict(
        "InvalidSharedSetting",
        f"Unable to reconfigure sharing settings for network {network}. Multiple projects are "
        "using it.",
    )


def policies(tx: Transaction, object_type: str, object_id: str) -> list[Row]:
    """All policies on an object."""
    return tx.find("rbac_policy", object_type=object_type, object_id=object_id)


def grant(
    tx: Transaction, object_type: str, rows: Sequence[Row], action: str, target: str = EVERYONE
) -> None:
    """Insert a policy for each of the objects, in the name of its owner; one statement."""
    if rows:
        tx.insert("rbac_policy", [_policy(object_type, row, action, target) for row in rows])


def withdraw(tx: Transaction, object_type: str, object_id: str, action: str | None = None) -> None:
    """Delete all policies on an object, or those for one action, without asking who uses it."""
    table = tx.schema.tables["rbac_policy"]
    statement = table.delete().where(
        table.c.object_type == object_type, table.c.object_id == object_id
    )
    tx.connection.execute(
        statement if action is None else statement.where(table.c.action == action)
    )


def _policy(object_type: str, row: Row, action: str, target: str) -> dict[str, Any]:
    return {
        "id": str(uuid.uuid4()),
        "project_id": row["project_id"],
        "object_type": object_type,
        "object_id": row["id"],
        "action": action,
        "target_tenant": target,
    }


def share_created(object_type: str) -> Callable[[Transaction, list[Row]], None]:
    """A created rule: a policy for everyone on each row created with `shared`."""

    def created(tx: Transaction, rows: list[Row]) -> None:
        grant(tx, object_type, [row for row in rows if row.get("shared") is True], SHARED)

    return created


def share(tx: Transaction, object_type: str, row: Row, shared: bool) -> None:
    """Make the policy for everyone be there or not.

    Raises 409 `RbacPolicyInUse`, or `InvalidSharedSetting` for a network, if projects without a
    policy of their own use the object.
    """
    found = policies(tx, object_type, row["id"])
    mine = [p for p in found if (p["action"], p["target_tenant"]) == (SHARED, EVERYONE)]
    if shared and not mine:
        grant(tx, object_type, [row], SHARED)
    if shared or not mine:
        return
    if object_type == "network":
        _check_unshare_network(tx, row, found)
    else:
        check_loss(tx, mine[0], row)
    tx.delete("rbac_policy", [p["id"] for p in mine])


def _check_unshare_network(tx: Transaction, network: Row, found: Sequence[Row]) -> None:
    """Subnets count here, and ports of the network itself do not, other than in `check_loss`."""
    ports, subnets = tx.schema.tables["port"], tx.schema.tables["subnet"]
    statement = sa.union(
        sa.select(ports.c.project_id).where(
            ports.c.network_id == network["id"],
            sa.not_(ports.c.device_owner.startswith(_NETWORK_OWNED)),
        ),
        sa.select(subnets.c.project_id).where(subnets.c.network_id == network["id"]),
    )
    users = set(tx.connection.execute(statement).scalars())
    if users - _allowed(network, found):
        raise invalid_sharing(network["name"])


def _allowed(row: Row, found: Sequence[Row], without: str = "") -> set[str]:
    """The projects that have access whatever happens to the policies for everyone."""
    named = {
        p["target_tenant"]
        for p in found
        if p["action"] == SHARED and p["id"] != without and p["target_tenant"] != EVERYONE
    }
    return {row["project_id"], *named}


def check_loss(tx: Transaction, policy: Row, row: Row) -> None:
    """May this policy for shared access to `row` go? Raises 409 `RbacPolicyInUse`."""
    target, object_type = policy["target_tenant"], policy["object_type"]
    if target == row["project_id"]:
        return
    found = [p for p in policies(tx, object_type, row["id"]) if p["id"] != policy["id"]]
    if any((p["action"], p["target_tenant"]) == (SHARED, EVERYONE) for p in found):
        return
    users = OBJECT_TYPES[object_type].users(tx, row["id"])
    losing = users - _allowed(row, found) if target == EVERYONE else users & {target}
    if not losing:
        return
    if object_type == "network":
        raise in_use(row["id"], invalid_sharing(row["id"]).message)
    raise in_use(row["id"], f"project_id={target}")


def check_external_loss(tx: Transaction, policy: Row, network: Row, gaining: str | None) -> None:
    """May this policy for a project's routers to use the network as their gateway go?

    `gaining` is the project that an update gives it to. Raises 409 `RbacPolicyInUse`.
    """
    target = policy["target_tenant"]
    others = [
        p["target_tenant"]
        for p in policies(tx, "network", network["id"])
        if p["action"] == EXTERNAL and p["id"] != policy["id"]
    ]
    if target == EVERYONE and network.get("is_default"):
        raise in_use(network["id"], "Default external networks must be shared to everyone.")
    if EVERYONE in others or gaining == EVERYONE:
        return
    users = _gateway_projects(tx, network["id"])
    losing = users - {*others, gaining} if target == EVERYONE else users & {target}
    if losing:
        raise in_use(
            network["id"],
            "There are routers attached to this network that depend on this policy for access.",
        )


def _gateway_projects(tx: Transaction, network_id: str) -> set[str]:
    """The projects whose routers have their gateway on the network."""
    gateways = tx.find("port", network_id=network_id, device_owner="network:router_gateway")
    if not gateways:
        return set()
    if "router" not in tx.registry:
        return {port["project_id"] for port in gateways if port["project_id"]}
    routers = tx.find("router", id=sorted({port["device_id"] for port in gateways}))
    return {router["project_id"] for router in routers}


def check_scope_access(tx: Transaction, pool: Row, target: str) -> None:
    """A pool of an address scope is only shared with whom the scope is shared with.

    Raises 400 `RbacPolicyInitError`.
    """
    scope = pool.get("address_scope_id")
    if not scope:
        return
    found = policies(tx, "address_scope", scope)
    if not any(p["target_tenant"] in (EVERYONE, target) for p in found):
        raise BadRequest(
            "RbacPolicyInitError",
            f"Failed to create RBAC policy on object {pool['id']} because target project doesn't "
            "have access to associated address scope.",
        )
