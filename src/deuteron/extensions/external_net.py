# SPDX-License-Identifier: Apache-2.0
"""`router:external` and `is_default` of networks: where routers have their gateways.

Invariant: an external network has RBAC policies that say who may use it so; at most one external
network is the default, and only an external one is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from deuteron.declare.attribute import Attribute, Stored, Who
from deuteron.declare.resource import Change, Extension, Row, rule
from deuteron.declare.types import Boolean
from deuteron.domain import rbac
from deuteron.errors import Conflict

if TYPE_CHECKING:
    from deuteron.store.transaction import Transaction


def _create(tx: Transaction, rows: list[Row]) -> None:
    for row in rows:
        row["is_default"] = row["is_default"] and row["router:external"]
    wanted = [row for row in rows if row["is_default"]]
    if wanted:
        _refuse_second_default(tx, wanted[-1] if len(wanted) > 1 else None, wanted[0]["id"])


def _refuse_second_default(tx: Transaction, other: Row | None, id_: str) -> None:
    networks = tx.find("network", **{"router:external": True})
    found = [n for n in (*networks, *([other] if other else [])) if n["is_default"]]
    taken = [n["id"] for n in found if n["id"] != id_]
    if taken:
        raise Conflict(
            "DefaultExternalNetworkExists",
            f"A default external network already exists: {taken[0]}.",
        )


def _created(tx: Transaction, rows: list[Row]) -> None:
    rbac.grant(tx, "network", [r for r in rows if r["router:external"]], rbac.EXTERNAL)


def _update(tx: Transaction, change: Change) -> None:
    network, new = change.old, change.new
    if change.changed("router:external"):
        if new["router:external"]:
            rbac.grant(tx, "network", [network], rbac.EXTERNAL)
        else:
            _withdraw(tx, network)
    new["is_default"] = new["is_default"] and new["router:external"]
    if new["is_default"] and not network["is_default"]:
        _refuse_second_default(tx, None, network["id"])


def _withdraw(tx: Transaction, network: Row) -> None:
    if tx.find("port", network_id=network["id"], device_owner="network:router_gateway"):
        raise Conflict(
            "ExternalNetworkInUse",
            f"External network {network['id']} cannot be updated to be made non-external, since "
            "it has existing gateway ports.",
        )
    rbac.withdraw(tx, "network", network["id"], rbac.EXTERNAL)


def _expand(tx: Transaction, rows: list[Row], wanted: list[str]) -> None:
    """As upstream, only external networks show whether they are the default."""
    del tx, wanted
    for row in rows:
        if not row["router:external"]:
            del row["is_default"]


EXTERNAL_NET = Extension(
    alias="external-net",
    name="Neutron external network",
    description="Networks that routers use as their gateway to the world.",
    updated="2013-01-14T10:00:00-00:00",
    attributes={
        "network": (
            Attribute(
                name="router:external",
                type=Boolean(),
                default=False,
                write=Who.ADMIN,
                sort=False,
                doc="Whether routers may have their gateway on it.",
            ),
            Attribute(
                name="is_default",
                type=Boolean(),
                default=False,
                write=Who.ADMIN,
                stored=Stored.EXT,
                sort=False,
                doc="Whether it is the external network that is taken when none is named.",
            ),
        )
    },
    rules={
        "network": (
            rule("create", _create, "is_default"),
            rule("created", _created, "router:external"),
            rule("update", _update, "router:external", "is_default"),
            rule("expand", _expand, "is_default"),
        )
    },
)
