# SPDX-License-Identifier: Apache-2.0
"""Prefixes of a subnet pool, added and taken away without naming the others.

Invariant: prefixes that a subnet came from stay.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deuteron.declare.resource import Action, Extension, Row
from deuteron.declare.types import Cidr, Invalid
from deuteron.declare.validate import refused
from deuteron.domain import prefixes
from deuteron.domain.subnet_pools import blocks_of, illegal_prefixes, lock
from deuteron.errors import BadRequest

if TYPE_CHECKING:
    from deuteron.store.transaction import Transaction


def _asked(body: Any) -> list[str]:
    """The prefixes that a body names. Raises 400."""
    found = body.get("prefixes") if isinstance(body, dict) else None
    if not found or not isinstance(found, list):
        raise BadRequest("HTTPBadRequest", "Request body contains invalid data")
    try:
        return [Cidr().convert(prefix) for prefix in found]
    except Invalid as error:
        raise refused("prefixes", error) from None


def add_prefixes(tx: Transaction, pool: Row, body: Any, query: Any) -> Row:
    """Add prefixes; the answer has all that the pool then has."""
    del query
    wanted = [*pool["prefixes"], *_asked(body)]
    new = tx.service.update_in(tx, "subnetpool", pool, {"prefixes": wanted})
    return {"prefixes": new["prefixes"]}


def remove_prefixes(tx: Transaction, pool: Row, body: Any, query: Any) -> Row:
    """Take prefixes away; the answer has all that remain. Raises 400 if a subnet came from them.

    The pool's rule that prefixes only grow holds for plain updates, so this writes the row itself.
    """
    del query
    wanted = [p for p in _asked(body) if prefixes.version_of([p]) == pool["ip_version"]]
    if not prefixes.overlap(pool["prefixes"], wanted):
        return {"prefixes": pool["prefixes"]}
    lock(tx, "subnetpool", [pool["id"]])
    taken = [cidr for _, cidr in blocks_of(tx, [pool["id"]])[pool["id"]]]
    if prefixes.overlap(taken, wanted):
        raise illegal_prefixes("One or more the prefixes to be removed is in use by a subnet.")
    remaining = prefixes.subtract(pool["prefixes"], wanted)
    tx.update("subnetpool", pool, {**pool, "prefixes": remaining})
    return {"prefixes": remaining}


SUBNETPOOL_PREFIX_OPS = Extension(
    alias="subnetpool-prefix-ops",
    name="Subnet Pool Prefix Operations",
    description="Prefixes are added to subnet pools and removed from them.",
    updated="2019-02-08T10:00:00-00:00",
    actions={
        "subnetpool": (
            Action("add_prefixes", add_prefixes, doc="Add prefixes to the pool."),
            Action("remove_prefixes", remove_prefixes, doc="Remove prefixes from the pool."),
        )
    },
)
