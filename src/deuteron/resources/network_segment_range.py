# SPDX-License-Identifier: Apache-2.0
"""Network segment ranges: where free VLAN ids and VNIs are chosen from.

Invariant: ranges of the settings are shown as default ones and cannot be changed; those made
through the API do not overlap each other, and keep every id that is in use.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from deuteron.declare.attribute import UNSET, Attribute, Stored, Who, read_only
from deuteron.declare.resource import Change, Resource, Row, rule
from deuteron.declare.types import Boolean, Enum, Integer, Json, List, String
from deuteron.domain import policy
from deuteron.domain.segments import LARGEST_ID, RANGED, configured
from deuteron.errors import BadRequest, Conflict, NotFound, bad_request
from deuteron.store.transaction import now

if TYPE_CHECKING:
    from deuteron.store.transaction import Transaction

KIND: Final = "network_segment_range"
_NAMESPACE: Final = uuid.UUID("6c0d2f4e-3c52-5d0c-9d0f-6f9f0f3c7f11")
# Default ranges come into being with the process that read the settings.
_STARTED: Final = now()
_NUMBER: Final = Integer(1, 2**32 - 1)

# A GRE range may have four thousand million ids; nobody reads so many.
_MOST_AVAILABLE: Final = 100_000


def default_ranges(tx: Transaction) -> list[Row]:
    """The settings' ranges as rows; the id of a range is the same in every process."""
    return [
        {
            "id": str(uuid.uuid5(_NAMESPACE, f"{network_type}/{physical}/{low}/{high}")),
            "name": "",
            "description": "",
            "default": True,
            "shared": True,
            "project_id": None,
            "network_type": network_type,
            "physical_network": physical,
            "minimum": low,
            "maximum": high,
            "revision_number": 0,
            "created_at": _STARTED,
            "updated_at": _STARTED,
            "tags": [],
        }
        for network_type, physical, (low, high) in configured(tx.settings)
    ]


def _list(tx: Transaction) -> list[Row]:
    return [*default_ranges(tx), *tx.find(KIND)] if tx.caller.is_admin else []


def _show(tx: Transaction, id_: str) -> Row:
    found = [row for row in _list(tx) if row["id"] == id_]
    if not found:
        raise NotFound(
            "NetworkSegmentRangeNotFound", f"Network Segment Range {id_} could not be found."
        )
    return found[0]


def _changeable(tx: Transaction, id_: str) -> Row:
    """The row of a range that was made through the API. Raises 404, or 400 for a default one."""
    row = _show(tx, id_)
    if row["default"]:
        raise BadRequest(
            "NetworkSegmentRangeDefaultReadOnly",
            f"Network Segment Range {id_} is a default segment range which could not be updated "
            "or deleted.",
        )
    return row


def _update(tx: Transaction, id_: str, given: Row) -> Row:
    row = _changeable(tx, id_)
    policy.authorize_update(tx, tx.registry[KIND], row, given)
    return tx.service.update_in(tx, KIND, row, given)


def _delete(tx: Transaction, id_: str) -> None:
    row = _changeable(tx, id_)
    policy.authorize_write(tx, tx.registry[KIND], row, f"delete_{KIND}")
    tx.service.delete_in(tx, KIND, [row])


def _create(tx: Transaction, rows: list[Row]) -> None:
    existing = tx.find(KIND)
    for row in rows:
        row["default"] = False
        if row["network_type"] == "vlan":
            if row["physical_network"] is UNSET:
                raise bad_request(
                    KIND,
                    "Network type vlan requires 'physical_network' to be specified while creating "
                    "new range",
                )
        else:
            row["physical_network"] = ""
        if row["shared"]:
            row["project_id"] = None
        _check(row, existing)
        existing.append(row)


def _change(tx: Transaction, change: Change) -> None:
    new = change.new
    for physical, number, _ in _used(tx, [change.old])[change.old["id"]]:
        del physical
        if not new["minimum"] <= number <= new["maximum"]:
            raise _referenced(new["id"])
    _check(new, tx.find(KIND))


def _refuse_used(tx: Transaction, row: Row) -> None:
    if _used(tx, [row])[row["id"]]:
        raise _referenced(row["id"])


def _referenced(id_: str) -> Conflict:
    return Conflict(
        "NetworkSegmentRangeReferencedByProject",
        f"Network Segment Range {id_} is referenced by one or more project networks.",
    )


