# SPDX-License-Identifier: Apache-2.0
"""The API over made-up declarations, without any resource of Networking."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa

from deuteron.api.app import App
from deuteron.api.server import make_app
from deuteron.declare.registry import Registry
from deuteron.declare.resource import Extension, Resource
from deuteron.settings import Settings
from deuteron.store.database import Database
from deuteron.store.schema import Schema
from tests.api.conftest import Api


@dataclass
class World(Api):
    """An `Api` that knows what it serves, and counts SQL statements."""

    registry: Registry = None  # type: ignore[assignment]
    statements: list[str] = None  # type: ignore[assignment]

    def count(self, run: Callable[[], object]) -> int:
        """How many statements `run` executes."""
        before = len(self.statements)
        run()
        return len(self.statements) - before


Serve = Callable[..., World]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """`serve(resource, ..., extension, ...)`: the API over these declarations and no others.

    The database is empty unless `name` is that of an earlier one.
    """
    apps: list[App] = []
    statements: list[str] = []

    def note(_c: object, _cursor: object, statement: str, *_rest: object) -> None:
        statements.append(statement)

    def start(*declared: Resource | Extension, name: str = "", **options: object) -> World:
        resources = [d for d in declared if isinstance(d, Resource)]
        registry = Registry.build(resources, [d for d in declared if isinstance(d, Extension)])
        url = f"sqlite:///{tmp_path}/{name or len(apps)}.db"
        schema, database = Schema(registry), Database(url)
        own = [schema.dirty, schema.limits, schema.quota_locks, *schema.tables.values()]
        schema.metadata.create_all(database.engine, tables=own)
        database.close()
        app = make_app(Settings(database=url, **options), registry=registry)  # type: ignore[arg-type]
        apps.append(app)
        return World(app, {}, registry, statements)

    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    yield start
    sa.event.remove(sa.Engine, "before_cursor_execute", note)
    for app in apps:
        app.close()
