# SPDX-License-Identifier: Apache-2.0
"""`deuteron down`: the end of a cloud on this machine.

Invariant: afterwards no process, namespace, device or file of it is left.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Final

from deuteron.cli.state import UP_PID, refusals, refuse
from deuteron.host import attach, pidfile
from deuteron.host.process import end_left_over
from deuteron.host.stack import OvnStack

STOP_SECONDS: Final = 15.0
# What the commands make in a state directory. A user's own files beside it are not ours to remove.
_OURS: Final = (
    *("deuteron.db*", "ovn", "run", "log", "attachments.*", "clouds.yaml"),
    *("config", UP_PID, "lock"),
)


def run(state: Path) -> None:
    """Stop `deuteron up` if it runs, detach everything, remove the state directory."""
    state = state.resolve()
    if not state.exists():
        sys.stdout.write(f"deuteron: there is no {state}: nothing to end\n")
        return
    if not (state / "run").is_dir() or not (state / "lock").exists():
        raise refuse(f"{state} is not a state directory of deuteron; nothing was removed")
    with refusals():
        pidfile.end(state / UP_PID, STOP_SECONDS)
        for line in end_left_over(state / "run" / "parts"):
            sys.stdout.write(f"deuteron: {line}\n")
        if os.geteuid() == 0:
            stack = OvnStack(state)
            attach.unplug_all(stack)
            stack.sweep()
        _remove(state)


def _remove(state: Path) -> None:
    for pattern in _OURS:
        for path in state.glob(pattern):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
    left = sorted(path.name for path in state.iterdir())
    if left:
        sys.stdout.write(f"deuteron: {state} is stopped; kept, as not ours: {', '.join(left)}\n")
        return
    state.rmdir()
    sys.stdout.write(f"deuteron: {state} and all that ran from it are gone\n")
