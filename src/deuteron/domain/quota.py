# SPDX-License-Identifier: Apache-2.0
"""How many objects a project may have.

Invariant: a limit below zero is no limit and costs one look-up; otherwise limit and usage are
read in the same statement, inside the transaction that inserts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import sqlalchemy as sa

from deuteron.declare.registry import Assembled
from deuteron.declare.resource import Row
from deuteron.errors import Conflict

if TYPE_CHECKING:
    from deuteron.store.transaction import Transaction


def exceeded(resources: str) -> Conflict:
    return Conflict("OverQuota", f"Quota exceeded for resources: ['{resources}'].")


def default_limit(tx: Transaction, assembled: Assembled) -> int:
    """The limit of a project that has none of its own."""
    declared = assembled.resource.quota
    return tx.settings.quotas.get(assembled.name, -1 if declared is None else declared)


def check(tx: Transaction, assembled: Assembled, rows: Sequence[Row]) -> None:
    """Raises 409 `OverQuota` if the rows about to be inserted exceed a project's limit."""
    if assembled.resource.quota is None:
        return
    for project, count in Counter(row["project_id"] for row in rows).items():
        limit, used = _limit_and_usage(tx, assembled, project)
        if 0 <= limit < used + count:
            raise exceeded(assembled.name)


def _limit_and_usage(tx: Transaction, assembled: Assembled, project: str) -> tuple[int, int]:
    limits, table = tx.schema.limits, tx.schema.tables[assembled.name]
    own = (
        sa.select(limits.c.limit)
        .where(limits.c.project_id == project, limits.c.resource == assembled.name)
        .scalar_subquery()
    )
    limit = sa.func.coalesce(own, default_limit(tx, assembled))
    used = sa.select(sa.func.count()).where(table.c.project_id == project).scalar_subquery()
    counted = sa.case((limit < 0, 0), else_=used)
    row = tx.connection.execute(sa.select(limit, counted)).one()
    return row[0], row[1]
