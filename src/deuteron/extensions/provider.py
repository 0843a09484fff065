# SPDX-License-Identifier: Apache-2.0
"""The wires under a network as admins see and choose them: `provider:*`, or `segments` if several.

Invariant: a network shows either the three provider attributes or `segments`, never both; both
are read from its segments and stored nowhere else.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from deuteron.declare.attribute import UNSET, Attribute, Stored, Who
from deuteron.declare.resource import Change, Extension, Row, rule
from deuteron.declare.types import Invalid, List, Nullable, Object, String, Type
from deuteron.declare.validate import refused
from deuteron.domain import segments
from deuteron.domain.segments import Draft
from deuteron.errors import invalid
from deuteron.resources.segment import (
    NETWORK_TYPE,
    PHYSICAL_NETWORK,
    PROVIDER,
    SEGMENTATION_ID,
    SEGMENTATION_NUMBER,
    ranges,
)
from deuteron.store.queries import among
from deuteron.store.transaction import now

if TYPE_CHECKING:
    from deuteron.store.queries import SqlContext
    from deuteron.store.transaction import Transaction

_COLUMNS: Final = {
    NETWORK_TYPE: "network_type",
    PHYSICAL_NETWORK: "physical_network",
    SEGMENTATION_ID: "segmentation_id",
}


def _filter(name: str, type_: Type) -> Callable[[sa.Table, SqlContext, list[str]], Any]:
    """Networks with a segment that has one of the values; `name` is the segment's attribute."""

    def condition(table: sa.Table, context: SqlContext, values: list[str]) -> Any:
        try:
            wanted = [type_.parse(value) for value in values]
        except Invalid as error:
            raise refused(f"provider:{name}", error) from None
        found = context.tables["segment"]
        return sa.exists().where(found.c.network_id == table.c.id, found.c[name].in_(wanted))

    return condition


def _update(tx: Transaction, change: Change) -> None:
    """The only change of a wire that is possible: another VLAN id of a network's one segment."""
    network = change.old
    found = sorted(tx.find("segment", network_id=network["id"]), key=lambda s: s["segment_index"])
    for name in (NETWORK_TYPE, PHYSICAL_NETWORK):
        wanted = change.given.get(name, UNSET)
        if wanted is not UNSET and (len(found) != 1 or wanted != found[0][_COLUMNS[name]]):
            raise invalid(
                "Plugin does not support updating the following provider network attributes: "
                f"{NETWORK_TYPE}, {PHYSICAL_NETWORK}"
            )
    number = change.given.get(SEGMENTATION_ID, UNSET)
    if number in (UNSET, 0):
        return
    if len(found) != 1:
        raise invalid(
            "Provider network attributes can be updated only in provider networks with a single "
            "segment"
        )
    if found[0]["network_type"] != "vlan":
        raise invalid("Only VLAN type networks can be updated.")
    _move(tx, network, found[0], number)


def _move(tx: Transaction, network: Row, segment: Row, number: int) -> None:
    """Give a VLAN segment another id. Raises 409 `VlanIdInUse` even for the one that it has."""
    draft = Draft(network["project_id"], "vlan", segment["physical_network"], number)
    found = ranges(tx)
    segments.check(tx.settings, draft, found.physical_networks())
    segments.choose(tx, [draft], found)
    segments.release(tx, [segment["id"]])
    segments.claim(tx, [draft], [segment["id"]])
    tx.update("segment", segment, {**segment, "segmentation_id": number, "updated_at": now()})


def _expand(tx: Transaction, rows: list[Row], wanted: list[str]) -> None:
    """Attributes that do not apply to a network are taken out of its row."""
    table = tx.schema.tables["segment"]
    columns = (table.c.network_id, *(table.c[name] for name in _COLUMNS.values()))
    statement = sa.select(*columns).where(among(table.c.network_id, [row["id"] for row in rows]))
    under: dict[str, list[Row]] = defaultdict(list)
    for network_id, *values in tx.connection.execute(statement.order_by(table.c.segment_index)):
        under[network_id].append(dict(zip(_COLUMNS, values, strict=True)))
    for row in rows:
        found = under[row["id"]]
        for name in (*PROVIDER, "segments"):
            row.pop(name, None)
        several = len(found) > 1
        shown = {"segments": found} if several else found[0] if found else dict.fromkeys(PROVIDER)
        row.update({name: value for name, value in shown.items() if name in wanted})


def _provider(name: str, type_: Type, doc: str) -> Attribute:
    return Attribute(
        name=name,
        type=type_,
        default=UNSET,
        write=Who.ADMIN,
        read=Who.ADMIN,
        stored=Stored.COMPUTED,
        sort=False,
        filter_sql=_filter(_COLUMNS[name], type_),
        doc=doc,
    )


_SEGMENT: Final = {
    NETWORK_TYPE: String(32),
    PHYSICAL_NETWORK: Nullable(String(64)),
    SEGMENTATION_ID: Nullable(SEGMENTATION_NUMBER),
}

PROVIDER_NETWORK = Extension(
    alias="provider",
    name="Provider Network",
    description="Admins see and choose the wire that a network lies on.",
    updated="2012-09-07T10:00:00-00:00",
    attributes={
        "network": (
            _provider(NETWORK_TYPE, String(32), "flat, vlan, vxlan, gre, geneve or local."),
            _provider(PHYSICAL_NETWORK, String(64), "The physical network, null in a tunnel."),
            _provider(SEGMENTATION_ID, SEGMENTATION_NUMBER, "The VLAN id or VNI, null if none."),
        )
    },
    rules={
        "network": (
            rule("update", _update, *PROVIDER),
            rule("expand", _expand, *PROVIDER, "segments"),
        )
    },
)
MULTI_PROVIDER = Extension(
    alias="multi-provider",
    name="Multi Provider Network",
    description="A network can lie on several wires.",
    updated="2013-06-27T10:00:00-00:00",
    attributes={
        "network": (
            Attribute(
                name="segments",
                type=List(Object(_SEGMENT)),
                default=UNSET,
                write=Who.ADMIN,
                read=Who.ADMIN,
                stored=Stored.COMPUTED,
                filter=False,
                sort=False,
                doc="The wires under the network, if it has more than one.",
            ),
        )
    },
)
