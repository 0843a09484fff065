# SPDX-License-Identifier: Apache-2.0
"""The southbound database: where ports are bound, and which chassis there are and live.

A chassis is alive while it keeps up with the northbound `nb_cfg`, which the active loop raises
every `HEARTBEAT_SECONDS`: ovn-controller copies the number, with the time, once it has done all
that came before it. (Upstream derives its agents' `alive` from the same number.)

Invariant: a chassis is not called dead before it was seen behind for `DOWN_SECONDS`, whatever
happened while nobody was looking.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from typing import Any

from deuteron.engine.model import Chassis
from deuteron.engine.ovn.actual import atoms, scalar
from deuteron.engine.ovn.database import ROW_CREATE, ROW_DELETE, Database

HEARTBEAT_SECONDS = 30.0
# Upstream's default for agent_down_time.
DOWN_SECONDS = 75.0


class Southbound:
    """Watches the southbound replica `database` (set once, after construction)."""

    def __init__(self) -> None:
        self.database: Database | None = None
        self.fresh = False
        self.moved_ports: set[str] = set()
        self._bindings: dict[str, uuid.UUID] = {}
        self._behind: dict[str, float] = {}
        self._first_seen: dict[str, float] = {}
        self._dirty = False
        self._told_alive: dict[str, bool] = {}

    def loaded(self) -> None:
        """The replica was filled anew: every port and chassis is to be told again."""
        self._bindings = {
            scalar(row, "logical_port"): row.uuid for row in self._rows("Port_Binding").values()
        }
        self.fresh = self._dirty = True

    def changed(self, event: str, row: Any, _old: Mapping[str, Any]) -> None:
        """A southbound row changed."""
        table = row._table.name
        if table == "Port_Binding":
            port = scalar(row, "logical_port")
            if event == ROW_CREATE:
                self._bindings[port] = row.uuid
            elif event == ROW_DELETE and self._bindings.get(port) == row.uuid:
                del self._bindings[port]
            self.moved_ports.add(port)
        else:
            self._dirty = True

    def host(self, port_id: str) -> str:
        """The host name of the chassis where a port is bound; "" if it is not, as far as seen."""
        binding = self._rows("Port_Binding").get(self._bindings.get(port_id))
        chassis = scalar(binding, "chassis") if binding is not None else None
        row = self._rows("Chassis").get(chassis)
        return str(scalar(row, "hostname")) if row is not None else ""

    def chassis(self, heartbeat: int | None) -> list[Chassis] | None:
        """All chassis if any changed or came to life or died since the last call, else None.

        `heartbeat` is the northbound number to keep up with, None if it is not known.
        """
        if self.database is None or not self.database.connected:
            return None
        alive = self._alive(heartbeat)
        if not self._dirty and alive == self._told_alive:
            return None
        self._dirty = False
        self._told_alive = alive
        private = self._private()
        return [
            self._chassis(row, private.get(scalar(row, "name")), alive)
            for row in self._rows("Chassis").values()
        ]

    def next_change(self) -> float:
        """Seconds until a chassis may have to be called dead."""
        if not self._behind:
            return DOWN_SECONDS
        return max(0.1, min(self._behind.values()) + DOWN_SECONDS - time.monotonic())

    def _alive(self, heartbeat: int | None) -> dict[str, bool]:
        now = time.monotonic()
        private = self._private()
        behind: dict[str, float] = {}
        alive: dict[str, bool] = {}
        for row in self._rows("Chassis").values():
            name = scalar(row, "name")
            mine = private.get(name)
            reached = scalar(mine, "nb_cfg") if mine is not None else 0
            if heartbeat is not None and reached < heartbeat:
                behind[name] = self._behind.get(name, now)
            alive[name] = now - behind.get(name, now) < DOWN_SECONDS
        self._behind = behind
        return alive

    def _chassis(self, row: Any, private: Any, alive: Mapping[str, bool]) -> Chassis:
        name = scalar(row, "name")
        config = atoms(row, "other_config")
        options = config.get("ovn-cms-options", "").split(",")
        zones = [
            o.removeprefix("availability-zones=") for o in options if o.startswith("availability-")
        ]
        stamp = scalar(private, "nb_cfg_timestamp") if private is not None else 0
        first = self._first_seen.setdefault(name, time.time())
        return Chassis(
            id=name,
            host=scalar(row, "hostname"),
            alive=alive[name],
            seen_at=stamp / 1000 if stamp else first,
            availability_zones=tuple(z for zone in zones for z in zone.split(":") if z),
            bridge_mappings=tuple(b for b in config.get("ovn-bridge-mappings", "").split(",") if b),
            gateway="enable-chassis-as-gw" in options,
            details=config,
        )

    def _private(self) -> dict[str, Any]:
        rows = self._rows("Chassis_Private").values()
        return {scalar(row, "name"): row for row in rows}

    def _rows(self, table: str) -> Any:
        assert self.database is not None
        return self.database.tables[table].rows
