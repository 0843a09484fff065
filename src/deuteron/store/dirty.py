# SPDX-License-Identifier: Apache-2.0
"""The dirty set: which objects the loop has still to look at.

Every write appends a row in its own transaction; the loop reads rows, converges their objects
and removes exactly the rows it read. Invariant: a write that commits while its object is being
converged leaves a row that was not read, so the object is looked at again.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from deuteron.store.schema import Schema

_AT_ONCE = 500


def read(connection: sa.Connection, schema: Schema, most: int) -> list[tuple[int, str, str]]:
    """The oldest marks as (seq, kind, id)."""
    table = schema.dirty
    statement = sa.select(table.c.seq, table.c.kind, table.c.id).order_by(table.c.seq).limit(most)
    return [(row[0], row[1], row[2]) for row in connection.execute(statement)]


def remove(connection: sa.Connection, schema: Schema, seqs: Sequence[int]) -> None:
    """Forget marks that were read and converged."""
    table = schema.dirty
    for start in range(0, len(seqs), _AT_ONCE):
        chunk = seqs[start : start + _AT_ONCE]
        connection.execute(table.delete().where(table.c.seq.in_(chunk)))
