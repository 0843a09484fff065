# SPDX-License-Identifier: Apache-2.0
"""Devices that go away without being unplugged: with their namespace, or by a user's hand.

vswitchd notices that a device is gone but leaves its port number in place, so OVN would go on
telling that the port is up.

Invariant: within a second, br-int has no `dp…` port whose device does not exist. The state is
compared each time, events only say when.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import socket
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from . import attachments, dhcp, namespace
from .command import HostError

_CLONE_NEWNET = 0x40000000
_RTMGRP_LINK = 1
_NLMSG_TYPE = slice(4, 6)
_RTM_DELLINK = 17
_PERIOD = 0.5


def _link_events(netns: str) -> socket.socket:
    """A netlink socket that tells of link changes in the namespace. It belongs to the namespace
    in which its thread was when it was made; hence a thread of its own."""

    def enter_and_open() -> socket.socket:
        libc = ctypes.CDLL(None, use_errno=True)
        with Path("/run/netns", netns).open() as entry:
            if libc.setns(entry.fileno(), _CLONE_NEWNET) != 0:
                raise HostError(f"cannot enter {netns}: {os.strerror(ctypes.get_errno())}")
        opened = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        opened.bind((0, _RTMGRP_LINK))
        opened.setblocking(False)
        return opened

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(enter_and_open).result()


class DeviceWatch:
    """Watches the stack namespace `netns` of `state_dir` from construction to `close()`.

    `vsctl` runs ovs-vsctl with the given arguments on the stack's switch; `on_event` gets one line
    for each port taken out of `bridge`.
    """

    def __init__(
        self,
        state_dir: Path,
        netns: str,
        bridge: str,
        vsctl: Callable[..., str],
        on_event: Callable[[str], None],
    ) -> None:
        self._state_dir, self._netns, self._bridge = state_dir, netns, bridge
        self._vsctl, self._on_event = vsctl, on_event
        self._events = _link_events(netns)
        self._stop = os.eventfd(0, os.EFD_CLOEXEC)
        # Something may have gone before we listened.
        self._stale = True
        self._seen: int | None = None
        self._leased: list[attachments.Attachment] = []
        self._thread = threading.Thread(target=self._watch, name="device-watch", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread. Once only."""
        os.eventfd_write(self._stop, 1)
        self._thread.join()
        os.close(self._stop)
        self._events.close()

    def _watch(self) -> None:
        poll = select.poll()
        poll.register(self._stop, select.POLLIN)
        poll.register(self._events, select.POLLIN)
        while True:
            ready = [fd for fd, _ in poll.poll(_PERIOD * 1000)]
            if self._stop in ready:
                return
            if self._events.fileno() in ready:
                self._drain()
            # What fails now (the database is being restarted) is tried again next time.
            with contextlib.suppress(HostError, OSError):
                self._end_clients_without_name()
                if self._stale:
                    self._compare()
                    self._stale = False

    def _drain(self) -> None:
        try:
            while True:
                message = self._events.recv(65536)
                # One message a datagram is how the kernel multicasts links.
                if int.from_bytes(message[_NLMSG_TYPE], sys.byteorder) == _RTM_DELLINK:
                    self._stale = True
        except BlockingIOError:
            return
        except OSError:  # ENOBUFS: events were lost, so anything may have happened
            self._stale = True

    def _compare(self) -> None:
        # Under the lock of the attachments: nobody is half-way through plugging.
        with attachments.edit(self._state_dir):
            ports = self._vsctl("list-ports", self._bridge).split()
            devices = namespace.devices(self._netns)
            gone = [port for port in ports if port.startswith("dp") and port not in devices]
            for port in gone:
                self._vsctl("--no-wait", "--if-exists", "del-port", self._bridge, port)
        for port in gone:
            with contextlib.suppress(Exception):
                self._on_event(f"device of port {port.removeprefix('dp')}… is gone, unplugged")

    def _end_clients_without_name(self) -> None:
        """A namespace whose name was deleted lives on, unseen, as long as our client runs in it."""
        path = self._state_dir / "attachments.json"
        changed = path.stat().st_mtime_ns if path.exists() else None
        if changed != self._seen:
            known = attachments.read(self._state_dir).values()
            self._leased = [attachment for attachment in known if attachment.dhcp]
            self._seen = changed
        for attachment in self._leased:
            if attachment.netns is not None and not namespace.exists(attachment.netns):
                for version in attachment.dhcp:
                    dhcp.end(self._state_dir, attachment.port.id, version)
