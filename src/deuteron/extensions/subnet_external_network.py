# SPDX-License-Identifier: Apache-2.0
"""`router:external` of subnets: whether their network is one that routers have gateways on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from deuteron.declare.attribute import Stored, read_only
from deuteron.declare.resource import Extension, Row, rule
from deuteron.declare.types import Boolean
from deuteron.store.queries import SqlContext, condition

if TYPE_CHECKING:
    from deuteron.store.transaction import Transaction

_NAME: Final = "router:external"
# Beyond this many networks, reading all external ones costs less than naming those of the page.
_MOST_NAMED: Final = 1000


def _external_ids(context: SqlContext, values: list[str]) -> sa.Select[Any]:
    """The networks whose `router:external` is one of the values, as in a filter of networks."""
    network = context.schema.registry["network"]
    matches = condition(network, network.attributes[_NAME], values, context)
    table: sa.Table = context.schema.tables["network"]
    return sa.select(table.c.id).where(matches)


def _filter(table: sa.Table, context: SqlContext, values: list[str]) -> Any:
    return table.c.network_id.in_(_external_ids(context, values))


def _expand(tx: Transaction, rows: list[Row], wanted: list[str]) -> None:
    del wanted
    table = tx.schema.tables["network"]
    found = _external_ids(SqlContext(tx.schema), ["true"])
    ids = sorted({row["network_id"] for row in rows})
    if len(ids) <= _MOST_NAMED:
        found = found.where(table.c.id.in_(ids))
    external = set(tx.connection.execute(found).scalars())
    for row in rows:
        row[_NAME] = row["network_id"] in external


SUBNET_EXTERNAL_NETWORK = Extension(
    alias="subnet-external-network",
    name="Subnet belongs to an external network",
    description="Subnets tell whether their network is external.",
    updated="2024-02-05T18:00:00-00:00",
    attributes={
        "subnet": (
            read_only(
                _NAME,
                Boolean(),
                "Whether its network is external.",
                default=False,
                stored=Stored.COMPUTED,
                sort=False,
                filter_sql=_filter,
            ),
        )
    },
    rules={"subnet": (rule("expand", _expand, _NAME),)},
)
