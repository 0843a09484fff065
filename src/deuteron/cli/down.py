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

from deuteron.cli.state import refuse
from deuteron.cli.up import UP_PID
from deuteron.host import attach, pidfile
from deuteron.host.command import HostError
from deuteron.host.process import end_left_over
from deuteron.host.stack import OvnStack

STOP_SECONDS: Final = 15.0


def run(state: Path) -> None:
    """Stop `deuteron up` if it runs, detach everything, remove the state directory."""
    state = state.resolve()
    if not (state / "run").is_dir() or not (state / "clouds.yaml").exists():
        raise refuse(f"{state} is not a state directory of deuteron; nothing was removed")
    pidfile.end(state / UP_PID, STOP_SECONDS)
    try:
        for line in end_left_over(state / "run" / "parts"):
            sys.stdout.write(f"deuteron: {line}\n")
        if os.geteuid() == 0:
            stack = OvnStack(state)
            attach.unplug_all(stack)
            stack.sweep()
    except HostError as error:
        raise refuse(str(error)) from None
    shutil.rmtree(state)
    sys.stdout.write(f"deuteron: {state} and all that ran from it are gone\n")
