# SPDX-License-Identifier: Apache-2.0
"""The accelerator that Cyborg is to give the device of a port."""

from __future__ import annotations

from deuteron.declare.attribute import Attribute, Stored
from deuteron.declare.resource import Extension
from deuteron.declare.types import Nullable, String

PORT_DEVICE_PROFILE = Extension(
    alias="port-device-profile",
    name="Port device profile",
    description="Names the accelerator device profile of a port.",
    updated="2020-12-17T10:00:00-00:00",
    attributes={
        "port": (
            Attribute(
                name="device_profile",
                type=Nullable(String(255)),
                default=None,
                put=False,
                filter=False,
                sort=False,
                stored=Stored.EXT,
                doc="Name of a device profile of Cyborg.",
            ),
        )
    },
)
