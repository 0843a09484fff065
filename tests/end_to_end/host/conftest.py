# SPDX-License-Identifier: Apache-2.0
"""An OVN with one logical switch, its ports written with ovn-nbctl as an engine would."""

from __future__ import annotations

import subprocess
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from deuteron.host.attach import PortPlug
from deuteron.host.command import HostError, run
from deuteron.host.namespace import execute
from deuteron.host.stack import OvnStack

MTU = 1442


@dataclass
class Segment:
    """One logical switch, 10.9.0.0/24, in `stack`; ports are numbered as they are added."""

    stack: OvnStack
    ports: list[PortPlug] = field(default_factory=list)

    def nb(self, *arguments: str) -> str:
        return run(["ovn-nbctl", f"--db={self.stack.nb}", *arguments]).strip()

    def create(self) -> None:
        self.nb("ls-add", "segment")
        self.options = self.nb(
            "create", "dhcp_options", "cidr=10.9.0.0/24",
            'options="server_id"="10.9.0.1" "server_mac"="02:00:00:00:00:01" '
            f'"lease_time"="3600" "router"="10.9.0.1" "mtu"="{MTU}" "dns_server"="10.9.0.2" '
            '"classless_static_route"="{169.254.169.254/32,10.9.0.3, 0.0.0.0/0,10.9.0.1}"',
        )  # fmt: skip

    def add(self) -> PortPlug:
        """A port with the next address, known to the switch; `addresses` are left to DHCP."""
        number = len(self.ports) + 10
        port = PortPlug(str(uuid.uuid4()), f"02:00:00:00:01:{number:02x}", MTU)
        self.nb(
            "lsp-add", "segment", port.id,
            "--", "lsp-set-addresses", port.id, f"{port.mac} 10.9.0.{number}",
            "--", "set", "Logical_Switch_Port", port.id, f"dhcpv4_options={self.options}",
        )  # fmt: skip
        self.ports.append(port)
        return port

    def address(self, port: PortPlug) -> str:
        return f"10.9.0.{self.ports.index(port) + 10}"

    def static(self, port: PortPlug) -> PortPlug:
        """The same port with its address to be set on the device."""
        return PortPlug(port.id, port.mac, MTU, (f"{self.address(port)}/24",), ("10.9.0.1",))

    def await_up(self, port: PortPlug, value: str, within: float) -> float:
        """Seconds until the port's `up` has the value; fails after `within`."""
        start = time.monotonic()
        run(["ovn-nbctl", f"--timeout={int(within) + 5}", f"--db={self.stack.nb}", "wait-until",
             "Logical_Switch_Port", port.id, f"up={value}"])  # fmt: skip
        took = time.monotonic() - start
        assert took < within, f"up={value} only after {took:.2f} s"
        return took


def pings(netns: str, address: str, within: float = 5.0) -> float:
    """Seconds until an echo comes back; fails after `within`."""
    start = time.monotonic()
    while True:
        try:
            execute(netns, ["ping", "-c1", "-W1", "-q", address])
            return time.monotonic() - start
        except HostError:
            assert time.monotonic() - start < within, f"no echo from {address} in {within} s"


def processes_of(state_dir: object) -> list[str]:
    """Command lines of running processes that name the directory."""
    lines = subprocess.run(["ps", "-eo", "stat,args"], capture_output=True, text=True, check=True)
    return [
        line
        for line in lines.stdout.splitlines()
        if str(state_dir) in line and not line.startswith("Z")
    ]


@pytest.fixture
def segment(make_stack: Callable[..., OvnStack]) -> Segment:
    made = Segment(make_stack())
    made.create()
    return made
