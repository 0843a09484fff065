# SPDX-License-Identifier: Apache-2.0
"""The difference between the rows that are wanted and the rows that there are.

The one place where they are compared: `apply` writes what comes out of here, `differences`
reports it, and healing asks whether anything does.

Invariant: when the changes of a comparison have been written, comparing again finds none.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from deuteron.engine.model import Dhcp4, Dhcp6, Ref
from deuteron.engine.ovn.actual import Actual, atoms, scalar
from deuteron.engine.ovn.database import values
from deuteron.engine.ovn.desired import (
    DHCP,
    SWITCH,
    Link,
    Row,
    SubnetDhcp,
    Value,
    desired_rows,
    subnet_dhcp,
)
from deuteron.engine.ovn.intention import Intention
from deuteron.engine.ovn.names import OWN_PREFIXES, Mark, subnet_dhcp_mark

MISSING = "missing"
SURPLUS = "surplus"
ALTERED = "altered"


@dataclass(frozen=True, slots=True)
class Change:
    """One row that is not as wanted.

    `found` is the row there is (unless missing), `wanted` the row there should be (unless
    surplus); of an altered one `columns` differ, and `detached` says that its switch lacks it.
    """

    ref: Ref
    kind: str
    table: str
    found: uuid.UUID | None = None
    wanted: Row | None = None
    columns: tuple[str, ...] = ()
    detached: bool = False

    def __str__(self) -> str:
        if self.kind == ALTERED:
            what = [*self.columns, *(["its switch"] if self.detached else [])]
            return f"{self.table} {self.found}: {', '.join(what)}"
        if self.wanted is not None:
            return f"{self.table} {self.wanted.mark.role}"
        return f"{self.table} {self.found}"


class Comparison:
    """Compares object by object. It remembers which rows its changes make and remove, so that
    rows that refer to them are compared with what will be."""

    def __init__(self, intention: Intention, actual: Actual) -> None:
        self._intention = intention
        self._actual = actual
        self._coming: set[tuple[str, Mark]] = set()
        self._going: set[uuid.UUID] = set()

    def changes(self, refs: Iterable[Ref]) -> Iterator[list[Change]]:
        """The changes of each object that has any, and of the ports that depend on them.

        Lazy: what was yielded may be written before the next is asked for. Ports come last, as
        they refer to the others.
        """
        ports: dict[Ref, None] = {}
        rest: list[Ref] = []
        for ref in refs:
            if ref.kind == "port":
                ports[ref] = None
            else:
                rest.append(ref)
        for ref in rest:
            changes = self.changes_of(ref)
            for change in changes:
                ports.update(dict.fromkeys(self._dependents(change)))
            if changes:
                yield changes
        for ref in ports:
            if changes := self.changes_of(ref):
                yield changes

    def changes_of(self, ref: Ref) -> list[Change]:
        """What is not as wanted of one object's rows."""
        thing = self._intention.get(ref)
        wanted = desired_rows(thing, self._subnet) if thing is not None else []
        changes: list[Change] = []
        kept: set[uuid.UUID] = set()
        for row in wanted:
            if row.parent is not None and not self._switch_exists(row.parent[1]):
                continue
            found = self._find(row)
            if found is None:
                self._coming.add((row.table, row.mark))
                changes.append(Change(ref, MISSING, row.table, wanted=row))
                continue
            kept.add(found)
            change = self._altered(ref, row, found)
            if change is not None:
                changes.append(change)
        for found, table in self._actual.rows_of(ref).items():
            if found not in kept:
                self._going.add(found)
                changes.append(Change(ref, SURPLUS, table, found))
        return changes

    def _dependents(self, change: Change) -> Iterable[Ref]:
        if change.table == SWITCH and change.kind == MISSING:
            return self._intention.ports_on(change.ref.id)
        if change.table == DHCP:
            return self._intention.ports_of(change.ref.id, own_options=change.kind == ALTERED)
        return ()

    def _find(self, row: Row) -> uuid.UUID | None:
        name = row.columns.get("name")
        found = self._actual.find(row.table, row.mark, name if isinstance(name, str) else None)
        return None if found in self._going else found

    def _switch_exists(self, mark: Mark) -> bool:
        found = self._actual.find_switch(mark)
        if found is not None and found not in self._going:
            return True
        return (SWITCH, mark) in self._coming

    def _subnet(self, subnet_id: str) -> SubnetDhcp | None:
        thing = self._intention.get(Ref("subnet", subnet_id))
        if isinstance(thing, Dhcp4 | Dhcp6):
            return subnet_dhcp(thing)
        # Not asked for since this process began: what was written before holds.
        found = self._actual.find(DHCP, subnet_dhcp_mark(subnet_id))
        if found is None or found in self._going:
            return None
        row = self._actual.row(DHCP, found)
        return SubnetDhcp(scalar(row, "cidr"), atoms(row, "options"))

    def _altered(self, ref: Ref, wanted: Row, found: uuid.UUID) -> Change | None:
        row = self._actual.row(wanted.table, found)
        columns = tuple(
            column for column, value in wanted.columns.items() if self._differs(row, column, value)
        )
        detached = False
        if wanted.parent is not None:
            switch = self._actual.find_switch(wanted.parent[1])
            detached = switch is None or not self._actual.is_member(switch, wanted.parent[0], found)
        if not columns and not detached:
            return None
        return Change(ref, ALTERED, wanted.table, found, wanted, columns, detached)

    def _differs(self, row: Any, column: str, value: Value) -> bool:
        if isinstance(value, Link):
            return self._link_differs(scalar(row, column), value)
        if isinstance(value, Mapping):
            now = atoms(row, column)
            if column == "external_ids":
                return bool(stale_ids(now, value)) or not value.items() <= now.items()
            return now != value
        if isinstance(value, frozenset):
            return {atom.value for atom in values(row, column)} != value
        return bool(scalar(row, column) != value)

    def _link_differs(self, now: uuid.UUID | None, link: Link) -> bool:
        target = self._actual.find(link.table, link.mark)
        if target is None or target in self._going:
            return now is not None or (link.table, link.mark) in self._coming
        return now != target


def stale_ids(now: Mapping[str, str], wanted: Mapping[str, str]) -> list[str]:
    """The external_ids in `now` that are in our name and not wanted."""
    return [key for key in now if key not in wanted and key.startswith(OWN_PREFIXES)]
