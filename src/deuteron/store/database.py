# SPDX-License-Identifier: Apache-2.0
"""Connections to the database, and transactions that are tried again when they collide.

Invariant: what `write` returned is durable; what raised left nothing. Writers on SQLite queue on
a file lock, so that none sleeps in the database's busy handler; their commits reach the disk in
groups (`store.walsync`) before they are answered.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, OperationalError

from deuteron.errors import Unavailable
from deuteron.store.walsync import GroupSync, flush_file

ATTEMPTS: Final = 40
Result = TypeVar("Result")
# Deadlocks and lock time-outs: MariaDB's error numbers and PostgreSQL's SQLSTATEs.
_RETRIED_NUMBERS: Final = frozenset({1205, 1213, 1020})
_RETRIED_STATES: Final = frozenset({"40001", "40P01", "55P03"})


class Retry(Exception):
    """The transaction lost a race (say, for an address) and is to be run again from its start."""


class Database:
    """One database by SQLAlchemy URL; safe to use from many threads."""

    def __init__(self, url: str) -> None:
        parsed = sa.make_url(url)
        self.url = parsed
        self.dialect = parsed.get_backend_name()
        self._lock_path: Path | None = None
        self._local = threading.local()
        self._durable: GroupSync | None = None
        self._reading: contextlib.AbstractContextManager[Any] = contextlib.nullcontext()
        if self.dialect == "sqlite":
            self.engine = self._sqlite(parsed)
        elif self.dialect == "postgresql":
            self.engine = sa.create_engine(
                parsed.set(drivername="postgresql+psycopg"),
                isolation_level="READ COMMITTED",
                pool_size=16,
                max_overflow=16,
                pool_pre_ping=True,
            )
        elif self.dialect in ("mysql", "mariadb"):
            self.engine = sa.create_engine(
                parsed.set(drivername="mysql+pymysql").update_query_dict({"charset": "utf8mb4"}),
                isolation_level="READ COMMITTED",
                pool_size=16,
                max_overflow=16,
                pool_pre_ping=True,
                pool_recycle=3600,
            )
        else:
            raise ValueError(f"{self.dialect} is not a database that Deuteron runs on")

    def _sqlite(self, url: sa.URL) -> sa.Engine:
        if not url.database or url.database == ":memory:":
            raise ValueError("an SQLite database must be a file")
        self._lock_path = Path(f"{url.database}.lock")
        self._reading = threading.RLock()
        self._durable = GroupSync(flush_file(f"{url.database}-wal"))
        engine = sa.create_engine(
            url,
            pool_size=16,
            max_overflow=16,
            isolation_level="AUTOCOMMIT",
            connect_args={"timeout": 30, "check_same_thread": False, "cached_statements": 512},
        )

        @sa.event.listens_for(engine, "connect")
        def _pragmas(connection: Any, _record: Any) -> None:
            for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "cache_size=-16000"):
                connection.execute(f"PRAGMA {pragma}")

        return engine

    @contextlib.contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A connection for reading.

        On SQLite one thread reads at a time: a read waits for nothing but the processor, and the
        driver lets go of the interpreter at every row, so that several would only take it from
        each other.
        """
        with self._reading, self._answering(), self.engine.connect() as connection:
            yield connection

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[sa.Connection]:
        """A connection whose reads all see the same moment."""
        level = "AUTOCOMMIT" if self.dialect == "sqlite" else "REPEATABLE READ"
        with self._answering(), self.engine.connect() as found:
            connection = found.execution_options(isolation_level=level)
            if self.dialect == "sqlite":
                connection.exec_driver_sql("BEGIN")
            try:
                yield connection
            finally:
                if self.dialect == "sqlite":
                    connection.exec_driver_sql("ROLLBACK")

    def write(self, run: Callable[[sa.Connection], Result]) -> Result:
        """Run `run` in a transaction and commit; again if it collides with another's.

        `run` must have no effect but on the connection. Raises `Unavailable` if the database
        cannot be reached or the collisions do not end.
        """
        for attempt in range(ATTEMPTS):
            try:
                with self._answering(), self._transaction() as connection:
                    result = run(connection)
                if self._durable is not None:
                    self._durable.wait()
                return result
            except Retry:
                pass
            except DBAPIError as error:
                if not _collided(error):
                    raise
            time.sleep(random.random() * 0.002 * min(attempt, 10))
        raise Unavailable("ServiceUnavailable", "The database is too busy; try again.")

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sa.Connection]:
        if self._lock_path is None:
            with self.engine.begin() as connection:
                yield connection
            return
        with self.engine.connect() as connection, self._writer():
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.exec_driver_sql("ROLLBACK")
                raise
            connection.exec_driver_sql("COMMIT")

    @contextlib.contextmanager
    def _writer(self) -> Iterator[None]:
        """Wait for the turn to write; each thread has an open lock file of its own."""
        lock = getattr(self._local, "lock", None)
        if lock is None or self._local.pid != os.getpid():
            assert self._lock_path is not None
            lock = open(self._lock_path, "a", opener=_private)  # noqa: SIM115  kept open
            self._local.lock, self._local.pid = lock, os.getpid()
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(lock, fcntl.LOCK_UN)

    @contextlib.contextmanager
    def _answering(self) -> Iterator[None]:
        """Tell a database that cannot be reached from one that refuses a statement."""
        try:
            yield
        except OperationalError as error:
            if _collided(error):
                raise
            if error.connection_invalidated or _unreachable(error):
                raise Unavailable("ServiceUnavailable", "The database does not answer.") from error
            raise

    def close(self) -> None:
        """Close idle connections; also to be called in a child process after a fork."""
        self.engine.dispose()


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC, 0o600)


def _collided(error: DBAPIError) -> bool:
    cause = error.orig
    if getattr(cause, "sqlstate", None) in _RETRIED_STATES:
        return True
    number = cause.args[0] if cause is not None and cause.args else None
    return number in _RETRIED_NUMBERS or "database is locked" in str(cause)


def _unreachable(error: OperationalError) -> bool:
    cause = error.orig
    number = cause.args[0] if cause is not None and cause.args else None
    if isinstance(number, int):
        return number in (2002, 2003, 2006, 2013, 1053, 1927)
    return "connection" in str(cause).lower() or "unable to open" in str(cause)
