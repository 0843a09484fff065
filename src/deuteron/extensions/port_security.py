# SPDX-License-Identifier: Apache-2.0
"""Whether a port may send only what is its own: the default comes from its network.

Ports of the network's own services (owner `network:*`) are trusted and have none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deuteron.declare.attribute import UNSET, Attribute, Stored, Who
from deuteron.declare.resource import Change, Extension, Row, rule
from deuteron.declare.types import Boolean
from deuteron.errors import Conflict, invalid

if TYPE_CHECKING:
    from deuteron.store.transaction import Transaction


class _TrueOrFalse(Boolean):
    """A truth value; null is refused, though a rule decides where none is given."""

    def convert(self, value: Any) -> bool:
        if value is None:
            raise invalid("'None' cannot be converted to boolean")
        return super().convert(value)


def _create(tx: Transaction, rows: list[Row]) -> None:
    del tx
    for row in rows:
        if row["device_owner"].startswith("network:"):
            row["port_security_enabled"] = False
        elif row["port_security_enabled"] is UNSET:
            row["port_security_enabled"] = row["network"]["port_security_enabled"]
        if row["allowed_address_pairs"] and not row["port_security_enabled"]:
            raise _required()


def _update(tx: Transaction, change: Change) -> None:
    del tx
    if change.new["allowed_address_pairs"] and not change.new["port_security_enabled"]:
        raise _required()


def _required() -> Conflict:
    return Conflict(
        "AddressPairAndPortSecurityRequired",
        "Port Security must be enabled in order to have allowed address pairs on a port.",
    )


PORT_SECURITY = Extension(
    alias="port-security",
    name="Port Security",
    description="Ports that may send only from their own addresses.",
    updated="2012-07-23T10:00:00-00:00",
    attributes={
        "network": (
            Attribute(
                name="port_security_enabled",
                type=_TrueOrFalse(),
                default=True,
                filter=False,
                sort=False,
                stored=Stored.EXT,
                doc="Whether its new ports have port security.",
            ),
        ),
        "port": (
            Attribute(
                name="port_security_enabled",
                type=_TrueOrFalse(),
                default=UNSET,
                write=Who.NETWORK_OWNER,
                filter=False,
                sort=False,
                stored=Stored.EXT,
                doc="Whether it may send only from its own addresses.",
            ),
        ),
    },
    rules={
        "port": (
            rule("create", _create),
            rule("update", _update, "port_security_enabled", "allowed_address_pairs"),
        )
    },
)
