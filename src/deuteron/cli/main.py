# SPDX-License-Identifier: Apache-2.0
"""The command `deuteron`. Invariant: a command's module is imported only when it runs."""

from __future__ import annotations

import logging
import warnings
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="OpenStack Networking over OVN.",
)
database_commands = typer.Typer(no_args_is_help=True, help="Look after the database.")
app.add_typer(database_commands, name="db")

DEFAULT_LISTEN = "127.0.0.1:9696"


class EngineName(StrEnum):
    """What moves the packets."""

    ovn = "ovn"
    simulator = "simulator"


def _address(value: str) -> str:
    """HOST:PORT, its host and port plain to see. Raises BadParameter for anything else."""
    host, _, port = value.rpartition(":")
    host = host.strip("[]") or "127.0.0.1"
    if not (port.isascii() and port.isdecimal() and 0 < int(port) < 65536):
        raise typer.BadParameter(f"{value!r} is not HOST:PORT, such as {DEFAULT_LISTEN}")
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"deuteron {version('deuteron')}")
        raise typer.Exit


State = Annotated[Path, typer.Option("--state", help="Where everything of this cloud is kept.")]
Listen = Annotated[str, typer.Option("--listen", callback=_address, help="HOST:PORT of the API.")]
Workers = Annotated[int, typer.Option("--workers", min=1, help="API worker processes.")]
EngineOption = Annotated[EngineName, typer.Option("--engine", help="What moves the packets.")]
DatabaseUrl = Annotated[
    str, typer.Option("--database", help="SQLAlchemy URL; default: SQLite in the state directory.")
]
Config = Annotated[
    Path | None, typer.Option("--config", help="TOML file of settings (see docs/settings.md).")
]
STATE = Path("state")


@app.callback()
def _logging(
    debug: Annotated[bool, typer.Option("--debug", help="Log everything.")] = False,
    _asked: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Which one it is.")
    ] = False,
) -> None:
    level = logging.DEBUG if debug else logging.INFO
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("alembic").setLevel(logging.WARNING)
    # The ovs library takes eventlet along where it is installed, and eventlet complains of itself.
    warnings.filterwarnings("ignore", message=r"\s*Eventlet is deprecated")


@app.command()
def up(
    state: State = STATE,
    listen: Listen = DEFAULT_LISTEN,
    engine: EngineOption = EngineName.ovn,
    workers: Workers = 2,
    config: Config = None,
) -> None:
    """Run everything on this machine until Ctrl-C."""
    from deuteron.cli.up import run

    run(state, listen, engine.value, workers, config)


@app.command()
def down(state: State = STATE) -> None:
    """End everything of a state directory and remove it."""
    from deuteron.cli.down import run

    run(state)


@app.command()
def serve(
    state: State = STATE,
    listen: Listen = DEFAULT_LISTEN,
    database: DatabaseUrl = "",
    workers: Workers = 2,
    config: Config = None,
) -> None:
    """Run the API only."""
    from deuteron.cli.parts import serve as run

    run(state, listen, database, workers, config)


@app.command()
def converge(
    state: State = STATE,
    database: DatabaseUrl = "",
    engine: EngineOption = EngineName.ovn,
    config: Config = None,
    nb: Annotated[str, typer.Option(help="OVN northbound database, e.g. tcp:10.0.0.1:6641.")] = "",
    sb: Annotated[str, typer.Option(help="OVN southbound database.")] = "",
) -> None:
    """Run the convergence loop only."""
    from deuteron.cli.parts import converge as run

    run(state, database, engine.value, config, (nb, sb))


@app.command()
def drift(
    state: State = STATE,
    database: DatabaseUrl = "",
    config: Config = None,
    nb: Annotated[str, typer.Option(help="OVN northbound database.")] = "",
    sb: Annotated[str, typer.Option(help="OVN southbound database.")] = "",
) -> None:
    """Print what differs between intent and OVN.

    Exit status: 0 nothing, 1 something, 2 it could not be compared.
    """
    from deuteron.cli.parts import drift as run

    raise typer.Exit(run(state, database, config, (nb, sb)))


@app.command()
def attach(
    port: Annotated[str, typer.Argument(help="Id or name of the port.")],
    state: State = STATE,
    netns: Annotated[str, typer.Option(help="Network namespace, created if missing.")] = "",
    device: Annotated[str, typer.Option(help="Name of the device in it.")] = "eth0",
    dhcp: Annotated[bool, typer.Option("--dhcp", help="Run a DHCP client on it.")] = False,
    tap: Annotated[str, typer.Option(help="Make a tap of this name instead, for QEMU.")] = "",
) -> None:
    """Plug a device into a port: a network namespace's, or a tap for QEMU.

    Example: deuteron attach my-port --netns guest --dhcp
    """
    from deuteron.cli.attach import attach as run

    run(state, port, netns, device, dhcp, tap)


@app.command()
def detach(
    port: Annotated[str, typer.Argument(help="Id or name of the port.")], state: State = STATE
) -> None:
    """Unplug the device of a port."""
    from deuteron.cli.attach import detach as run

    run(state, port)


@app.command()
def extensions() -> None:
    """List the extensions served and the file that brings each."""
    from deuteron.cli.parts import extensions as run

    run()


@database_commands.command("upgrade")
def upgrade(state: State = STATE, database: DatabaseUrl = "", config: Config = None) -> None:
    """Bring the database to this version's schema; to run again changes nothing."""
    from deuteron.cli.parts import upgrade as run

    run(state, database, config)
