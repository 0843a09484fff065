# SPDX-License-Identifier: Apache-2.0
"""Which northbound rows there are: an index over the replica, by mark, by name and by API object.

Invariant: it equals what a rebuild from the replica would give; each notification costs the same
whatever the size of the database.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ovs.db.data import Atom
from ovs.db.types import UuidType

from deuteron.engine.model import Ref
from deuteron.engine.ovn.database import ROW_CREATE, ROW_DELETE, Database, values
from deuteron.engine.ovn.desired import DHCP, DNS, PORT, SWITCH
from deuteron.engine.ovn.names import Mark, mark_of, switch_name

TABLES = (SWITCH, PORT, DHCP, DNS)

# The columns of a switch that hold its members, and the table that the members are in.
MEMBERS = {"ports": PORT, "dns_records": DNS}

# Tables whose rows have a name that only we give (it contains an API id), so that a row that
# lost its mark, or that another service of the same cloud made, is found and taken over.
_NAMED = frozenset({SWITCH, PORT})

# What northd writes into rows of ours.
_NOT_OURS = frozenset({"up"})


class _Entry(NamedTuple):
    table: str
    mark: Mark | None
    name: str | None


def atoms(row: Any, column: str) -> dict[Any, Any]:
    """A map column as a dict, of plain values."""
    return {key.value: value.value for key, value in values(row, column).items()}


def scalar(row: Any, column: str) -> Any:
    """The value of a scalar or optional column; None if it is empty."""
    for key in values(row, column):
        return key.value
    return None


class Actual:
    """The rows in the northbound replica `database` (set once, after construction)."""

    def __init__(self) -> None:
        self.database: Database | None = None
        self.touched: set[Ref] = set()
        self._entries: dict[uuid.UUID, _Entry] = {}
        self._marks: dict[tuple[str, Mark], list[uuid.UUID]] = {}
        self._names: dict[tuple[str, str], list[uuid.UUID]] = {}
        self._refs: dict[Ref, dict[uuid.UUID, str]] = {}

    def rebuild(self) -> None:
        """Index the replica as it is now; nothing counts as touched."""
        for index in (self._entries, self._marks, self._names, self._refs):
            index.clear()
        self.touched.clear()
        for table in TABLES:
            for row in self._rows(table).values():
                self._enter(table, row)

    def changed(self, event: str, row: Any, old: Mapping[str, Any]) -> None:
        """Take in one notification; the API objects it concerns become `touched`."""
        table = row._table.name
        if table not in TABLES or (old and old.keys() <= _NOT_OURS):
            return
        if event != ROW_CREATE:
            self._touch(self._entries.get(row.uuid))
        if event == ROW_DELETE:
            self._leave(row.uuid)
        elif event == ROW_CREATE or not old.keys().isdisjoint(("external_ids", "name")):
            self._leave(row.uuid)
            self._enter(table, row)
            self._touch(self._entries[row.uuid])
        if old and table == SWITCH:
            self._touch_members(row, old)

    def refs(self) -> Iterable[Ref]:
        """Every API object that has a row of ours."""
        return self._refs.keys()

    def rows_of(self, ref: Ref) -> Mapping[uuid.UUID, str]:
        """The rows marked as `ref`'s, with the table each is in."""
        return self._refs.get(ref, {})

    def find(self, table: str, mark: Mark, name: str | None = None) -> uuid.UUID | None:
        """The row with this mark; failing that, one that has none and has this name."""
        marked = self._marks.get((table, mark))
        if marked:
            return marked[0]
        for found in self._names.get((table, name), ()) if name else ():
            if self._entries[found].mark is None:
                return found
        return None

    def find_switch(self, mark: Mark) -> uuid.UUID | None:
        """The switch with this mark, or the unmarked one with the name that goes with it."""
        return self.find(SWITCH, mark, switch_name(mark.id))

    def row(self, table: str, row: uuid.UUID) -> Any:
        """The replica's row; KeyError if there is none."""
        return self._rows(table)[row]

    def is_member(self, switch: uuid.UUID, column: str, row: uuid.UUID) -> bool:
        """Whether `row` is in `column` of the switch."""
        return Atom(UuidType, row) in values(self.row(SWITCH, switch), column)

    def switch_of(self, column: str, row: uuid.UUID) -> uuid.UUID | None:
        """A switch that has `row` in `column`; looks at every switch."""
        atom = Atom(UuidType, row)
        for switch in self._rows(SWITCH).values():
            if atom in values(switch, column):
                found: uuid.UUID = switch.uuid
                return found
        return None

    def _rows(self, table: str) -> Any:
        assert self.database is not None
        return self.database.tables[table].rows

    def _enter(self, table: str, row: Any) -> None:
        mark = mark_of(atoms(row, "external_ids"))
        name = scalar(row, "name") if table in _NAMED else None
        self._entries[row.uuid] = _Entry(table, mark, name)
        if mark is not None:
            self._marks.setdefault((table, mark), []).append(row.uuid)
            self._refs.setdefault(mark.ref, {})[row.uuid] = table
        if name is not None:
            self._names.setdefault((table, name), []).append(row.uuid)

    def _leave(self, row: uuid.UUID) -> None:
        entry = self._entries.pop(row, None)
        if entry is None:
            return
        if entry.mark is not None:
            _remove(self._marks, (entry.table, entry.mark), row)
            of_ref = self._refs[entry.mark.ref]
            del of_ref[row]
            if not of_ref:
                del self._refs[entry.mark.ref]
        if entry.name is not None:
            _remove(self._names, (entry.table, entry.name), row)

    def _touch(self, entry: _Entry | None) -> None:
        if entry is not None and entry.mark is not None:
            self.touched.add(entry.mark.ref)

    def _touch_members(self, switch: Any, old: Mapping[str, Any]) -> None:
        for column in MEMBERS.keys() & old.keys():
            for atom in old[column].values.keys() ^ values(switch, column).keys():
                self._touch(self._entries.get(atom.value))


def _remove(index: dict[Any, list[uuid.UUID]], key: Any, row: uuid.UUID) -> None:
    rows = index[key]
    rows.remove(row)
    if not rows:
        del index[key]
