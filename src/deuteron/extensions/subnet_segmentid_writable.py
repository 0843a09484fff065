# SPDX-License-Identifier: Apache-2.0
"""`segment_id` of subnets: which wire of its network a subnet is on.

Invariant: of the subnets of a network either each is on a segment or none is; those with service
type `network:routed`, which no port of a project is on, do not count. Subnets on segments
tell their hosts routes to each other (the alias `segments-peer-subnet-host-routes`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from deuteron.declare.attribute import Attribute, Who
from deuteron.declare.resource import Change, Extension, Row, rule
from deuteron.declare.types import Nullable, Uuid
from deuteron.domain import peer_routes
from deuteron.errors import BadRequest, NotFound

if TYPE_CHECKING:
    from deuteron.store.transaction import Transaction

_ROUTED: Final = "network:routed"


def missing(id_: str) -> NotFound:
    return NotFound("SegmentNotFound", f"Segment {id_} could not be found.")


def _not_all(network_id: str) -> BadRequest:
    return BadRequest(
        "SubnetsNotAllAssociatedWithSegments",
        f"All of the subnets on network '{network_id}' must either all be associated with "
        "segments or all not associated with any segment.",
    )


def _create(tx: Transaction, rows: list[Row]) -> None:
    ids = sorted({row["segment_id"] for row in rows if row["segment_id"]})
    segments = {segment["id"]: segment for segment in tx.find("segment", id=ids)}
    for row in rows:
        if row["segment_id"]:
            _check_segment(row, segments.get(row["segment_id"]))
    siblings = tx.find("subnet", network_id=sorted({row["network_id"] for row in rows}))
    counted = [s for s in (*siblings, *rows) if _ROUTED not in s["service_types"]]
    for row in rows:
        on = {s["segment_id"] for s in counted if s["network_id"] == row["network_id"]}
        if None in on and len(on) > 1:
            raise _not_all(row["network_id"])
    _tell_peers(tx, rows, siblings)


def _tell_peers(tx: Transaction, rows: list[Row], siblings: list[Row]) -> None:
    """New subnets on segments and those that were there learn of each other."""
    on_segments = [row for row in rows if row["segment_id"]]
    networks = {row["network_id"] for row in on_segments}
    for subnet in (
        *on_segments,
        *(s for s in siblings if s["segment_id"] and s["network_id"] in networks),
    ):
        others = [s for s in (*siblings, *rows) if s["network_id"] == subnet["network_id"]]
        _set_routes(tx, subnet, peer_routes.with_peers(subnet, others), new=subnet in on_segments)


def _set_routes(tx: Transaction, subnet: Row, routes: list[Any], *, new: bool = False) -> None:
    if new:
        subnet["host_routes"] = routes
    elif routes != subnet["host_routes"]:
        tx.update("subnet", subnet, {**subnet, "host_routes": routes})


def _check_segment(row: Row, segment: Row | None) -> None:
    if segment is None:
        raise missing(row["segment_id"])
    if segment["network_id"] != row["network_id"]:
        raise BadRequest(
            "NetworkIdsDontMatch",
            f"The subnet's network id, '{row['network_id']}', doesn't match the network_id of "
            f"segment '{segment['id']}'",
        )


def _update(tx: Transaction, change: Change) -> None:
    """The only subnet of a network with one segment may be put on it."""
    if not change.changed("segment_id"):
        return
    row, network_id = change.new, change.old["network_id"]
    siblings = tx.find("subnet", network_id=network_id)
    counted = [s for s in siblings if _ROUTED not in s["service_types"]]
    if len(counted) > 1:
        raise _not_all(network_id)
    on = {s["segment_id"] for s in counted}
    if on and None not in on and row["segment_id"] not in on:
        raise BadRequest(
            "SubnetSegmentAssociationChangeNotAllowed",
            "A subnet that is already associated with a segment cannot have its segment "
            "association changed.",
        )
    segments = tx.find("segment", network_id=network_id)
    if len(segments) > 1:
        raise BadRequest(
            "NoUpdateSubnetWhenMultipleSegmentsOnNetwork",
            f"The network '{network_id}' has multiple segments, it is only possible to associate "
            "an existing subnet with a segment on networks with a single segment.",
        )
    if row["segment_id"]:
        _check_segment(row, tx.get("segment", row["segment_id"]))


def _update_routes(tx: Transaction, change: Change) -> None:
    """Routes to peers follow the gateway, and stay whatever else the owner asks for."""
    old, row = change.old, change.new
    if not row["segment_id"]:
        return
    others = tx.find("subnet", network_id=row["network_id"])
    old_gateway = old["gateway_ip"] if change.changed("gateway_ip") else None
    row["host_routes"] = peer_routes.with_peers(row, others, old_gateway=old_gateway)


def _deleted(tx: Transaction, row: Row) -> None:
    """Peers forget the subnet."""
    if row["segment_id"]:
        for subnet in tx.find("subnet", network_id=row["network_id"]):
            _set_routes(tx, subnet, peer_routes.with_peers(subnet, [], gone=row["cidr"]))


SUBNET_SEGMENTID_WRITABLE = Extension(
    alias="subnet-segmentid-writable",
    name="Subnet SegmentID (writable)",
    description="Subnets are on segments, and can be put on one later.",
    updated="2018-03-12T00:00:00-00:00",
    attributes={
        "subnet": (
            Attribute(
                name="segment_id",
                type=Nullable(Uuid()),
                default=None,
                write=Who.ADMIN,
                read=Who.ADMIN,
                index=True,
                references="segment",
                doc="The segment of its network that it is on.",
            ),
        )
    },
    rules={
        "subnet": (
            rule("create", _create),
            rule("update", _update, "segment_id"),
            rule("update", _update_routes, "host_routes", "gateway_ip"),
            rule("deleted", _deleted),
        )
    },
)
