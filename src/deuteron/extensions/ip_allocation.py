# SPDX-License-Identifier: Apache-2.0
"""When a port gets its addresses: `immediate`, `deferred` until its host is known, or `none`.

The rules of ports set the attribute (`resources/port/addressing.py`).
"""

from __future__ import annotations

from deuteron.declare.attribute import read_only
from deuteron.declare.resource import Extension
from deuteron.declare.types import Enum

IP_ALLOCATION = Extension(
    alias="ip_allocation",
    name="IP Allocation",
    description="Says when a port gets its addresses.",
    updated="2016-06-10T23:00:00-00:00",
    attributes={
        "port": (
            read_only(
                "ip_allocation",
                Enum("immediate", "deferred", "none"),
                "When it gets its addresses; deferred until its host is known.",
            ),
        )
    },
)
