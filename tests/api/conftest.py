# SPDX-License-Identifier: Apache-2.0
"""The API in this process, over an empty database for each test.

Every test that uses `api` runs on each database that `DEUTERON_TEST_DATABASES` names (see
`tests.databases`). A test that needs other settings overrides `settings` with `database_url`.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import pytest

from deuteron import catalog
from deuteron.api.app import App
from deuteron.api.server import make_app
from deuteron.settings import Settings
from deuteron.store.database import Database
from deuteron.store.schema import Schema
from tests import databases

REGISTRY = catalog.load()
PROJECT_A = "a" * 32
PROJECT_B = "b" * 32


@dataclass
class Response:
    status: int
    headers: dict[str, str]
    body: Any


@dataclass
class Api:
    """Calls the application without a socket. `identity` are headers; none means admin."""

    app: App
    identity: dict[str, str] = field(default_factory=dict)

    def as_project(self, project: str, roles: str = "member") -> Api:
        headers = {"x-project-id": project, "x-user-id": "u" * 32, "x-roles": roles}
        return Api(self.app, headers)

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        query: Any = "",
        headers: dict[str, str] | None = None,
        raw: bytes | None = None,
    ) -> Response:
        pairs = {"host": "deuteron", **self.identity, **(headers or {})}
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": (query if isinstance(query, str) else urlencode(query, True)).encode(),
            "headers": [(k.lower().encode(), v.encode()) for k, v in pairs.items()],
            "scheme": "http",
        }
        content = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        status, found, answer = self.app.answer(scope, content)
        decoded = {k.decode(): v.decode() for k, v in found}
        return Response(status, decoded, json.loads(answer) if answer else None)

    def create(self, member: str, path: str | None = None, **attributes: Any) -> dict[str, Any]:
        """Create an object and return it; fails the test if it was refused."""
        collection = path or f"{member}s"
        answer = self.call("POST", f"/v2.0/{collection}", {member: attributes})
        assert answer.status == 201, answer.body
        found: dict[str, Any] = answer.body[member]
        return found

    def get(self, path: str, query: Any = "") -> Any:
        answer = self.call("GET", f"/v2.0/{path}", query=query)
        assert answer.status == 200, answer.body
        return answer.body

    def refused(self, method: str, path: str, body: Any = None, query: Any = "") -> tuple[int, str]:
        """Status and error type of a request that must fail in the API's error shape."""
        answer = self.call(method, f"/v2.0/{path}", body, query)
        assert answer.status >= 400, answer.body
        error = answer.body["NeutronError"]
        assert set(error) == {"type", "message", "detail"}
        return answer.status, error["type"]


SCHEMA = Schema(REGISTRY)


@pytest.fixture(scope="session", params=databases.chosen())
def database(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Database]:
    """A database with tables, once for each kind."""
    with contextlib.ExitStack() as stack:
        if request.param == "sqlite":
            url = f"sqlite:///{tmp_path_factory.mktemp('database')}/deuteron.db"
        else:
            url = stack.enter_context(databases.server(request.param))
        found = Database(url)
        stack.callback(found.close)
        databases.create(found, SCHEMA)
        yield found


@pytest.fixture(scope="session")
def apps() -> Iterator[dict[str, App]]:
    """Applications by their settings: each has compiled its statements for the next test."""
    found: dict[str, App] = {}
    yield found
    for app in found.values():
        app.close()


@pytest.fixture
def database_url(database: Database) -> Iterator[str]:
    """The URL of a database whose tables are empty."""
    yield database.url.render_as_string(hide_password=False)
    databases.empty(database, SCHEMA)


@pytest.fixture
def settings(database_url: str) -> Settings:
    """Overridden, with the same `database_url`, by tests that need other settings."""
    return Settings(database=database_url)


@pytest.fixture
def api(settings: Settings, database_url: str, apps: dict[str, App]) -> Api:
    assert settings.database == database_url, "settings are for another database"
    app = apps.get(repr(settings))
    if app is None:
        app = apps[repr(settings)] = make_app(settings, registry=REGISTRY)
    return Api(app)
