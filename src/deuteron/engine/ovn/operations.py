# SPDX-License-Identifier: Apache-2.0
"""Changes as OVSDB operations (RFC 7047, 5.2).

A member enters and leaves a switch by a mutation of the column, one for all members of a batch,
so that the cost of a port does not depend on the size of its switch. References to a row that goes
are removed here too: ovsdb-server 3.1 was seen to leave weak ones dangling when a transaction
both deletes the row and alters the one that refers to it.

Invariant: external_ids of others survive, as they are mutated key by key and never replaced.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from deuteron.engine.ovn.actual import MEMBERS, Actual, atoms
from deuteron.engine.ovn.database import Operation, encoded
from deuteron.engine.ovn.desired import DHCP, DNS, SWITCH, Link, Row, Value
from deuteron.engine.ovn.difference import ALTERED, MISSING, SURPLUS, Change, stale_ids
from deuteron.engine.ovn.names import NETWORK_NAME, Mark, mark_of, switch_mark, switch_name

_MEMBER_COLUMNS = {table: column for column, table in MEMBERS.items()}
# Rows of the other member tables live as long as a switch has them.
_ROOT_TABLES = frozenset({SWITCH, DHCP, DNS})


def operations(changes: Iterable[Change], actual: Actual) -> list[Operation]:
    """The operations that make `changes`, to be run as one transaction."""
    return _Batch(actual).write(list(changes))


class _Batch:
    def __init__(self, actual: Actual) -> None:
        self._actual = actual
        self._names: dict[tuple[str, Mark], str] = {}
        self._going: set[uuid.UUID | None] = set()
        self._main: list[Operation] = []
        self._deletes: list[Operation] = []
        # (switch, column) -> members, as OVSDB's JSON; the switch may be one that is inserted.
        self._leaving: dict[tuple[uuid.UUID, str], list[Any]] = {}
        self._entering: dict[tuple[Mark, str], list[Any]] = {}

    def write(self, changes: list[Change]) -> list[Operation]:
        self._going = {change.found for change in changes if change.kind == SURPLUS}
        for change in changes:
            if change.kind == MISSING and change.wanted is not None:
                key = (change.table, change.wanted.mark)
                self._names[key] = f"new{len(self._names)}"
        for change in changes:
            self._change(change)
        leaving = [
            _mutate(SWITCH, encoded(switch), [[column, "delete", ["set", members]]])
            for (switch, column), members in self._leaving.items()
        ]
        entering = [
            _mutate(SWITCH, self._switch(mark), [[column, "insert", ["set", members]]])
            for (mark, column), members in self._entering.items()
        ]
        return self._main + leaving + entering + self._deletes

    def _change(self, change: Change) -> None:
        row, found = change.wanted, change.found
        if row is None:
            assert found is not None
            self._remove(change.table, found)
        elif found is None:
            self._insert(row)
        else:
            assert change.kind == ALTERED
            self._update(row, found, change.columns)
            if change.detached and row.parent is not None:
                self._leave(found, row.parent[0])
                self._enter(row, encoded(found))

    def _insert(self, row: Row) -> None:
        name = self._names[row.table, row.mark]
        columns = {column: self._encoded(value) for column, value in row.columns.items()}
        written = {k: v for k, v in columns.items() if v not in (["set", []], ["map", []])}
        self._main.append({"op": "insert", "table": row.table, "uuid-name": name, "row": written})
        self._enter(row, ["named-uuid", name])

    def _update(self, row: Row, found: uuid.UUID, columns: tuple[str, ...]) -> None:
        written: dict[str, Any] = {}
        for column in columns:
            value = row.columns[column]
            if column == "external_ids" and isinstance(value, Mapping):
                now = atoms(self._actual.row(row.table, found), column)
                self._main.append(_mutate(row.table, encoded(found), _id_mutations(now, value)))
            else:
                written[column] = self._encoded(value)
        if written:
            self._main.append(
                {"op": "update", "table": row.table, "where": _where(found), "row": written}
            )

    def _remove(self, table: str, found: uuid.UUID) -> None:
        column = _MEMBER_COLUMNS.get(table)
        if column is not None:
            self._leave(found, column)
        if table in _ROOT_TABLES:
            self._deletes.append({"op": "delete", "table": table, "where": _where(found)})

    def _leave(self, found: uuid.UUID, column: str) -> None:
        switch = self._likely_switch(MEMBERS[column], found)
        if switch is None or not self._actual.is_member(switch, column, found):
            switch = self._actual.switch_of(column, found)
        if switch is not None:
            self._leaving.setdefault((switch, column), []).append(encoded(found))

    def _likely_switch(self, table: str, found: uuid.UUID) -> uuid.UUID | None:
        """The switch that a row's own external_ids speak of."""
        external_ids = atoms(self._actual.row(table, found), "external_ids")
        mark = mark_of(external_ids)
        if mark is not None and mark.kind == "network":
            return self._actual.find_switch(switch_mark(mark.id))
        network_id = external_ids.get(NETWORK_NAME, "").removeprefix(switch_name(""))
        return self._actual.find_switch(switch_mark(network_id))

    def _enter(self, row: Row, member: Any) -> None:
        if row.parent is not None:
            column, switch = row.parent
            self._entering.setdefault((switch, column), []).append(member)

    def _switch(self, mark: Mark) -> Any:
        return self._reference(SWITCH, mark, self._actual.find_switch(mark))

    def _reference(self, table: str, mark: Mark, found: uuid.UUID | None) -> Any:
        name = self._names.get((table, mark))
        return ["named-uuid", name] if name is not None else encoded(found)

    def _encoded(self, value: Value) -> Any:
        if isinstance(value, Link):
            found = self._actual.find(value.table, value.mark)
            found = None if found in self._going else found
            return self._reference(value.table, value.mark, found)
        return encoded(value)


def _id_mutations(now: Mapping[str, str], wanted: Mapping[str, str]) -> list[Any]:
    """Mutations that turn external_ids `now` into `wanted`, leaving keys of others."""
    fresh = {key: value for key, value in wanted.items() if now.get(key) != value}
    # An insertion does not replace the value of a key that is there.
    gone = [*stale_ids(now, wanted), *(key for key in fresh if key in now)]
    mutations = [["external_ids", "delete", ["set", sorted(gone)]]] if gone else []
    return [*mutations, ["external_ids", "insert", encoded(fresh)]] if fresh else mutations


def _where(row: uuid.UUID) -> list[Any]:
    return [["_uuid", "==", encoded(row)]]


def _mutate(table: str, row: Any, mutations: list[Any]) -> Operation:
    return {"op": "mutate", "table": table, "where": [["_uuid", "==", row]], "mutations": mutations}