def _check(row: Row, existing: Sequence[Row]) -> None:
    """Raises 400 for an impossible range, 409 for one that overlaps another."""
    network_type, low, high = row["network_type"], row["minimum"], row["maximum"]
    wrong = [number for number in (low, high) if number > LARGEST_ID[network_type]]
    if wrong or high < low:
        vlan = network_type == "vlan"
        what = "VLAN tag" if vlan else f"{network_type} identifier"
        noun = "VLAN" if vlan else "tunnel"
        reason = (
            f"{wrong[0]} is not a valid {what}"
            if wrong
            else f"End of {noun} range is less than start of {noun} range"
        )
        raise BadRequest(
            "NetworkVlanRangeError" if vlan else "NetworkTunnelRangeError",
            f"Invalid network {noun} range: '{low}:{high}' - {reason}.",
        )
    overlapping = [
        other["id"]
        for other in existing
        if other["id"] != row["id"]
        and (other["network_type"], other["physical_network"])
        == (network_type, row["physical_network"])
        and low <= other["maximum"]
        and high >= other["minimum"]
    ]
    if overlapping:
        raise Conflict(
            "NetworkSegmentRangeOverlaps",
            f"Network segment range overlaps with range(s) with id {', '.join(overlapping)}",
        )


def _used(tx: Transaction, rows: Sequence[Row]) -> dict[str, list[tuple[str, int, str]]]:
    """Physical network, id and project of every segment in each range; one statement."""
    held, segments = tx.schema.segment_allocations, tx.schema.tables["segment"]
    networks = tx.schema.tables["network"]
    conditions = [
        sa.and_(
            held.c.network_type == row["network_type"],
            held.c.physical_network == row["physical_network"],
            held.c.segmentation_id.between(row["minimum"], row["maximum"]),
        )
        for row in rows
    ]
    statement = (
        sa.select(
            held.c.network_type,
            held.c.physical_network,
            held.c.segmentation_id,
            networks.c.project_id,
        )
        .join_from(held, segments, segments.c.id == held.c.segment_id)
        .join(networks, networks.c.id == segments.c.network_id)
        .where(sa.or_(*conditions))
        .order_by(held.c.segmentation_id)
    )
    found: dict[str, list[tuple[str, int, str]]] = defaultdict(list)
    for network_type, physical, number, project in tx.connection.execute(statement):
        for row in rows:
            if (
                row["network_type"] == network_type
                and row["physical_network"] == physical
                and row["minimum"] <= number <= row["maximum"]
            ):
                found[row["id"]].append((physical, number, project))
    return found


def _expand(tx: Transaction, rows: list[Row], wanted: list[str]) -> None:
    used = _used(tx, rows)
    for row in rows:
        mine = {number: project for _, number, project in used[row["id"]]}
        if "used" in wanted:
            row["used"] = {str(number): project for number, project in mine.items()}
        if "available" in wanted:
            span = range(row["minimum"], row["maximum"] + 1)
            free = (number for number in span if number not in mine)
            row["available"] = list(islice(free, _MOST_AVAILABLE))


def _computed(name: str, type_: Any, doc: str) -> Attribute:
    return read_only(name, type_, doc, stored=Stored.COMPUTED, filter=False, sort=False)


NETWORK_SEGMENT_RANGE = Resource(
    name=KIND,
    collection="network_segment_ranges",
    doc="A range that VLAN ids or VNIs are chosen from.",
    alias="network-segment-range",
    create_who=Who.ADMIN,
    write_who=Who.ADMIN,
    read_who=Who.ADMIN,
    handlers={"list": _list, "show": _show, "update": _update, "delete": _delete},
    attributes=(
        read_only(
            "default",
            Boolean(),
            "Whether it comes from the settings.",
            filter=False,
            sort=False,
        ),
        Attribute(
            name="shared",
            type=Boolean(),
            default=True,
            put=False,
            filter=False,
            sort=False,
            doc="Whether it is for every project.",
        ),
        Attribute(name="network_type", type=Enum(*RANGED), put=False, sort=False, doc="Its type."),
        Attribute(
            name="physical_network",
            type=String(64),
            default=UNSET,
            put=False,
            sort=False,
            doc="The physical network of a vlan range, else empty.",
        ),
        Attribute(name="minimum", type=_NUMBER, filter=False, sort=False, doc="The first id."),
        Attribute(name="maximum", type=_NUMBER, filter=False, sort=False, doc="The last id."),
        _computed("used", Json(), "The projects of the ids in use, by id."),
        _computed(
            "available",
            List(Integer(1, 2**32 - 1)),
            "The ids that are free, at most 100,000 of them.",
        ),
    ),
    rules=(
        rule("create", _create),
        rule("update", _change),
        rule("delete", _refuse_used),
        rule("expand", _expand, "used", "available"),
    ),
)
