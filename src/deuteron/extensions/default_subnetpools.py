# SPDX-License-Identifier: Apache-2.0
"""`use_default_subnetpool`: a subnet's block comes from the default pool of its IP version."""

from __future__ import annotations

from deuteron.declare.attribute import Attribute, Stored
from deuteron.declare.resource import Extension
from deuteron.declare.types import Boolean

DEFAULT_SUBNETPOOLS = Extension(
    alias="default-subnetpools",
    name="Default Subnetpools",
    description="One subnet pool of each IP version is taken where none is named.",
    updated="2016-02-18T18:00:00-00:00",
    attributes={
        "subnet": (
            Attribute(
                name="use_default_subnetpool",
                type=Boolean(),
                default=False,
                put=False,
                visible=False,
                filter=False,
                sort=False,
                stored=Stored.COMPUTED,
                doc="Whether the block comes from the default pool of the IP version.",
            ),
        )
    },
)
