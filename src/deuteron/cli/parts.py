# SPDX-License-Identifier: Apache-2.0
"""The commands that are one part of a cloud each: API, loop, drift, database, extensions."""

from __future__ import annotations

import contextlib
import gc
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa

from deuteron import catalog
from deuteron.cli.state import must_run, refusals, refuse, settings_of
from deuteron.declare.registry import Registry
from deuteron.engine.choose import make_engine
from deuteron.engine.model import Engine
from deuteron.engine.poke import PokeListener, Poker, Pokes
from deuteron.host.stack import OvnStack
from deuteron.service import Service
from deuteron.settings import Settings
from deuteron.store.database import Database
from deuteron.store.migrate import OutOfDate, ensure
from deuteron.store.migrate import upgrade as upgrade_database
from deuteron.store.schema import Schema

Remotes = tuple[str, str]
UNKNOWN = 2  # exit status of `drift` when it could not compare


@contextlib.contextmanager
def _database_refusals(status: int = 1) -> Iterator[None]:
    """`refusals`, and what the database or its URL refuses."""
    with refusals(status):
        try:
            yield
        except OutOfDate as error:
            raise refuse(str(error), status) from None
        except sa.exc.DBAPIError as error:
            words = " ".join(str(error.orig).split())
            raise refuse(f"the database does not answer: {words}", status) from None
        except (sa.exc.ArgumentError, sa.exc.NoSuchModuleError) as error:
            raise refuse(f"the database URL: {error}", status) from None


def _open(settings: Settings) -> Database:
    try:
        return Database(settings.database)
    except ValueError as error:
        raise refuse(str(error)) from None


def make_service(settings: Settings) -> Service:
    """The service without HTTP, for the loop and for tools."""
    registry = catalog.load()
    return Service(registry, Schema(registry), _open(settings), settings)


def engine_of(name: str, state: Path, remotes: Remotes = ("", "")) -> Engine:
    """The named engine; OVN's databases are the state directory's own unless `remotes` are."""
    stack = OvnStack(state)
    return make_engine(name, remotes[0] or stack.nb, remotes[1] or stack.sb)


def serve(state: Path, listen: str, database: str, workers: int, config: Path | None) -> None:
    from deuteron.api import workers as processes
    from deuteron.api.app import App
    from deuteron.api.server import make_app

    registry = catalog.load()
    with _database_refusals():
        settings = settings_of(state, database, config)
        if not database:
            state.mkdir(parents=True, exist_ok=True)
        _ensure(settings, registry)
    try:
        listening = processes.listen(listen)
    except OSError as error:
        raise refuse(f"cannot listen on {listen}: {error.strerror}") from None

    def app() -> App:
        # What a request makes has no cycles: look for garbage seldom, and not at what stays.
        gc.set_threshold(50_000, 20, 100)
        gc.freeze()
        return make_app(settings, registry=registry, committed=Poker(settings.poke_socket))

    processes.run(listening, app, workers)


def converge(
    state: Path, database: str, engine: str, config: Path | None, remotes: Remotes
) -> None:
    from deuteron.engine.loop import Loop

    with _database_refusals():
        settings = settings_of(state, database, config)
        Path(settings.poke_socket).parent.mkdir(parents=True, exist_ok=True)
        service = make_service(settings)
    pokes: list[Pokes] = [PokeListener(settings.poke_socket)]
    if service.database.dialect == "postgresql":
        from deuteron.engine.listen import DatabaseListener

        pokes.append(DatabaseListener(service.database.url))
    loop = Loop(service, engine_of(engine, state, remotes), pokes)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: loop.stop.set())
    loop.run()
    loop.engine.close()
    for poke in pokes:
        poke.close()


def drift(state: Path, database: str, config: Path | None, remotes: Remotes) -> int:
    from deuteron.engine.loop import Loop
    from deuteron.engine.model import EngineUnavailable

    # Not 1: that says that there is drift.
    with _database_refusals(UNKNOWN):
        if not remotes[0]:
            must_run(state)
        loop = Loop(
            make_service(settings_of(state, database, config)), engine_of("ovn", state, remotes)
        )
        try:
            found = list(loop.engine.differences(loop.intent()))
        except EngineUnavailable as error:
            raise refuse(f"OVN does not answer: {error}", UNKNOWN) from None
        finally:
            loop.engine.close()
    for item in found:
        sys.stdout.write(f"{item.kind:8} {item.ref.kind} {item.ref.id}: {item.what}\n")
    sys.stdout.write(f"{len(found)} differences\n")
    return 1 if found else 0


def upgrade(state: Path, database: str, config: Path | None) -> None:
    with _database_refusals():
        settings = settings_of(state, database, config)
        if not database:
            state.mkdir(parents=True, exist_ok=True)
        store = _open(settings)
        try:
            upgrade_database(store, Schema(catalog.load()))
        finally:
            store.close()
    url = sa.make_url(settings.database).render_as_string(hide_password=True)
    sys.stdout.write(f"deuteron: {url} has this version's schema\n")


def _ensure(settings: Settings, registry: Registry) -> None:
    store = _open(settings)
    try:
        ensure(store, Schema(registry))
    finally:
        store.close()


def extensions() -> None:
    found = catalog.origins()
    width = max(map(len, found))
    for alias, origin in sorted(found.items()):
        sys.stdout.write(f"{alias:{width}}  {origin}\n")
