# SPDX-License-Identifier: Apache-2.0
"""Upstream's server as the peer: the lab's Neutron on MariaDB, two worker processes.

Invariant: the peer has a database and a port of its own, empty or just filled with the listing, so
a server that somebody else runs from the same lab is neither measured nor disturbed.
"""

import contextlib
import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

from bench.servers import Server, children, wait_for

PORT = 9796
DATABASE = "neutron_bench"
DATABASE_PORT = 3307


def installed(lab: Path | None) -> str:
    """Why the peer cannot be started, or an empty string."""
    if lab is None:
        return "no lab given (--lab DIR or DEUTERON_LAB)"
    if not (lab / "start_neutron.sh").exists():
        return f"{lab} has no start_neutron.sh"
    if not (_root() / "upstream" / "bin" / "uwsgi").exists():
        return f"the lab is not installed in {_root()}: run {lab}/install.sh"
    return ""


def _root() -> Path:
    return Path(os.environ.get("LAB", str(Path.home() / ".cache" / "deuteron-lab")))


def _listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _saved() -> Path:
    """The dump of the peer's database with the listing in it: making that takes it minutes."""
    return _root() / "bench-listing.sql"


def _client(program: str) -> list[str]:
    socket_path = _root() / "run" / "mysqld.sock"
    return [program, "--no-defaults", "-uroot", "-S", str(socket_path)]


def _save() -> None:
    partial = _saved().with_suffix(".partial")
    with partial.open("wb") as out:
        subprocess.run([*_client("mariadb-dump"), DATABASE], stdout=out, check=True)
    partial.rename(_saved())


def _load() -> None:
    statements = (
        f"DROP DATABASE IF EXISTS {DATABASE}; CREATE DATABASE {DATABASE} CHARACTER SET utf8mb3;"
        f"GRANT ALL ON {DATABASE}.* TO 'lab'@'127.0.0.1'"
    )
    subprocess.run([*_client("mariadb"), "-e", statements], check=True)
    with _saved().open("rb") as dump:
        subprocess.run([*_client("mariadb"), DATABASE], stdin=dump, check=True)


@contextlib.contextmanager
def started(lab: Path) -> Iterator[Server]:
    """The lab's Neutron without authentication on an empty database; stopped on the way out."""
    settings = {"NEUTRON_PORT": str(PORT), "NEUTRON_DB": DATABASE, "NEUTRON_PROCS": "2"}
    environment = {**os.environ, **settings, "LAB": str(_root())}
    had_database = _listening(DATABASE_PORT)

    def script(name: str, *arguments: str) -> None:
        # The script leaves daemons behind: pipes to it would never close.
        command = ["bash", str(lab / name), *arguments]
        subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL, timeout=300)

    try:
        script("start_mariadb.sh")
        if _saved().exists():
            _load()
            script("start_neutron.sh", "noauth")
        else:
            script("start_neutron.sh", "noauth", "fresh")
        address = ("127.0.0.1", PORT)
        wait_for(address, 60)
        master = int((_root() / "run" / f"neutron-{PORT}.pid").read_text())
        yield Server("upstream", address, children(master), _save)
    finally:
        script("start_neutron.sh", "stop")
        if not had_database:
            script("start_mariadb.sh", "stop")
