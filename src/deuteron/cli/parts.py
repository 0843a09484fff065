# SPDX-License-Identifier: Apache-2.0
"""The commands that are one part of a cloud each: API, loop, drift, database, extensions."""

from __future__ import annotations

import gc
import signal
import sys
from pathlib import Path

from deuteron import catalog
from deuteron.cli.state import refuse, settings_of
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


def make_service(settings: Settings) -> Service:
    """The service without HTTP, for the loop and for tools."""
    registry = catalog.load()
    return Service(registry, Schema(registry), Database(settings.database), settings)


def engine_of(name: str, state: Path, remotes: Remotes = ("", "")) -> Engine:
    """The named engine; OVN's databases are the state directory's own unless `remotes` are."""
    stack = OvnStack(state)
    return make_engine(name, remotes[0] or stack.nb, remotes[1] or stack.sb)


def serve(state: Path, listen: str, database: str, workers: int, config: Path | None) -> None:
    from deuteron.api import workers as processes
    from deuteron.api.app import App
    from deuteron.api.server import make_app

    settings = settings_of(state, database, config)
    if not database:
        state.mkdir(parents=True, exist_ok=True)
    registry = catalog.load()
    _ensure(settings, registry)
    try:
        listening = processes.listen(listen)
    except (OSError, ValueError) as error:
        raise refuse(f"cannot listen on {listen}: {error}") from None

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

    settings = settings_of(state, database, config)
    loop = Loop(make_service(settings), engine_of("ovn", state, remotes))
    try:
        found = list(loop.engine.differences(loop.intent()))
    except EngineUnavailable as error:
        raise refuse(f"OVN does not answer: {error}") from None
    finally:
        loop.engine.close()
    for item in found:
        sys.stdout.write(f"{item.kind:8} {item.ref.kind} {item.ref.id}: {item.what}\n")
    sys.stdout.write(f"{len(found)} differences\n")
    return 1 if found else 0


def upgrade(state: Path, database: str) -> None:
    settings = settings_of(state, database, None)
    if not database:
        state.mkdir(parents=True, exist_ok=True)
    _upgrade(settings)


def _ensure(settings: Settings, registry: Registry) -> None:
    store = Database(settings.database)
    try:
        ensure(store, Schema(registry))
    except OutOfDate as error:
        raise refuse(str(error)) from None
    finally:
        store.close()


def _upgrade(settings: Settings) -> None:
    database = Database(settings.database)
    upgrade_database(database, Schema(catalog.load()))
    database.close()


def extensions() -> None:
    for alias, module in sorted(catalog.origins().items()):
        sys.stdout.write(f"{alias:50} {module}\n")
