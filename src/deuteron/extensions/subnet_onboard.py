# SPDX-License-Identifier: Apache-2.0
"""Subnets that exist become a subnet pool's.

Invariant: after it, the pool's prefixes cover the subnets, and no subnet overlaps another one of
the pool.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deuteron.declare.resource import Action, Extension, Row
from deuteron.domain import prefixes
from deuteron.domain.subnet_pools import blocks_of, illegal_update, lock
from deuteron.errors import Forbidden, NotFound, invalid

if TYPE_CHECKING:
    from deuteron.store.transaction import Transaction


def onboard_network_subnets(tx: Transaction, pool: Row, body: Any, query: Any) -> list[Row]:
    """Take the network's subnets of the pool's IP version into the pool; their ids and CIDRs."""
    del query
    network_id = body.get("network_id") if isinstance(body, dict) else None
    if not network_id:
        raise invalid("network_id must be specified.")
    _check_network(tx, network_id)
    tx.bump("network", [network_id])  # counts the change, and holds the network's row
    lock(tx, "subnetpool", [pool["id"]])
    subnets = tx.find("subnet", network_id=network_id, ip_version=pool["ip_version"])
    taken = [cidr for _, cidr in blocks_of(tx, [pool["id"]])[pool["id"]]]
    for subnet in subnets:
        if taken and prefixes.overlap(taken, [subnet["cidr"]]):
            raise illegal_update(
                f"Onboarding subnet {subnet['id']}: {subnet['cidr']} conflicts with allocated "
                f"prefixes in subnet pool {pool['id']}"
            )
    if subnets:
        wanted = [*pool["prefixes"], *(subnet["cidr"] for subnet in subnets)]
        tx.service.update_in(tx, "subnetpool", pool, {"prefixes": wanted})
    for subnet in subnets:
        tx.update("subnet", subnet, {**subnet, "subnetpool_id": pool["id"]})
    return [{"id": subnet["id"], "cidr": subnet["cidr"]} for subnet in subnets]


def _check_network(tx: Transaction, network_id: Any) -> None:
    """Raises 404 without a network, 403 unless it is the caller's."""
    network = tx.get("network", network_id) if isinstance(network_id, str) else None
    if network is None:
        raise NotFound("NetworkNotFound", f"Network {network_id} could not be found.")
    if not tx.caller.is_admin and network["project_id"] != tx.caller.project_id:
        raise Forbidden("NotAuthorized", "Not authorized.")


SUBNET_ONBOARD = Extension(
    alias="subnet_onboard",
    name="Subnet Onboard",
    description="The subnets of a network are taken into a subnet pool.",
    updated="2018-12-18T09:00:00-00:00",
    actions={
        "subnetpool": (
            Action(
                "onboard_network_subnets",
                onboard_network_subnets,
                doc="Take the subnets of a network into the pool.",
            ),
        )
    },
)
