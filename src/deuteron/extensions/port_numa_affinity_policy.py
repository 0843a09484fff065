# SPDX-License-Identifier: Apache-2.0
"""How close to its network device Nova is to place the guest of a port."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deuteron.declare.attribute import Attribute, Stored
from deuteron.declare.resource import Change, Extension, rule
from deuteron.declare.types import Enum, Nullable
from deuteron.errors import Conflict
from deuteron.resources.port.update import UNPLUGGED

if TYPE_CHECKING:
    from deuteron.store.transaction import Transaction


def _refuse_bound(tx: Transaction, change: Change) -> None:
    """The guest is placed when the port is bound; changing the policy then would do nothing."""
    del tx
    old = change.old
    if old["binding:vif_type"] not in UNPLUGGED:
        raise Conflict(
            "PortBoundNUMAAffinityPolicy",
            f"Unable to complete operation on port {old['id']}, port is already bound to host "
            f"{old['binding:host_id']}, numa_affinity_policy value given "
            f"{change.new['numa_affinity_policy']}.",
        )


PORT_NUMA_AFFINITY_POLICY = Extension(
    alias="port-numa-affinity-policy",
    name="Port NUMA affinity policy",
    description="Says how a port's guest is placed on NUMA nodes.",
    updated="2020-07-08T10:00:00-00:00",
    attributes={
        "port": (
            Attribute(
                name="numa_affinity_policy",
                type=Nullable(Enum("required", "preferred", "legacy", "socket")),
                default=None,
                filter=False,
                sort=False,
                stored=Stored.EXT,
                doc="Where the guest may be placed relative to its network device.",
            ),
        )
    },
    rules={"port": (rule("update", _refuse_bound, "numa_affinity_policy"),)},
)
