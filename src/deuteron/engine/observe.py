# SPDX-License-Identifier: Apache-2.0
"""What the engine sees flows back into rows: port status and agents.

Invariant: writing down the same observation twice changes nothing.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from deuteron.domain import agents
from deuteron.engine.model import Chassis, PortState
from deuteron.store.transaction import now

if TYPE_CHECKING:
    from deuteron.store.transaction import Transaction

_AT_ONCE = 500


def record(tx: Transaction, ports: Iterable[PortState], chassis: Sequence[Chassis] | None) -> None:
    """Write down port states (the last one of a port counts) and the hosts that are there."""
    last = {state.id: state.up for state in ports}
    for up in (True, False):
        _set_status(tx, sorted(i for i, is_up in last.items() if is_up is up), up)
    if chassis is not None:
        agents.record(tx, chassis, time.time())


def _set_status(tx: Transaction, ids: list[str], up: bool) -> None:
    status = "ACTIVE" if up else "DOWN"
    table = tx.schema.tables["port"]
    for start in range(0, len(ids), _AT_ONCE):
        tx.connection.execute(
            table.update()
            .where(table.c.id.in_(ids[start : start + _AT_ONCE]), table.c.status != status)
            .values(status=status, revision_number=table.c.revision_number + 1, updated_at=now())
        )
