# SPDX-License-Identifier: Apache-2.0
"""What an operator's monitoring says about the packets of a port."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deuteron.declare.attribute import Attribute, Stored
from deuteron.declare.resource import Change, Extension, rule
from deuteron.declare.types import Enum, Nullable
from deuteron.domain.policy import forbidden

if TYPE_CHECKING:
    from deuteron.store.transaction import Transaction


def _check_role(tx: Transaction, change: Change) -> None:
    del change
    if not tx.caller.is_admin and "data_plane_integrator" not in tx.caller.roles:
        raise forbidden("update_port:data_plane_status")


DATA_PLANE_STATUS = Extension(
    alias="data-plane-status",
    name="Port data plane status extension",
    description="Tells the state of the data plane below a port.",
    updated="2017-01-24T10:00:00-00:00",
    attributes={
        "port": (
            Attribute(
                name="data_plane_status",
                type=Nullable(Enum("ACTIVE", "DOWN")),
                default=None,
                post=False,
                filter=False,
                sort=False,
                stored=Stored.EXT,
                doc="ACTIVE or DOWN, as monitoring sees it; null if nobody said.",
            ),
        )
    },
    rules={"port": (rule("update", _check_role, "data_plane_status"),)},
)
