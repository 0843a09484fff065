# SPDX-License-Identifier: Apache-2.0
"""Private OVN databases (and northd) in a directory of a test, over unix sockets."""

from __future__ import annotations

import json
import re
import subprocess
import time
from pathlib import Path
from typing import Any

SCHEMAS = Path("/usr/share/ovn")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class PrivateOvn:
    """Each server is a child process; `close` ends those it started and no other."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    def remote(self, which: str) -> str:
        return f"unix:{self.directory}/{which}.sock"

    def create_cluster(self, which: str) -> None:
        """Make the file of a clustered database with one member, to be started."""
        file, schema = self.directory / f"{which}.db", SCHEMAS / f"ovn-{which}.ovsschema"
        raft = f"unix:{self.directory}/{which}.raft"
        subprocess.run(["ovsdb-tool", "create-cluster", file, schema, raft], check=True)

    def start(self, which: str) -> None:
        """Start the database `nb` or `sb`, made empty if its file is not there."""
        file = self.directory / f"{which}.db"
        if not file.exists():
            schema = SCHEMAS / f"ovn-{which}.ovsschema"
            subprocess.run(["ovsdb-tool", "create", file, schema], check=True)
        socket = self.directory / f"{which}.sock"
        socket.unlink(missing_ok=True)
        self._spawn(
            which, "ovsdb-server", f"--remote=p{self.remote(which)}", "--no-chdir", str(file)
        )
        deadline = time.monotonic() + 10
        while not socket.exists():
            assert time.monotonic() < deadline, f"{which} did not start"
            time.sleep(0.01)

    def start_northd(self) -> None:
        self._spawn(
            "northd",
            "ovn-northd",
            f"--ovnnb-db={self.remote('nb')}",
            f"--ovnsb-db={self.remote('sb')}",
        )

    def stop(self, which: str) -> None:
        child = self._children.pop(which)
        child.kill()
        child.wait()

    def close(self) -> None:
        for which in list(self._children):
            self.stop(which)

    def pid(self, which: str) -> int:
        return self._children[which].pid

    def nbctl(self, *arguments: str) -> str:
        return self._ctl("nb", *arguments)

    def sbctl(self, *arguments: str) -> str:
        return self._ctl("sb", *arguments)

    def trace(self, switch: str, flow: str) -> str:
        """What OVN's pipeline does with a packet, in one word per line."""
        command = ["ovn-trace", "--minimal", f"--db={self.remote('sb')}", switch, flow]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def rows(self, which: str, table: str) -> list[dict[str, Any]]:
        """All rows of a table as plain Python values; sets are sorted lists."""
        answer = json.loads(self._ctl(which, "--format=json", "list", table))
        return [
            {name: _plain(cell) for name, cell in zip(answer["headings"], row, strict=True)}
            for row in answer["data"]
        ]

    def _ctl(self, which: str, *arguments: str) -> str:
        command = [f"ovn-{which}ctl", f"--db={self.remote(which)}", "--timeout=20", *arguments]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        assert done.returncode == 0, (arguments, done.stderr)
        return done.stdout

    def _spawn(self, which: str, program: str, *arguments: str) -> None:
        with (self.directory / f"{which}.log").open("ab") as log:
            self._children[which] = subprocess.Popen(
                [
                    program,
                    *arguments,
                    f"--unixctl={self.directory}/{which}.ctl",
                    f"--pidfile={self.directory}/{which}.pid",
                    "-vconsole:warn",
                ],
                stdout=log,
                stderr=log,
            )


def _plain(cell: Any) -> Any:
    match cell:
        case ["map", pairs]:
            return dict(pairs)
        case ["set", elements]:
            return sorted(_plain(element) for element in elements)
        case ["uuid", text]:
            return text
    return cell


_GOLDEN_TABLES = {
    "Logical_Switch": ("name", "other_config", "external_ids", "ports", "dns_records"),
    "Logical_Switch_Port": (
        "name", "type", "addresses", "port_security", "enabled", "tag", "tag_request", "options",
        "dhcpv4_options", "dhcpv6_options", "external_ids",
    ),
    "DHCP_Options": ("cidr", "options", "external_ids"),
    "DNS": ("records", "external_ids"),
}  # fmt: skip


def golden_text(ovn: PrivateOvn) -> str:
    """The northbound content, in order and with rows named by their marks instead of UUIDs."""
    tables = {table: ovn.rows("nb", table) for table in _GOLDEN_TABLES}
    label = {row["_uuid"]: _label(row) for rows in tables.values() for row in rows}

    def readable(value: Any) -> Any:
        if isinstance(value, list):
            return sorted(readable(element) for element in value)
        if isinstance(value, str) and _UUID.fullmatch(value):
            return label.get(value, value)
        return value

    lines: list[str] = []
    for table, columns in _GOLDEN_TABLES.items():
        for row in sorted(tables[table], key=_label):
            lines.append(f"{table} {_label(row)}")
            for column in columns:
                cell = row[column]
                if cell in ([], {}, ""):
                    continue
                if isinstance(cell, dict):
                    lines += [f"    {column}:{k} = {v}" for k, v in sorted(cell.items())]
                else:
                    lines.append(f"    {column} = {json.dumps(readable(cell))}")
    return "\n".join(lines) + "\n"


def _label(row: dict[str, Any]) -> str:
    ids = row["external_ids"]
    if "deuteron:kind" in ids:
        return f"<{ids['deuteron:kind']} {ids['deuteron:id']} {ids['deuteron:role']}>"
    return f"<foreign {row.get('name', '')}>"
