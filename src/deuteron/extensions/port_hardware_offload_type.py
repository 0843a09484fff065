# SPDX-License-Identifier: Apache-2.0
"""What kind of hardware offload the device of a port is asked to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deuteron.declare.attribute import Attribute, Stored
from deuteron.declare.resource import Extension, Row, rule
from deuteron.declare.types import Enum

if TYPE_CHECKING:
    from deuteron.store.transaction import Transaction


def _add_capability(tx: Transaction, rows: list[Row]) -> None:
    """Nova finds the offload type among the capabilities of the binding's profile."""
    del tx
    for row in rows:
        offload = row["hardware_offload_type"]
        if offload is None:
            continue
        profile = row["binding:profile"]
        capabilities = profile.get("capabilities")
        found = capabilities if isinstance(capabilities, list) else []
        if offload not in found:
            row["binding:profile"] = {**profile, "capabilities": [*found, offload]}


PORT_HARDWARE_OFFLOAD_TYPE = Extension(
    alias="port-hardware-offload-type",
    name="Port hardware offload",
    description="Asks for hardware offload of a port's packets.",
    updated="2023-05-09T10:00:00-00:00",
    attributes={
        "port": (
            Attribute(
                name="hardware_offload_type",
                type=Enum("switchdev"),
                default=None,
                put=False,
                filter=False,
                sort=False,
                stored=Stored.EXT,
                doc="`switchdev`, or null for none.",
            ),
        )
    },
    rules={"port": (rule("validate", _add_capability, "hardware_offload_type"),)},
)
