# SPDX-License-Identifier: Apache-2.0
"""How many objects a project may have.

Invariant: a project never has more objects than a limit that stood when they were made, however
many create at once: who counts holds the project's lock for that resource until its transaction
ends. (SQLite has one writer at a time.) A limit below zero is no limit: it costs one look-up.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from deuteron.declare.registry import Assembled
from deuteron.declare.resource import Row
from deuteron.errors import BadRequest, Conflict
from deuteron.store.database import Retry

if TYPE_CHECKING:
    from deuteron.store.transaction import Transaction


def exceeded(resources: str) -> Conflict:
    return Conflict("OverQuota", f"Quota exceeded for resources: ['{resources}'].")


def tracked(tx: Transaction) -> dict[str, Assembled]:
    """The resources that have a quota, by name."""
    found = tx.registry.resources.items()
    return {name: a for name, a in found if a.resource.quota is not None and a.resource.stored}


def default_limit(tx: Transaction, assembled: Assembled) -> int:
    """The limit of a project that has none of its own."""
    declared = assembled.resource.quota
    return tx.settings.quotas.get(
        assembled.name, tx.settings.default_quota if declared is None else declared
    )


def defaults(tx: Transaction) -> dict[str, int]:
    """The limits of a project that has none of its own, by resource name."""
    return {name: default_limit(tx, assembled) for name, assembled in tracked(tx).items()}


def limits(tx: Transaction, project: str) -> dict[str, int]:
    """The limits of a project, by resource name."""
    return own_limits(tx, project).get(project) or defaults(tx)


def own_limits(tx: Transaction, project: str | None = None) -> dict[str, dict[str, int]]:
    """All limits of each project that has some of its own, or of one such project."""
    table = tx.schema.limits
    statement = sa.select(table.c.project_id, table.c.resource, table.c.limit)
    if project is not None:
        statement = statement.where(table.c.project_id == project)
    found: dict[str, dict[str, int]] = {}
    standard = defaults(tx)
    for owner, resource, limit in tx.connection.execute(statement.order_by(table.c.project_id)):
        own = found.setdefault(owner, dict(standard))
        if resource in own:
            own[resource] = limit
    return found


def usage(tx: Transaction, project: str, names: Iterable[str]) -> dict[str, int]:
    """How many objects of each resource a project has; one statement."""
    counts = [_count(tx, name, project).label(name) for name in names]
    return dict(tx.connection.execute(sa.select(*counts)).one()._mapping) if counts else {}


def set_limits(tx: Transaction, project: str, given: Mapping[str, int], *, force: bool) -> None:
    """Give a project limits of its own. Raises 400 for one below its usage, unless forced."""
    limited = [name for name, limit in given.items() if limit >= 0 and not force]
    for name, used in usage(tx, project, limited).items():
        if used > given[name]:
            raise BadRequest(
                "HTTPBadRequest",
                f"Quota limit {given[name]} for {name} must be greater than or equal to already "
                f"used {used}",
            )
    if not given:
        return
    table = tx.schema.limits
    tx.connection.execute(
        table.delete().where(table.c.project_id == project, table.c.resource.in_([*given]))
    )
    rows = [{"project_id": project, "resource": n, "limit": v} for n, v in given.items()]
    try:
        tx.connection.execute(table.insert(), rows)
    except IntegrityError as error:
        raise Retry from error


def drop_limits(tx: Transaction, project: str) -> bool:
    """Give a project the default limits again; whether it had some of its own."""
    table = tx.schema.limits
    return bool(tx.connection.execute(table.delete().where(table.c.project_id == project)).rowcount)


def check(tx: Transaction, assembled: Assembled, rows: Sequence[Row]) -> None:
    """Raises 409 `OverQuota` if the rows about to be inserted exceed a project's limit."""
    if assembled.resource.quota is None:
        return
    for project, count in sorted(Counter(row["project_id"] for row in rows).items()):
        limit = _limit(tx, assembled, project)
        if limit < 0:
            continue
        if count <= limit:
            _lock(tx, assembled.name, project)
        used = tx.connection.execute(sa.select(_count(tx, assembled.name, project))).scalar_one()
        if limit < used + count:
            raise exceeded(assembled.name)


@lru_cache(maxsize=8)
def _own_limit(table: sa.Table) -> sa.Select[Any]:
    """The limit that a project has of its own; parameters are project and resource."""
    return sa.select(table.c.limit).where(
        table.c.project_id == sa.bindparam("project"),
        table.c.resource == sa.bindparam("resource"),
    )


def _limit(tx: Transaction, assembled: Assembled, project: str) -> int:
    parameters = {"project": project, "resource": assembled.name}
    found = tx.connection.execute(_own_limit(tx.schema.limits), parameters).scalar()
    return default_limit(tx, assembled) if found is None else int(found)


def _lock(tx: Transaction, resource: str, project: str) -> None:
    """Wait until nobody else may add to what is about to be counted."""
    if tx.connection.dialect.name == "sqlite":
        return
    table = tx.schema.quota_locks
    key = {"project_id": project, "resource": resource}
    same = sa.and_(*(table.c[name] == value for name, value in key.items()))
    held = sa.select(table.c.resource).where(same).with_for_update()
    if tx.connection.execute(held).first() is None:
        try:
            tx.connection.execute(table.insert(), [key])
        except IntegrityError as error:
            raise Retry from error


def _count(tx: Transaction, resource: str, project: str) -> sa.ScalarSelect[int]:
    table = tx.schema.tables[resource]
    return sa.select(sa.func.count()).where(table.c.project_id == project).scalar_subquery()
