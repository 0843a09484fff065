# SPDX-License-Identifier: Apache-2.0
"""Network namespaces by name, and the devices in them.

Invariant: a name under /run/netns that is no mounted namespace (left by a crash or a reboot) is
treated as absent.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .command import HostError, run

_DIRECTORY = Path("/run/netns")
_NAME = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.@:+-]{0,200}")


def exists(name: str) -> bool:
    """Is there a live namespace of that name?"""
    try:
        return os.stat(_DIRECTORY / name).st_dev == os.stat("/proc/self/ns/net").st_dev
    except OSError:
        return False


def ensure(name: str) -> bool:
    """Create the namespace with its loopback up, if it is missing. True if it was created."""
    if not _NAME.fullmatch(name) or name in {".", ".."}:
        raise HostError(f"{name!r} cannot be the name of a network namespace")
    if exists(name):
        return False
    (_DIRECTORY / name).unlink(missing_ok=True)
    run(["ip", "netns", "add", name])
    run(["ip", "-n", name, "link", "set", "lo", "up"])
    return True


def delete(name: str) -> None:
    """Delete the namespace, whatever is in it; nothing if it is missing."""
    if exists(name):
        run(["ip", "netns", "del", name])
    else:
        (_DIRECTORY / name).unlink(missing_ok=True)


def pids(name: str) -> list[int]:
    """Processes whose network namespace this is."""
    return [int(pid) for pid in run(["ip", "netns", "pids", name]).split()]


def devices(name: str | None) -> dict[str, dict[str, Any]]:
    """Devices by name as `ip -json link` tells them; `None` is the caller's own namespace."""
    if name is not None and not exists(name):
        return {}
    where = ["-n", name] if name is not None else []
    return {link["ifname"]: link for link in json.loads(run(["ip", "-json", *where, "link"]))}


def addresses(name: str, device: str) -> list[dict[str, Any]]:
    """The device's global addresses as `ip -json addr` tells them; empty if it is missing."""
    if device not in devices(name):
        return []
    links = _json(name, "addr", "show", "dev", device, "scope", "global")
    # An address that the filter left out is an empty object.
    return [info for link in links for info in link.get("addr_info", []) if info]


def configuration(name: str, device: str) -> tuple[str, ...]:
    """The `ip` commands that give the device again the addresses and routes that users gave it.

    Not those that came by DHCP or router advertisement (they end by themselves) nor those that
    the kernel derives.
    """
    lines = []
    for info in addresses(name, device):
        if not info.get("dynamic"):
            nodad = " nodad" if info["family"] == "inet6" else ""
            lines.append(f"addr add {info['local']}/{info['prefixlen']} dev {device}{nodad}")
    for version in ("-4", "-6"):
        routes = _json(name, version, "route", "show", "dev", device)
        # A route that says how to reach a gateway comes before one that goes through it.
        for route in sorted(routes, key=lambda route: "gateway" in route):
            if route.get("protocol") in {"kernel", "ra"}:
                continue
            words = [route["dst"], "dev", device]
            words += ["via", route["gateway"]] if "gateway" in route else []
            words += ["metric", str(route["metric"])] if "metric" in route else []
            words += [flag for flag in route.get("flags", []) if flag == "onlink"]
            lines.append(f"route replace {' '.join(words)}")
    return tuple(lines)


def _json(name: str, *arguments: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(run(["ip", "-json", "-n", name, *arguments]) or "[]")
    return found


def ip_batch(lines: Iterable[str], name: str | None = None) -> None:
    """Run `ip` commands in one process, in order, stopping at the first that fails."""
    where = ["-n", name] if name is not None else []
    run(["ip", *where, "-batch", "-"], stdin="\n".join(lines) + "\n")


def execute(name: str | None, argv: list[str], timeout: float = 15.0) -> str:
    """Run a command with the namespace as its network; files stay the host's."""
    where = [] if name is None else ["nsenter", f"--net={_DIRECTORY / name}"]
    return run([*where, *argv], timeout=timeout)
