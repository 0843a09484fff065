# SPDX-License-Identifier: Apache-2.0
"""Agents: what runs on hosts for the network, and whether it lives.

The loop writes them from what the engine sees (`domain.agents`); an admin describes, disables or,
when the host is gone, deletes them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deuteron.declare.attribute import Attribute, Who, read_only
from deuteron.declare.resource import Resource, Row, rule
from deuteron.declare.types import Boolean, Json, Nullable, String
from deuteron.errors import bad_request

if TYPE_CHECKING:
    from deuteron.store.transaction import Transaction


def _create(_tx: Transaction, _rows: list[Row]) -> None:
    raise bad_request("agents", "Agent creation using API is not supported.")


def _text(name: str, doc: str, **options: Any) -> Attribute:
    return read_only(name, String(255), doc, **options)


AGENT = Resource(
    name="agent",
    collection="agents",
    doc="What runs on a host for the network.",
    alias="agent",
    owned=False,
    named=False,
    standard=False,
    taggable=False,
    create_who=Who.ADMIN,
    write_who=Who.ADMIN,
    visible=lambda table, _context: table.c.id.is_(None),
    attributes=(
        _text("agent_type", "What it is."),
        _text("binary", "The program."),
        _text("topic", "n/a: it is not spoken to by messages."),
        _text("host", "The name of its host.", index=True),
        Attribute(
            name="admin_state_up",
            type=Boolean(),
            post=False,
            doc="Whether it is to be given work.",
        ),
        _text("created_at", "When it was first seen, in UTC.", filter=False),
        _text("started_at", "When it was first seen, in UTC.", filter=False),
        _text("heartbeat_timestamp", "When it last answered, in UTC.", filter=False),
        read_only("alive", Boolean(), "Whether it answers.", sort=False),
        read_only(
            "configurations", Json(65535), "What it told of itself.", filter=False, sort=False
        ),
        Attribute(
            name="description",
            type=Nullable(String(255)),
            default=None,
            post=False,
            doc="Free text of the admin.",
        ),
        _text("availability_zone", "Its availability zones.", sort=False),
    ),
    rules=(rule("validate", _create),),
)
