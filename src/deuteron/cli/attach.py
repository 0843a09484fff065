# SPDX-License-Identifier: Apache-2.0
"""`deuteron attach` and `detach`: a device for a port, on this machine.

Does what Nova does: binds the port to this host, says who owns the device, plugs it, and waits
until the port is ACTIVE. Invariant: a plug that failed leaves the port as it was before.
"""

from __future__ import annotations

import os
import socket
import sys
import time
from pathlib import Path
from typing import Any, Final

from deuteron.cli.client import LocalClient
from deuteron.cli.state import must_run, refusals, refuse
from deuteron.host import attach as host
from deuteron.host import attachments, namespace
from deuteron.host.attachments import PortPlug
from deuteron.host.command import HostError
from deuteron.host.stack import OvnStack

DEVICE_OWNER: Final = "compute:nova"
ACTIVE_SECONDS: Final = 5.0


def attach(state: Path, port: str, netns: str, device: str, dhcp: bool, tap: str) -> None:
    if bool(netns) == bool(tap):
        raise refuse("give either --netns NAME or --tap NAME")
    if tap and dhcp:
        raise refuse("--dhcp goes with --netns: a tap's guest asks for its address itself")
    with refusals():
        stack = _stack(state)
        _attach(LocalClient(state), stack, port, (netns, device, dhcp, tap))


def _stack(state: Path) -> OvnStack:
    """The OVN that runs here. Raises HostError if devices cannot be plugged."""
    must_run(state)
    stack = OvnStack(state)
    if not namespace.exists(stack.namespace):
        raise HostError("this cloud runs without OVN: `--engine simulator` plugs no devices")
    if os.geteuid() != 0:
        raise HostError("devices are plugged by root only: run this with sudo")
    return stack


def _attach(
    client: LocalClient, stack: OvnStack, name: str, where: tuple[str, str, bool, str]
) -> None:
    netns, device, dhcp, tap = where
    port = client.port(name)
    mtu, plug = _plug(client, port, dhcp)
    before = {key: port[key] for key in ("binding:host_id", "device_owner", "device_id")}
    client.update_port(
        port["id"],
        **{
            "binding:host_id": socket.gethostname(),
            "device_owner": port["device_owner"] or DEVICE_OWNER,
            "device_id": port["device_id"] or netns or tap,
        },
    )
    try:
        if tap:
            host.plug_tap(stack, plug, tap)
        else:
            host.plug_netns(stack, plug, netns, device, dhcp=dhcp)
    except HostError:
        if port["id"] not in attachments.read(stack.state_dir):
            client.update_port(port["id"], **before)
        raise
    port = _until_active(client, port["id"])
    addresses = ", ".join(ip["ip_address"] for ip in port["fixed_ips"]) or "no address"
    place = f"tap {tap}" if tap else f"{device} in namespace {netns}"
    sys.stdout.write(
        f"{port['id']} is {port['status']}: {place}, {port['mac_address']}, {addresses}, "
        f"MTU {mtu}\n"
    )


def _plug(client: LocalClient, port: dict[str, Any], dhcp: bool) -> tuple[int, PortPlug]:
    """The MTU of the port's network, and what its device is told."""
    network = client.call("GET", f"/v2.0/networks/{port['network_id']}")["network"]
    path = f"/v2.0/subnets?network_id={port['network_id']}"
    subnets = {s["id"]: s for s in client.call("GET", path)["subnets"]}
    own = [(ip["ip_address"], subnets[ip["subnet_id"]]) for ip in port["fixed_ips"]]
    addresses = tuple(f"{a}/{s['cidr'].split('/')[1]}" for a, s in own)
    by_version = {s["ip_version"]: s["gateway_ip"] for _, s in own if s["gateway_ip"]}
    gateways = () if dhcp else tuple(by_version.values())
    plug = PortPlug(port["id"], port["mac_address"], network["mtu"], addresses, gateways)
    return network["mtu"], plug


def _until_active(client: LocalClient, id_: str) -> dict[str, Any]:
    deadline = time.monotonic() + ACTIVE_SECONDS
    while True:
        port: dict[str, Any] = client.call("GET", f"/v2.0/ports/{id_}")["port"]
        if port["status"] == "ACTIVE" or time.monotonic() > deadline:
            return port
        time.sleep(0.03)


def detach(state: Path, name: str) -> None:
    with refusals():
        stack = _stack(state)
        client = LocalClient(state)
        if name in attachments.read(stack.state_dir) and not client.ports(id=name):
            host.unplug(stack, name)
            sys.stdout.write(f"{name} is detached; the port itself was deleted before\n")
            return
        port = client.port(name)
        if not host.unplug(stack, port["id"]):
            raise HostError(f"port {name} is not attached here")
        client.update_port(
            port["id"], **{"binding:host_id": "", "device_owner": "", "device_id": ""}
        )
    sys.stdout.write(f"{port['id']} is detached\n")
