# SPDX-License-Identifier: Apache-2.0
"""The tables and columns of OVN's two databases that we read, with their OVSDB types.

Only these are monitored, which keeps the replica small, and a schema in the code lets the engine
start while the databases are unreachable. References are plain UUIDs here: the replica never
follows them.

Invariant: every column named here exists in OVN 22.03 and later.
"""

from __future__ import annotations

from typing import Any

_MAP = {"key": "string", "value": "string", "min": 0, "max": "unlimited"}
_STRINGS = {"key": "string", "min": 0, "max": "unlimited"}
_UUIDS = {"key": "uuid", "min": 0, "max": "unlimited"}
_OPTIONAL_UUID = {"key": "uuid", "min": 0, "max": 1}
_OPTIONAL_BOOLEAN = {"key": "boolean", "min": 0, "max": 1}
_OPTIONAL_INTEGER = {"key": "integer", "min": 0, "max": 1}

_NORTHBOUND: dict[str, dict[str, Any]] = {
    "NB_Global": {"nb_cfg": "integer", "options": _MAP},
    "Logical_Switch": {
        "name": "string",
        "ports": _UUIDS,
        "dns_records": _UUIDS,
        "other_config": _MAP,
        "external_ids": _MAP,
    },
    "Logical_Switch_Port": {
        "name": "string",
        "type": "string",
        "options": _MAP,
        "tag": _OPTIONAL_INTEGER,
        "tag_request": _OPTIONAL_INTEGER,
        "addresses": _STRINGS,
        "port_security": _STRINGS,
        "up": _OPTIONAL_BOOLEAN,
        "enabled": _OPTIONAL_BOOLEAN,
        "dhcpv4_options": _OPTIONAL_UUID,
        "dhcpv6_options": _OPTIONAL_UUID,
        "external_ids": _MAP,
    },
    "DHCP_Options": {"cidr": "string", "options": _MAP, "external_ids": _MAP},
    "DNS": {"records": _MAP, "external_ids": _MAP},
}

_SOUTHBOUND: dict[str, dict[str, Any]] = {
    "SB_Global": {"nb_cfg": "integer"},
    "Chassis": {"name": "string", "hostname": "string", "other_config": _MAP},
    "Chassis_Private": {"name": "string", "nb_cfg": "integer", "nb_cfg_timestamp": "integer"},
    "Port_Binding": {"logical_port": "string", "chassis": _OPTIONAL_UUID},
}


def _database(name: str, tables: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return {
        "name": name,
        "version": "1.0.0",
        "tables": {
            table: {
                "isRoot": True,
                "columns": {column: {"type": kind} for column, kind in columns.items()},
            }
            for table, columns in tables.items()
        },
    }


NORTHBOUND = _database("OVN_Northbound", _NORTHBOUND)
SOUTHBOUND = _database("OVN_Southbound", _SOUTHBOUND)
