# SPDX-License-Identifier: Apache-2.0
"""Puts the API together: registry, schema, service, routes. Invariant: no global state."""

from __future__ import annotations

from collections.abc import Callable

from deuteron import catalog
from deuteron.api.app import App
from deuteron.api.documents import add_document_routes
from deuteron.api.handlers import add_resource_routes
from deuteron.api.routes import Routes
from deuteron.auth.noauth import caller_of
from deuteron.declare.registry import Registry
from deuteron.service import Service
from deuteron.settings import Settings
from deuteron.store.database import Database
from deuteron.store.schema import Schema


def make_app(
    settings: Settings,
    *,
    registry: Registry | None = None,
    committed: Callable[[], None] = lambda: None,
) -> App:
    """The API over an existing, upgraded database."""
    registry = registry or catalog.load()
    database = Database(settings.database)
    service = Service(registry, Schema(registry), database, settings, committed)
    routes = Routes()
    add_resource_routes(routes, registry, service)
    add_document_routes(routes, registry)
    return App(routes, caller_of, dialect_of=registry.dialect_of, closed=database.close)
