# SPDX-License-Identifier: Apache-2.0
"""Running one short command of the host (`ip`, `ovs-vsctl`, `tc` …) to its end.

Invariant: a command that fails raises `HostError` with the command and what it said, in one line.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence

# A user's PATH often lacks sbin, where most of what the host needs lies.
SEARCH_PATH = f"{os.environ.get('PATH', '/usr/bin:/bin')}:/usr/local/sbin:/usr/sbin:/sbin"


class HostError(Exception):
    """The host cannot do what was asked; the message is one line fit for a terminal."""


def run(
    argv: Sequence[str],
    *,
    stdin: str | None = None,
    env: Mapping[str, str] | None = None,
    timeout: float = 15.0,
) -> str:
    """Run `argv`, give its standard output. `timeout` is in seconds, `env` added to our own.

    Raises HostError if it cannot be started, does not end in time or exits non-zero.
    """
    try:
        done = subprocess.run(
            argv,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            env={**os.environ, "PATH": SEARCH_PATH, **(env or {})},
            timeout=timeout,
            check=False,
        )
    except FileNotFoundError:
        raise HostError(f"{argv[0]}: command not found") from None
    except subprocess.TimeoutExpired:
        raise HostError(f"{' '.join(argv)}: no end after {timeout:g} s") from None
    if done.returncode != 0:
        said = "; ".join(line.strip() for line in done.stderr.splitlines() if line.strip())
        raise HostError(f"{' '.join(argv)}: {said or f'exit status {done.returncode}'}")
    return done.stdout
