# SPDX-License-Identifier: Apache-2.0
"""Brings a database to this version's schema.

Our own tables are at an Alembic revision; tables of installed packages are created where they are
missing. Invariant: running it again, or twice at once, changes nothing.
"""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from deuteron.store.database import Database
from deuteron.store.schema import Schema

if TYPE_CHECKING:
    from alembic.config import Config

# The newest migration. Alembic knows too, but takes a quarter of a second to ask at every start.
HEAD: Final = "4ea8b5a9c223"
_LOCK: Final = 0x0DE7E205
_DIRECTORY: Final = Path(__file__).parent / "migrations"


class OutOfDate(Exception):
    """The database is at another schema than this program's; the text says what to do."""


def upgrade(database: Database, schema: Schema) -> None:
    """Create or alter what differs from this version's schema."""
    with database.engine.connect() as connection, _alone(connection, database):
        current = _current(connection)
        if current is None and not sa.inspect(connection).has_table("ports"):
            _create(connection, schema)
        elif current != HEAD:
            from alembic import command

            command.upgrade(configuration(connection, schema), "head")
        schema.metadata.create_all(connection)
        connection.commit()


def ensure(database: Database, schema: Schema) -> None:
    """Create the schema of an empty database. Raises `OutOfDate` for another version's."""
    with database.engine.connect() as connection:
        current = _current(connection)
        empty = current is None and not sa.inspect(connection).has_table("ports")
    if empty:
        upgrade(database, schema)
    elif current != HEAD:
        raise OutOfDate(
            f"the database is at schema {current}, this program needs {HEAD}: "
            "run `deuteron db upgrade`"
        )


def _current(connection: sa.Connection) -> str | None:
    """The migration that the database is at, None if it was never migrated."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    return connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()


def _create(connection: sa.Connection, schema: Schema) -> None:
    """All tables at once, marked as Alembic would after its last migration."""
    schema.metadata.create_all(connection)
    version = sa.Table(
        "alembic_version",
        sa.MetaData(),
        sa.Column("version_num", sa.String(32), nullable=False, primary_key=True),
    )
    version.create(connection, checkfirst=True)
    connection.execute(version.insert(), {"version_num": HEAD})


def make_revision(database: Database, schema: Schema, message: str) -> None:
    """Write a migration file from what the declarations have and an upgraded database lacks."""
    from alembic import command

    with database.engine.connect() as connection:
        command.revision(configuration(connection, schema), message, autogenerate=True)


def configuration(connection: sa.Connection, schema: Schema) -> Config:
    """Alembic on this connection, told where the migrations are and what is declared."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_DIRECTORY))
    config.set_main_option("file_template", "%%(slug)s")
    config.attributes["connection"] = connection
    config.attributes["metadata"] = schema.metadata
    return config


@contextlib.contextmanager
def _alone(connection: sa.Connection, database: Database) -> Iterator[None]:
    """Keep others from upgrading at the same time."""
    if database.dialect == "sqlite":
        with open(f"{database.url.database}.upgrade", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        return
    if database.dialect == "postgresql":
        take, give = f"SELECT pg_advisory_lock({_LOCK})", f"SELECT pg_advisory_unlock({_LOCK})"
    else:
        take = f"SELECT GET_LOCK('deuteron-{_LOCK}', 60)"
        give = f"SELECT RELEASE_LOCK('deuteron-{_LOCK}')"
    connection.exec_driver_sql(take)
    try:
        yield
    finally:
        connection.exec_driver_sql(give)
        connection.commit()
