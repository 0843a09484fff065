# SPDX-License-Identifier: Apache-2.0
"""What the host must have for a private OVN, and how to get it.

Invariant: nothing is changed, only looked at.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass

from .command import SEARCH_PATH

# program -> Debian package
_PROGRAMS = {
    "ip": "iproute2",
    "tc": "iproute2",
    "ethtool": "ethtool",
    "nsenter": "util-linux",
    "setpriv": "util-linux",
    "ovsdb-server": "openvswitch-switch",
    "ovsdb-tool": "openvswitch-switch",
    "ovs-vsctl": "openvswitch-switch",
    "ovs-vswitchd": "openvswitch-switch",
    "ovn-northd": "ovn-central",
    "ovn-sbctl": "ovn-central",
    "ovn-controller": "ovn-host",
}
TUN = "/dev/net/tun"


@dataclass(frozen=True, slots=True)
class Missing:
    """One thing that is absent, and the command that gets it."""

    what: str
    command: str

    def __str__(self) -> str:
        return f"{self.what} is missing: {self.command}"


def missing() -> list[Missing]:
    """Everything absent that `OvnStack` needs, in the order in which to get it; empty if ready."""
    found = []
    if os.geteuid() != 0:
        found.append(Missing("root", "sudo deuteron up"))
    for program, package in _PROGRAMS.items():
        if shutil.which(program, path=SEARCH_PATH) is None:
            found.append(Missing(program, f"apt-get install -y {package}"))
    if not os.path.exists(TUN):
        found.append(Missing(TUN, "modprobe tun"))
    return found


def missing_line() -> str | None:
    """All of `missing()` in one line for a terminal, one `apt-get` for all packages; None if none.

    Debian's package scripts start the system's own daemons; they do not disturb ours.
    """
    absent = missing()
    if not absent:
        return None
    packages = dict.fromkeys(
        item.command.split()[-1] for item in absent if item.command.startswith("apt-get")
    )
    commands = [f"apt-get install -y {' '.join(packages)}"] if packages else []
    commands += [item.command for item in absent if not item.command.startswith("apt-get")]
    return f"missing: {', '.join(item.what for item in absent)} (get: {'; '.join(commands)})"
