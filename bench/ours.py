# SPDX-License-Identifier: Apache-2.0
"""Our server under test: `deuteron serve` with two workers on a fresh database of one kind.

Invariant: the database is private to the run, on loopback, in a temporary directory, with the
durability its packagers ship (every answered write is on disk), as the peer's has.
"""

import contextlib
import pwd
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from bench.servers import Server, children, free_port, running, wait_for

DATABASES = ("sqlite", "mariadb", "postgresql")
COMMAND = Path(sys.executable).parent / "deuteron"


@contextlib.contextmanager
def started(database: str, directory: Path) -> Iterator[Server]:
    """`deuteron serve` on an empty database of that kind."""
    opened = {"sqlite": _sqlite, "mariadb": _mariadb, "postgresql": _postgresql}[database]
    with opened(directory) as url:
        port = free_port()
        command = [str(COMMAND), "serve", "--listen", f"127.0.0.1:{port}", "--database", url]
        command += ["--state", str(directory / "state")]
        log = directory / "serve.log"
        with running([*command, "--workers", "2"], log) as process:
            wait_for(("127.0.0.1", port), 60, process, log)
            yield Server(database, ("127.0.0.1", port), _workers(process.pid))


def _workers(pid: int) -> list[int]:
    """The server's worker processes: Python's helper processes (resource tracker) are not."""
    found = []
    for child in children(pid):
        command = Path(f"/proc/{child}/cmdline").read_bytes()
        if b"resource_tracker" not in command:
            found.append(child)
    return found or [pid]


@contextlib.contextmanager
def _sqlite(directory: Path) -> Iterator[str]:
    yield f"sqlite:///{directory.absolute()}/bench.db"


@contextlib.contextmanager
def _mariadb(directory: Path) -> Iterator[str]:
    data, socket_path, log = directory / "mariadb", directory / "my.sock", directory / "mariadb.log"
    install = ["mariadb-install-db", "--no-defaults", "--user=root", f"--datadir={data}"]
    install += ["--auth-root-authentication-method=normal", "--skip-test-db"]
    subprocess.run(install, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    port = free_port()
    command = ["mariadbd", "--no-defaults", "--user=root", f"--datadir={data}", f"--port={port}"]
    command += ["--bind-address=127.0.0.1", f"--socket={socket_path}", "--max-connections=400"]
    command += ["--innodb-buffer-pool-size=512M", "--innodb-flush-log-at-trx-commit=1"]
    with running(command, log) as process:
        client = ["mariadb", "--no-defaults", "-uroot", "-S", str(socket_path), "-e"]
        statements = (
            "CREATE DATABASE bench CHARACTER SET utf8mb4;"
            "GRANT ALL ON bench.* TO 'bench'@'127.0.0.1' IDENTIFIED BY 'bench'"
        )
        _until([*client, statements], process)
        yield f"mysql+pymysql://bench:bench@127.0.0.1:{port}/bench"


@contextlib.contextmanager
def _postgresql(directory: Path) -> Iterator[str]:
    # PostgreSQL refuses to run as root: the files belong to Debian's user of that name.
    account = pwd.getpwnam("postgres")
    data = directory / "postgresql"
    data.mkdir()
    for above in (directory, directory.parent):
        above.chmod(0o711)
    shutil.chown(data, account.pw_uid, account.pw_gid)
    programs = _postgresql_programs()
    as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    install = [*as_user, str(programs / "initdb"), "-D", str(data), "-U", "bench", "-A", "trust"]
    subprocess.run(install, check=True, stdout=subprocess.DEVNULL, cwd="/")
    port = free_port()
    command = [*as_user, str(programs / "postgres"), "-D", str(data), "-p", str(port)]
    command += ["-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={data}"]
    # SIGINT is PostgreSQL's fast shutdown; SIGTERM would wait for the clients.
    with running(command, directory / "postgresql.log", signal.SIGINT) as process:
        client = [str(programs / "createdb"), "-h", "127.0.0.1", "-p", str(port), "-U", "bench"]
        _until([*client, "bench"], process)
        yield f"postgresql+psycopg://bench@127.0.0.1:{port}/bench"


def _postgresql_programs() -> Path:
    """The newest installed server: Debian keeps its programs out of PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: p.parts[4])
    if not found:
        raise RuntimeError("PostgreSQL is not installed: apt-get install postgresql")
    return found[-1].parent


def _until(command: list[str], server: subprocess.Popen[bytes]) -> None:
    """Repeat a client's command until the database takes it, for 30 s."""
    stop = time.monotonic() + 30
    while True:
        done = subprocess.run(command, capture_output=True, check=False)
        if done.returncode == 0:
            return
        if server.poll() is not None or time.monotonic() > stop:
            raise RuntimeError(f"{command[0]}: {done.stderr.decode()[-500:]}")
        time.sleep(0.2)
