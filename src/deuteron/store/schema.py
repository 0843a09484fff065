# SPDX-License-Identifier: Apache-2.0
"""The tables: one per stored resource, derived from its declaration, and a few of the store's own.

Invariant: a table holds exactly the attributes declared `COLUMN`, plus `ext` for all others that
are stored. JSON is stored as text, so that every database gives back what was put in.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import mysql

from deuteron.declare.attribute import Attribute
from deuteron.declare.registry import Assembled, Registry

Identity = sa.BigInteger().with_variant(sa.Integer, "sqlite")
LongText = sa.Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")


def _sql_type(attribute: Attribute) -> sa.types.TypeEngine[Any]:
    match attribute.type.storage:
        case "string":
            return sa.String(attribute.type.length or 255)
        case "integer":
            return sa.Integer()
        case "bigint":
            return sa.BigInteger()
        case "boolean":
            return sa.Boolean(create_constraint=False)
        case _:
            return LongText


def _columns(assembled: Assembled, registry: Registry) -> Iterator[sa.Column[Any]]:
    keyed = {name for group in assembled.resource.unique for name in group}
    for attribute in assembled.columns:
        parent = attribute.references
        yield sa.Column(
            attribute.column,
            _sql_type(attribute),
            *([sa.ForeignKey(f"{table_name(registry[parent])}.id")] if parent else []),
            primary_key=attribute.name == "id",
            index=attribute.index and attribute.name != "id",
            nullable=attribute.name != "id" and attribute.name not in keyed,
        )
    yield sa.Column("ext", LongText, nullable=False)


def table_name(assembled: Assembled) -> str:
    return assembled.resource.table


def _resource_table(assembled: Assembled, metadata: sa.MetaData, registry: Registry) -> sa.Table:
    name = table_name(assembled)
    unique = [
        sa.UniqueConstraint(
            *(assembled.attributes[a].column for a in group),
            name="uq_" + "_".join((name, *(assembled.attributes[a].column for a in group))),
        )
        for group in assembled.resource.unique
    ]
    return sa.Table(
        name,
        metadata,
        *_columns(assembled, registry),
        *unique,
        mysql_engine="InnoDB",
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
    )


# PostgreSQL tells loops on any host that there are marks; sent once at each commit.
CHANNEL: Final = "deuteron_dirty"
_NOTIFY: Final = sa.DDL(  # type: ignore[no-untyped-call]
    f"""
CREATE OR REPLACE FUNCTION {CHANNEL}() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN NOTIFY {CHANNEL}; RETURN NULL; END $$;
CREATE TRIGGER {CHANNEL} AFTER INSERT ON dirty
FOR EACH STATEMENT EXECUTE FUNCTION {CHANNEL}()
"""
)


@lru_cache(maxsize=256)
def insert_into(table: sa.Table) -> sa.Insert:
    """The INSERT of whole rows, built once for each table."""
    return table.insert()


class Schema:
    """The tables, by resource name in `tables`, and the store's own as attributes.

    `ip_allocations`: who holds an address; the primary key makes every holder the only one.
    `dirty`: objects that the loop has to look at; one row per write, removed by its `seq`.
    `segment_allocations`: VLAN ids and VNIs in use; the primary key makes each user the only one.
    `limits`: a project's own quota limits; `quota_locks`: rows to lock while counting.
    """

    def __init__(self, registry: Registry) -> None:
        self.metadata = sa.MetaData()
        self.registry = registry
        self.tables = {
            a.name: _resource_table(a, self.metadata, registry)
            for a in registry.resources.values()
            if a.resource.stored
        }
        text: dict[str, Any] = {"mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}
        self.ip_allocations = sa.Table(
            "ip_allocations",
            self.metadata,
            sa.Column("subnet_id", sa.ForeignKey("subnets.id"), primary_key=True),
            sa.Column("ip_address", sa.String(64), primary_key=True),
            sa.Column("port_id", sa.String(36), nullable=False, index=True),
            sa.Column("network_id", sa.String(36), nullable=False, index=True),
            **text,
        )
        self.dirty = sa.Table(
            "dirty",
            self.metadata,
            sa.Column("seq", Identity, primary_key=True, autoincrement=True),
            sa.Column("kind", sa.String(64), nullable=False),
            sa.Column("id", sa.String(36), nullable=False),
            **text,
        )
        sa.event.listen(self.dirty, "after_create", _NOTIFY.execute_if(dialect="postgresql"))
        self.segment_allocations = sa.Table(
            "segment_allocations",
            self.metadata,
            sa.Column("network_type", sa.String(16), primary_key=True),
            sa.Column("physical_network", sa.String(64), primary_key=True),
            sa.Column("segmentation_id", sa.BigInteger, primary_key=True, autoincrement=False),
            sa.Column("segment_id", sa.String(36), nullable=False, index=True),
            **text,
        )
        self.limits = sa.Table(
            "limits",
            self.metadata,
            sa.Column("project_id", sa.String(255), primary_key=True),
            sa.Column("resource", sa.String(64), primary_key=True),
            sa.Column("limit", sa.BigInteger, nullable=False),
            **text,
        )
        self.quota_locks = sa.Table(
            "quota_locks",
            self.metadata,
            sa.Column("project_id", sa.String(255), primary_key=True),
            sa.Column("resource", sa.String(64), primary_key=True),
            **text,
        )
