# SPDX-License-Identifier: Apache-2.0
"""RBAC policies: an owner lets other projects use an object.

Invariant: a policy names an object that exists and an action that its kind has; a network is
external as long as a policy lets someone use it so.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from deuteron.declare.attribute import Attribute
from deuteron.declare.resource import Change, Resource, Row, rule
from deuteron.declare.types import String, Uuid
from deuteron.domain import policy, rbac
from deuteron.domain.rbac import EVERYONE, EXTERNAL, OBJECT_TYPES, SHARED
from deuteron.errors import BadRequest, Conflict, invalid

if TYPE_CHECKING:
    from deuteron.store.transaction import Transaction

# A project's id, with or without the dashes of a UUID.
_PROJECT: Final = re.compile(r"[0-9a-fA-F]{32}")


def _object_type(value: str) -> str:
    """The kind as it is stored. Raises 400 `InvalidInput`."""
    kind = value.strip().lower()
    if kind not in OBJECT_TYPES:
        raise invalid(f"'{value}' is not a valid RBAC object type")
    return kind


def _by_object_type(table: Any, context: Any, values: list[str]) -> Any:
    del context
    return table.c.object_type.in_([_object_type(value) for value in values])


def _validate(tx: Transaction, rows: list[Row]) -> None:
    for row in rows:
        kind = row["object_type"] = _object_type(row["object_type"])
        actions = OBJECT_TYPES[kind].actions
        if row["action"] not in actions:
            raise BadRequest(
                "InvalidActionForType",
                f"Invalid action '{row['action']}' for object type '{kind}'. "
                f"Valid actions: {actions}",
            )
        _check_target(tx, row["target_tenant"], "create")


def _check_target(tx: Transaction, target: str, verb: str) -> None:
    if target == EVERYONE:
        if not tx.caller.is_admin:
            raise policy.forbidden(f"{verb}_rbac_policy:target_tenant")
    elif not _PROJECT.fullmatch(target.replace("-", "")):
        raise invalid(f"'{target}' is not a valid target project ID; expected a UUID or '*'")


def _object(tx: Transaction, row: Row) -> Row:
    """The object of a policy. Raises 400 `InvalidInput` if there is none."""
    kind = row["object_type"]
    found = tx.get(kind, row["object_id"])
    if found is None:
        raise invalid(
            f"{kind.replace('_', ' ').capitalize()} {row['object_id']} could not be found"
        )
    return found


def _owned(tx: Transaction, row: Row) -> Row:
    found = _object(tx, row)
    if not tx.caller.is_admin and found["project_id"] != tx.caller.project_id:
        what = OBJECT_TYPES[row["object_type"]].owned_what
        raise invalid(f"Only admins can manipulate policies on {what} they do not own")
    return found


def _create(tx: Transaction, rows: list[Row]) -> None:
    for row in rows:
        found = _owned(tx, row)
        if row["object_type"] == "subnetpool":
            rbac.check_scope_access(tx, found, row["target_tenant"])
        if row["action"] == EXTERNAL and not found["router:external"]:
            tx.update("network", found, {**found, "router:external": True})


def _update(tx: Transaction, change: Change) -> None:
    old, target = change.old, change.new["target_tenant"]
    _check_target(tx, target, "update")
    found = _owned(tx, old)
    if target == old["target_tenant"]:
        return
    if old["action"] == EXTERNAL:
        rbac.check_external_loss(tx, old, found, target)
    elif target != EVERYONE or old["object_type"] == "network":
        # Upstream refuses to widen a network's policy in use, too.
        rbac.check_loss(tx, old, found)


def _delete(tx: Transaction, row: Row) -> None:
    found = tx.get(row["object_type"], row["object_id"])
    if found is None:
        return
    if row["action"] == SHARED:
        rbac.check_loss(tx, row, found)
    else:
        rbac.check_external_loss(tx, row, found, None)


def _deleted(tx: Transaction, row: Row) -> None:
    """Without any policy that lets routers use it, a network is no longer external."""
    if row["action"] != EXTERNAL:
        return
    left = rbac.policies(tx, "network", row["object_id"])
    network = tx.get("network", row["object_id"])
    if network is not None and all(p["action"] != EXTERNAL for p in left):
        tx.update("network", network, {**network, "router:external": False, "is_default": False})


def _count(tx: Transaction, rows: list[Row]) -> None:
    """Who may use a network counts as a change of the network, as upstream has it."""
    networks = [row["object_id"] for row in rows if row["object_type"] == "network"]
    if networks:
        tx.bump("network", networks)


def _duplicate(row: Row, group: tuple[str, ...]) -> Conflict:
    del row, group
    return Conflict("DuplicateRbacPolicy", "An RBAC policy already exists with those values.")


RBAC_POLICY = Resource(
    name="rbac_policy",
    collection="rbac_policies",
    doc="Lets another project use an object.",
    alias="rbac-policies",
    named=False,
    standard=False,
    taggable=False,
    quota=10,
    not_found="RbacPolicyNotFound",
    not_found_message="RBAC policy of type unknown with ID {id} not found",
    unique=(("object_id", "target_tenant", "action"),),
    conflict=_duplicate,
    attributes=(
        Attribute(
            name="object_type",
            type=String(64),
            put=False,
            filter_sql=_by_object_type,
            doc="The kind of object: network, subnetpool or address_scope.",
        ),
        Attribute(name="object_id", type=Uuid(), put=False, index=True, doc="The object."),
        Attribute(
            name="target_tenant", type=String(255), index=True, doc="The project let in; * for all."
        ),
        Attribute(
            name="action",
            type=String(64),
            put=False,
            doc="What it may do: access_as_shared or, with a network, access_as_external.",
        ),
    ),
    rules=(
        rule("validate", _validate),
        rule("create", _create),
        rule("created", _count),
        rule("update", _update, "target_tenant"),
        rule("updated", lambda tx, change: _count(tx, [change.new])),
        rule("delete", _delete),
        rule("deleted", _deleted),
        rule("deleted", lambda tx, row: _count(tx, [row])),
    ),
)
