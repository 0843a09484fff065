# SPDX-License-Identifier: Apache-2.0
"""Migrations lead from nothing to exactly what the declarations say."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from deuteron import catalog
from deuteron.store import migrate
from deuteron.store.database import Database
from deuteron.store.schema import Schema


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(f"sqlite:///{tmp_path}/deuteron.db")
    yield made
    made.close()


@pytest.fixture
def schema() -> Schema:
    return Schema(catalog.load())


def by_migrations(database: Database, schema: Schema) -> None:
    with database.engine.connect() as connection:
        command.upgrade(migrate.configuration(connection, schema), "head")
        connection.commit()


def test_migrations_make_what_is_declared(database: Database, schema: Schema) -> None:
    """If this fails: bin/make-migration "what changes"."""
    by_migrations(database, schema)
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, schema.metadata) == []


def test_head_is_the_newest_migration(database: Database, schema: Schema) -> None:
    by_migrations(database, schema)
    with database.engine.connect() as connection:
        found = MigrationContext.configure(connection).get_current_revision()
    assert found == migrate.HEAD


def test_upgrade_of_an_empty_database_is_at_head(database: Database, schema: Schema) -> None:
    migrate.upgrade(database, schema)
    migrate.upgrade(database, schema)
    migrate.ensure(database, schema)
    with database.engine.connect() as connection:
        assert MigrationContext.configure(connection).get_current_revision() is not None
        assert sa.inspect(connection).has_table("ports")


def test_another_schema_is_refused(database: Database, schema: Schema) -> None:
    by_migrations(database, schema)
    with database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = 'older'")
    with pytest.raises(migrate.OutOfDate, match="deuteron db upgrade"):
        migrate.ensure(database, schema)
