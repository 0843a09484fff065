# SPDX-License-Identifier: Apache-2.0
"""Address scopes: within one, no address belongs to two subnet pools.

Invariant: whoever puts a pool into a scope, or adds to a pool in one, holds the scope's row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from deuteron.declare.attribute import Attribute, Stored, Who
from deuteron.declare.resource import Change, Resource, Row, rule
from deuteron.declare.types import Boolean, Enum
from deuteron.domain import rbac
from deuteron.domain.subnet_pools import forget_policies
from deuteron.errors import BadRequest, Conflict

if TYPE_CHECKING:
    from deuteron.store.transaction import Transaction


def in_use(id_: str) -> Conflict:
    return Conflict(
        "AddressScopeInUse",
        f"Unable to complete operation on address scope {id_}. There are one or more subnet "
        "pools in use on the address scope.",
    )


def _update_shared(tx: Transaction, change: Change) -> None:
    """A scope becomes shared and stays it."""
    if change.old["shared"] and not change.new["shared"]:
        raise BadRequest(
            "AddressScopeUpdateError",
            f"Unable to update address scope {change.old['id']} : Shared address scope can't be "
            "unshared.",
        )
    if change.new["shared"]:
        rbac.share(tx, "address_scope", change.old, True)


def _delete(tx: Transaction, row: Row) -> None:
    if tx.find("subnetpool", address_scope_id=row["id"]):
        raise in_use(row["id"])
    forget_policies(tx, "address_scope", row["id"])


ADDRESS_SCOPE = Resource(
    name="address_scope",
    collection="address_scopes",
    path="address-scopes",
    doc="Addresses among which none is used twice.",
    alias="address-scope",
    standard=False,
    taggable=False,
    rbac="address_scope",
    not_found_message="Address scope {id} could not be found.",
    attributes=(
        Attribute(name="ip_version", type=Enum(4, 6), put=False, doc="4 or 6."),
        Attribute(
            name="shared",
            type=Boolean(),
            default=False,
            write=Who.ADMIN,
            sort=False,
            stored=Stored.COMPUTED,
            sql=lambda table, context: context.shared("address_scope", table),
            doc="Whether every project may use it.",
        ),
    ),
    rules=(
        rule("created", rbac.share_created("address_scope"), "shared"),
        rule("update", _update_shared, "shared"),
        rule("delete", _delete),
    ),
)
