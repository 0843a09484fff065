# SPDX-License-Identifier: Apache-2.0
"""A state directory as the commands see it, and how a command refuses.

Invariant: light to import, for `deuteron up` is ready only after it.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import typer

from deuteron.host import pidfile
from deuteron.host.command import HostError
from deuteron.settings import Settings, SettingsError, load

# Where `up` keeps its own process id, and the address of its API.
UP_PID: Final = "up.pid"
ADDRESS: Final = "run/address"

# Where `up` keeps the path of its settings file, for commands that are not told it.
_CONFIG: Final = "config"


def refuse(message: str, status: int = 1) -> typer.Exit:
    """Say why a command cannot be done, in one line on standard error."""
    sys.stderr.write(f"deuteron: {message}\n")
    return typer.Exit(status)


@contextlib.contextmanager
def refusals(status: int = 1) -> Iterator[None]:
    """Turn what the host or the settings refuse into `refuse`: no traceback for a wrong path."""
    try:
        yield
    except (HostError, SettingsError) as error:
        raise refuse(str(error), status) from None
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        raise refuse(f"{where}{error.strerror or error}", status) from None


def must_run(state: Path) -> None:
    """Raise HostError unless `deuteron up` runs on this directory."""
    if pidfile.running(state / UP_PID) is None:
        raise HostError(
            f"no cloud runs in {state.resolve()}: start it with `deuteron up --state {state}`"
        )


def settings_of(state: Path, database: str, config: Path | None) -> Settings:
    """The settings of a state directory: of the file given, else of the one `up` was given.

    Raises SettingsError.
    """
    state = state.resolve()
    kept = state / _CONFIG
    if config is None and kept.exists():
        config = Path(kept.read_text().strip())
    default = {
        "database": f"sqlite:///{state / 'deuteron.db'}",
        "poke_socket": str(state / "run" / "poke.sock"),
    }
    return load(config, default, **({"database": database} if database else {}))


def keep_config(state: Path, config: Path | None) -> None:
    """Remember which settings file `up` was given."""
    if config is None:
        (state / _CONFIG).unlink(missing_ok=True)
    else:
        (state / _CONFIG).write_text(f"{config.resolve()}\n")
