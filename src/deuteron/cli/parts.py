# SPDX-License-Identifier: Apache-2.0
"""The commands that are one part of a cloud each: API, loop, drift, database, extensions."""

from __future__ import annotations

import gc
import signal
import sys
from pathlib import Path

import typer

from deuteron import catalog
from deuteron.engine.choose import make_engine
from deuteron.engine.model import Engine
from deuteron.engine.poke import DatabaseListener, PokeListener, Poker, Pokes
from deuteron.host.stack import OvnStack
from deuteron.service import Service
from deuteron.settings import Settings, load
from deuteron.store.database import Database
from deuteron.store.migrate import OutOfDate, ensure
from deuteron.store.migrate import upgrade as upgrade_database
from deuteron.store.schema import Schema

Remotes = tuple[str, str]


def refuse(message: str) -> typer.Exit:
    """Say why a command cannot be done, in one line on standard error."""
    sys.stderr.write(f"deuteron: {message}\n")
    return typer.Exit(1)


def settings_of(state: Path, database: str, config: Path | None) -> Settings:
    """The settings of a state directory."""
    state = state.resolve()
    url = database or f"sqlite:///{state / 'deuteron.db'}"
    return load(config, database=url, poke_socket=str(state / "run" / "poke.sock"))


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
    _ensure(settings)
    try:
        listening = processes.listen(listen)
    except (OSError, ValueError) as error:
        raise refuse(f"cannot listen on {listen}: {error}") from None
    registry = catalog.load()

    def app() -> App:
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


def _ensure(settings: Settings) -> None:
    store = Database(settings.database)
    try:
        ensure(store, Schema(catalog.load()))
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
