# SPDX-License-Identifier: Apache-2.0
"""Whether a virtual function may change its MAC and listen to everything.

Nova reads it from the binding's profile, so it is written there too whenever either changes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deuteron.declare.attribute import UNSET, Attribute, Stored, Who
from deuteron.declare.resource import Change, Extension, Row, rule
from deuteron.declare.types import Boolean
from deuteron.errors import invalid

if TYPE_CHECKING:
    from deuteron.store.transaction import Transaction


class _TrueOrFalse(Boolean):
    """A truth value; null is refused, though the attribute is null until it is given."""

    def convert(self, value: Any) -> bool:
        if value is None:
            raise invalid("'None' cannot be converted to boolean")
        return super().convert(value)


def _create(tx: Transaction, rows: list[Row]) -> None:
    del tx
    for row in rows:
        _write_profile(row)


def _update(tx: Transaction, change: Change) -> None:
    del tx
    _write_profile(change.new)


def _write_profile(row: Row) -> None:
    trusted = row["trusted"]
    if trusted is not None and trusted is not UNSET:
        row["binding:profile"] = {**row["binding:profile"], "trusted": trusted}


PORT_TRUSTED_VIF = Extension(
    alias="port-trusted-vif",
    name="Port trusted vif",
    description="Says whether a port's virtual function is trusted.",
    updated="2024-07-10T10:00:00-00:00",
    attributes={
        "port": (
            Attribute(
                name="trusted",
                type=_TrueOrFalse(),
                default=None,
                write=Who.ADMIN,
                read=Who.ADMIN,
                filter=False,
                sort=False,
                stored=Stored.EXT,
                doc="Whether its virtual function is trusted; null if nobody said.",
            ),
        )
    },
    rules={
        "port": (
            rule("create", _create, "trusted"),
            rule("update", _update, "trusted", "binding:profile"),
        )
    },
)
