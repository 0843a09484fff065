# SPDX-License-Identifier: Apache-2.0
"""Advice for the engine that carries a port's packets, such as Open vSwitch's Tx steering."""

from __future__ import annotations

from typing import Any

from deuteron.declare.attribute import Attribute, Stored, Who
from deuteron.declare.resource import Extension
from deuteron.declare.types import Checked, Enum, Nullable, Object

_OTHER_CONFIG = Object({"tx-steering": Enum("thread", "hash")})
_HINTS = Object({"openvswitch": Object({"other_config": _OTHER_CONFIG})})


def _none_if_empty(hints: Any) -> Any:
    return hints or None


PORT_HINTS = Extension(
    alias="port-hints",
    name="Port hints",
    description="Hints of a port for one kind of engine.",
    updated="2023-01-01T00:00:00-00:00",
    attributes={
        "port": (
            Attribute(
                name="hints",
                type=Checked(Nullable(_HINTS), _none_if_empty),
                default=None,
                write=Who.ADMIN,
                read=Who.ADMIN,
                filter=False,
                sort=False,
                stored=Stored.EXT,
                doc="Hints by the name of the engine.",
            ),
        )
    },
)
