# SPDX-License-Identifier: Apache-2.0
"""What is attached where: STATE/attachments.json, the memory that outlives a restart.

Invariant: the file is always whole (written aside and renamed), and changed only under its lock,
so that several `attach` commands and a starting `up` may meet.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from .command import HostError

_FORMAT = 1


@dataclass(frozen=True, slots=True)
class PortPlug:
    """A port as its device needs to know it.

    `mtu` is in bytes of IP packet; `addresses` are set on the device ("10.0.0.5/24"), `gateways`
    become default routes, at most one per IP version.
    """

    id: str
    mac: str
    mtu: int = 1500
    addresses: tuple[str, ...] = ()
    gateways: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Attachment:
    """A port and where it is plugged: `netns` and `device`, or `tap`.

    `dhcp` are the IP versions a client runs for. `made` tells that the namespace or tap was created
    for this attachment, so that detaching removes it. `configured` are the `ip` commands that give
    a new device what users had configured on the one before it; None before there was one.
    """

    port: PortPlug
    netns: str | None = None
    device: str = "eth0"
    tap: str | None = None
    dhcp: tuple[int, ...] = ()
    made: bool = False
    configured: tuple[str, ...] | None = None

    @property
    def switch_device(self) -> str:
        """The end in OVN's namespace: 13 characters of the id keep 48 bits and fit IFNAMSIZ."""
        return f"dp{self.port.id[:13]}"

    @property
    def tap_peer(self) -> str:
        """The other end of that pair, in the root namespace beside the tap."""
        return f"dt{self.port.id[:13]}"

    @property
    def place(self) -> str:
        """Where it is, in words."""
        return f"tap {self.tap}" if self.tap else f"{self.device} in namespace {self.netns}"


def read(state_dir: Path) -> dict[str, Attachment]:
    """The attachments by port id; empty if there is no file. Raises HostError if it is damaged."""
    path = state_dir / "attachments.json"
    try:
        document = json.loads(path.read_text())
        return {item["port"]["id"]: _decode(item) for item in document["attachments"]}
    except FileNotFoundError:
        return {}
    except (ValueError, KeyError, TypeError) as error:
        raise HostError(f"{path} cannot be read: {error!r}") from None


@contextmanager
def edit(state_dir: Path) -> Iterator[dict[str, Attachment]]:
    """Give the attachments under the lock; what the block did to the dict is written at its end.

    Written also if the block raises: what it had recorded by then is true.
    """
    state_dir.mkdir(parents=True, exist_ok=True)
    with (state_dir / "attachments.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        before = read(state_dir)
        after = dict(before)
        try:
            yield after
        finally:
            if after != before:
                _write(state_dir / "attachments.json", after)


def _write(path: Path, by_port: dict[str, Attachment]) -> None:
    document = {"format": _FORMAT, "attachments": [asdict(item) for item in by_port.values()]}
    aside = path.with_suffix(".new")
    with aside.open("w") as file:
        json.dump(document, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)


def _decode(item: dict[str, object]) -> Attachment:
    port = item["port"]
    if not isinstance(port, dict):
        raise TypeError("port is not an object")
    fields = {key: tuple(v) if isinstance(v, list) else v for key, v in port.items()}
    rest = {key: tuple(v) if isinstance(v, list) else v for key, v in item.items()}
    return Attachment(**{**rest, "port": PortPlug(**fields)})  # type: ignore[arg-type]
