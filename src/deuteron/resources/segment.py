# SPDX-License-Identifier: Apache-2.0
"""Segments: the wires that a network lies on, each of one type and, where it has one, with an id.

Invariant: every network has its segments from the transaction that created it; each holds its id
in `segment_allocations` as long as it exists.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from deuteron.declare.attribute import UNSET, Attribute, Stored, Who, read_only
from deuteron.declare.resource import Resource, Row, rule
from deuteron.declare.types import Integer, Name, Nullable, String, Uuid
from deuteron.domain import segments
from deuteron.domain.segments import Draft, Ranges
from deuteron.errors import BadRequest, Conflict, NotFound, invalid
from deuteron.store.transaction import now

if TYPE_CHECKING:
    from deuteron.store.transaction import Transaction

NETWORK_TYPE: Final = "provider:network_type"
PHYSICAL_NETWORK: Final = "provider:physical_network"
SEGMENTATION_ID: Final = "provider:segmentation_id"
PROVIDER: Final = (NETWORK_TYPE, PHYSICAL_NETWORK, SEGMENTATION_ID)
# Wide enough that the rules of a segment's type, not the column, refuse a number.
SEGMENTATION_NUMBER: Final = Integer(-(2**31), 2**32 - 1)


def ranges(tx: Transaction) -> Ranges:
    """Where ids come from, as of this transaction; one statement."""
    return Ranges(tx.settings, tx.find("network_segment_range"))


def choose_for_networks(tx: Transaction, rows: list[Row]) -> None:
    """A create rule of networks: set `segments` of each row to what it gets.

    Raises 400 for an impossible segment, 409 for one in use, 503 if no id is free.
    """
    found = ranges(tx)
    wanted = [_asked(tx, row) for row in rows]
    physical_networks = found.physical_networks()
    for drafts in wanted:
        for draft in drafts:
            if draft.network_type is not None:
                segments.check(tx.settings, draft, physical_networks)
        _refuse_doubles(drafts)
    segments.choose(tx, [d for drafts in wanted for d in drafts], found)
    for row, drafts in zip(rows, wanted, strict=True):
        row["segments"] = [
            {
                NETWORK_TYPE: d.network_type,
                PHYSICAL_NETWORK: d.physical_network,
                SEGMENTATION_ID: d.segmentation_id,
            }
            for d in drafts
        ]


def _asked(tx: Transaction, row: Row) -> list[Draft]:
    """What a request for a network says about its segments: one of any type if nothing."""
    several = _given(row, "segments")
    if any(_given(row, name) is not None for name in PROVIDER):
        if several:
            raise BadRequest(
                "SegmentsSetInConjunctionWithProviders",
                "Segments and provider values cannot both be set.",
            )
        return [_draft(row, row)]
    if several:
        return [_draft(row, segment) for segment in several]
    external = tx.settings.external_network_type if row.get("router:external") else None
    return [Draft(row["project_id"], external)]


def _given(row: Row, name: str) -> Any:
    value = row.get(name)
    return None if value is UNSET else value


def _draft(row: Row, segment: Row) -> Draft:
    network_type, physical_network, number = (_given(segment, name) for name in PROVIDER)
    if network_type is None:
        raise invalid("network_type required")
    return Draft(row["project_id"], network_type, physical_network, number)


def _refuse_doubles(drafts: list[Draft]) -> None:
    """The same segment named twice; segments without an id may be alike."""
    named = [d.key for d in drafts if d.network_type == "local" or d.segmentation_id is not None]
    if len(set(named)) != len(named):
        raise BadRequest("SegmentsContainDuplicateEntry", "Duplicate segment entry in request.")


def insert_for_networks(tx: Transaction, rows: list[Row]) -> None:
    """A created rule of networks: the rows of their chosen `segments`, and the claims."""
    moment = now()
    drafts: list[Draft] = []
    made: list[Row] = []
    for row in rows:
        for index, segment in enumerate(row["segments"]):
            values = [segment[name] for name in PROVIDER]
            drafts.append(Draft(row["project_id"], *values))
            made.append(
                {
                    "id": str(uuid.uuid4()),
                    "network_id": row["id"],
                    "network_type": values[0],
                    "physical_network": values[1],
                    "segmentation_id": values[2],
                    "segment_index": index,
                    "created_at": moment,
                    "updated_at": moment,
                    "revision_number": SEGMENT.first_revision,
                }
            )
    segments.claim(tx, drafts, [row["id"] for row in made])
    tx.insert("segment", made)


def delete_of_network(tx: Transaction, network_id: str) -> None:
    """Delete all segments of a network, with their claims."""
    table = tx.schema.tables["segment"]
    ids = tx.connection.execute(sa.select(table.c.id).where(table.c.network_id == network_id))
    found = list(ids.scalars())
    segments.release(tx, found)
    tx.delete("segment", found)


def _create(tx: Transaction, rows: list[Row]) -> None:
    networks = sorted({row["network_id"] for row in rows})
    projects = {n["id"]: n["project_id"] for n in tx.find("network", id=networks)}
    found = ranges(tx)
    drafts: list[Draft] = []
    for row in rows:
        network_id = row["network_id"]
        if network_id not in projects:
            raise NotFound("NetworkNotFound", f"Network {network_id} could not be found.")
        draft = Draft(
            projects[network_id],
            row["network_type"],
            _given(row, "physical_network"),
            _given(row, "segmentation_id"),
        )
        segments.check(tx.settings, draft, found.physical_networks())
        drafts.append(draft)
    segments.choose(tx, drafts, found)
    indexes = _next_indexes(tx, networks)
    for row, draft in zip(rows, drafts, strict=True):
        row["physical_network"] = draft.physical_network
        row["segmentation_id"] = draft.segmentation_id
        row["segment_index"] = indexes[row["network_id"]]
        indexes[row["network_id"]] += 1
        if row["name"] is UNSET:
            row["name"] = None
    segments.claim(tx, drafts, [row["id"] for row in rows])
    tx.mark_dirty("network", networks)


def _next_indexes(tx: Transaction, networks: list[str]) -> dict[str, int]:
    table = tx.schema.tables["segment"]
    last = sa.func.max(table.c.segment_index)
    statement = sa.select(table.c.network_id, last).where(table.c.network_id.in_(networks))
    rows = tx.connection.execute(statement.group_by(table.c.network_id))
    return {**dict.fromkeys(networks, 0), **{network_id: index + 1 for network_id, index in rows}}


def _delete(tx: Transaction, row: Row) -> None:
    subnets = tx.schema.tables["subnet"]
    statement = sa.select(subnets.c.id).where(subnets.c.segment_id == row["id"])
    used = list(tx.connection.execute(statement.order_by(subnets.c.id)).scalars())
    if used:
        raise Conflict(
            "SegmentInUse",
            f"Segment '{row['id']}' cannot be deleted: The segment is still associated with "
            f"subnet(s) {', '.join(used)}.",
        )
    segments.release(tx, [row["id"]])
    tx.mark_dirty("network", [row["network_id"]])


SEGMENT = Resource(
    name="segment",
    collection="segments",
    doc="A wire that a network lies on.",
    owned=False,
    taggable=False,
    named=False,
    first_revision=1,
    create_who=Who.ADMIN,
    write_who=Who.ADMIN,
    read_who=Who.ADMIN,
    attributes=(
        Attribute(
            name="project_id",
            type=String(255),
            default=UNSET,
            put=False,
            visible=False,
            filter=False,
            sort=False,
            stored=Stored.COMPUTED,
            doc="Accepted and forgotten: a segment belongs to its network.",
        ),
        Attribute(
            name="network_id",
            type=Uuid(),
            put=False,
            index=True,
            references="network",
            doc="Its network.",
        ),
        Attribute(
            name="network_type",
            type=String(32),
            put=False,
            doc="flat, vlan, vxlan, gre, geneve or local.",
        ),
        Attribute(
            name="physical_network",
            type=String(64),
            default=UNSET,
            put=False,
            doc="The physical network of a flat or vlan segment, else null.",
        ),
        Attribute(
            name="segmentation_id",
            type=SEGMENTATION_NUMBER,
            default=UNSET,
            put=False,
            filter=False,
            doc="The VLAN id or VNI; a free one if not given.",
        ),
        Attribute(
            name="name",
            type=Nullable(Name(255)),
            default=UNSET,
            doc="A name; it need not be unique.",
        ),
        read_only(
            "segment_index",
            Integer(0),
            "Its place among the segments of the network.",
            visible=False,
            filter=False,
            sort=False,
        ),
    ),
    rules=(rule("create", _create), rule("delete", _delete)),
)
