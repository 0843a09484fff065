# SPDX-License-Identifier: Apache-2.0
"""Whether a virtual function's link follows that of its physical port."""

from __future__ import annotations

from deuteron.declare.attribute import Attribute, Stored
from deuteron.declare.resource import Extension
from deuteron.declare.types import Boolean

UPLINK_STATUS_PROPAGATION = Extension(
    alias="uplink-status-propagation",
    name="Uplink status propagation extension",
    description="Lets the link of a port follow its uplink's.",
    updated="2018-05-31T18:00:00-00:00",
    attributes={
        "port": (
            Attribute(
                name="propagate_uplink_status",
                type=Boolean(),
                default=True,
                filter=False,
                sort=False,
                stored=Stored.EXT,
                doc="Whether its link goes down with its uplink's.",
            ),
        )
    },
)
