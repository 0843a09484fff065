# SPDX-License-Identifier: Apache-2.0
"""Private database servers for tests: PostgreSQL and MariaDB beside SQLite.

Each server listens on a Unix socket in a directory of its own, is started when the first test
asks for it and ended, by its process, with the test session. `DEUTERON_TEST_DATABASES` names the
databases that tests run on, separated by commas: sqlite (the default), postgresql, mariadb.
Nothing here keeps data safe: the servers do not wait for disks.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa

from deuteron.store.database import Database
from deuteron.store.schema import Schema

KINDS = ("sqlite", "postgresql", "mariadb")
START_SECONDS = 60


def chosen() -> list[str]:
    """The databases that this run tests on. Raises ValueError for an unknown name."""
    names = os.environ.get("DEUTERON_TEST_DATABASES", "sqlite").split(",")
    found = [name.strip() for name in names if name.strip()]
    if not found or set(found) - set(KINDS):
        raise ValueError(f"DEUTERON_TEST_DATABASES must be of {KINDS}, not {names}")
    return found


@contextlib.contextmanager
def server(kind: str) -> Iterator[str]:
    """Run a server of this kind; the SQLAlchemy URL of an empty database in it."""
    directory = Path(tempfile.mkdtemp(prefix=f"deuteron-{kind}-"))
    try:
        with {"postgresql": _postgresql, "mariadb": _mariadb}[kind](directory) as url:
            yield url
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@contextlib.contextmanager
def _postgresql(directory: Path) -> Iterator[str]:
    """PostgreSQL refuses to run as root; then it runs as the user its package made."""
    [binaries] = sorted(Path("/usr/lib/postgresql").glob("*/bin"))[-1:]
    user = "postgres" if os.geteuid() == 0 else None
    data = directory / "data"
    if user:
        shutil.chown(directory, user)
    _run([binaries / "initdb", "-D", data, "-U", "deuteron", "-A", "trust", "--no-sync"], user)
    options = {
        "listen_addresses": "",
        "unix_socket_directories": str(directory),
        "fsync": "off",
        "synchronous_commit": "off",
        "full_page_writes": "off",
        "max_connections": "200",
    }
    settings = [f"-c{name}={value}" for name, value in options.items()]
    process = _start([binaries / "postgres", "-D", data, *settings], user, directory)
    url = sa.URL.create(
        "postgresql", "deuteron", database="postgres", query={"host": str(directory)}
    ).render_as_string(hide_password=False)
    with _ending(process, directory):
        _wait(url.replace("postgresql:", "postgresql+psycopg:"), process, directory)
        yield url


@contextlib.contextmanager
def _mariadb(directory: Path) -> Iterator[str]:
    user = "mysql" if os.geteuid() == 0 else None
    data, socket = directory / "data", directory / "socket"
    if user:
        shutil.chown(directory, user)
    where = ["--no-defaults", f"--datadir={data}"]
    _run(
        [
            "mariadb-install-db",
            *where,
            "--skip-test-db",
            "--auth-root-authentication-method=normal",
        ],
        user,
    )
    fast = ["--innodb-flush-log-at-trx-commit=0", "--skip-log-bin", "--innodb-doublewrite=0"]
    process = _start(
        ["mariadbd", *where, f"--socket={socket}", "--skip-networking", *fast], user, directory
    )
    query = {"unix_socket": str(socket)}
    driver = "mysql+pymysql"
    with _ending(process, directory):
        root = sa.URL.create(driver, "root", host="localhost", query=query)
        plain = root.render_as_string(hide_password=False)
        _wait(plain, process, directory, "CREATE DATABASE deuteron CHARACTER SET utf8mb4")
        yield root.set(drivername="mysql", database="deuteron").render_as_string(
            hide_password=False
        )


def _run(command: list[str | Path], user: str | None) -> None:
    done = subprocess.run(
        [*map(str, command)],
        user=user,
        extra_groups=[] if user else None,
        cwd="/",
        env=_environment(user),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed: {done.stdout[-2000:]}{done.stderr[-2000:]}")


def _start(command: list[str | Path], user: str | None, directory: Path) -> subprocess.Popen[bytes]:
    """A server that also ends if the tests are killed."""
    become = ["--reuid", user, "--regid", user, "--clear-groups"] if user else []
    with (directory / "log").open("wb") as log:
        return subprocess.Popen(
            ["setpriv", *become, "--pdeathsig", "TERM", *map(str, command)],
            cwd="/",
            env=_environment(user),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )


def _environment(user: str | None) -> dict[str, str]:
    home = pwd.getpwnam(user).pw_dir if user else os.environ.get("HOME", "/")
    return {"PATH": "/usr/bin:/usr/sbin:/bin:/sbin", "HOME": home, "LC_ALL": "C.UTF-8"}


@contextlib.contextmanager
def _ending(process: subprocess.Popen[bytes], directory: Path) -> Iterator[None]:
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(
    url: str, process: subprocess.Popen[bytes], directory: Path, first: str = "SELECT 1"
) -> None:
    """Wait until the server answers the statement `first`. Raises RuntimeError if it ends."""
    engine = sa.create_engine(url, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            with engine.connect() as connection:
                connection.exec_driver_sql(first)
                return
        except sa.exc.OperationalError as error:
            if process.poll() is not None or time.monotonic() > deadline:
                log = (directory / "log").read_text(errors="replace")
                raise RuntimeError(f"the server does not answer: {log[-3000:]}") from error
            time.sleep(0.1)


def create(database: Database, schema: Schema) -> None:
    """Make the tables."""
    schema.metadata.create_all(database.engine)


def empty(database: Database, schema: Schema) -> None:
    """Remove every row of every table; for the few rows of a test faster than truncating."""

    def run(connection: sa.Connection) -> None:
        for table in reversed(schema.metadata.sorted_tables):
            connection.execute(table.delete())

    database.write(run)
