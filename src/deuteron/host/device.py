# SPDX-License-Identifier: Apache-2.0
"""The wiring of one attachment: its place, its veth pair, its port on br-int, its settings.

A veth pair leads from OVN's namespace (`dp…`) to the user's (`eth0`) or, for a tap, to the root
namespace (`dt…`, see `tap`). OVN learns which port it is from the interface's `iface-id`.

Invariant: each step may be repeated; what is as it should be is not touched.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from . import dhcp, namespace, tap
from .attachments import Attachment
from .command import HostError
from .stack import INTEGRATION_BRIDGE, OvnStack


def make_place(attachment: Attachment) -> Attachment:
    """Have the namespace or the tap; the result remembers if it was made for this attachment."""
    if attachment.tap is not None:
        made = tap.make_tap(attachment.tap)
    else:
        made = attachment.netns is not None and namespace.ensure(attachment.netns)
    return replace(attachment, made=attachment.made or made)


def make_pair(stack: OvnStack, attachment: Attachment, switch: Mapping[str, Any]) -> bool:
    """Have the veth pair; True if it was made now. `switch` are the devices in OVN's namespace.

    A pair that exists gets the port's MTU and MAC of today. Raises HostError if the place has a
    device of that name which is not the port's.
    """
    outer, port = attachment.switch_device, attachment.port
    inner = attachment.tap_peer if attachment.tap else attachment.device
    near = switch.get(outer)
    far = namespace.devices(None if attachment.tap else attachment.netns).get(inner)
    if near and far and _are_peers(near, far):
        _update_pair(stack, attachment, far)
        return False
    if far is not None:
        raise HostError(f"{attachment.place} exists already and is not this port's")
    if near is not None:
        namespace.ip_batch([f"link del {outer}"], stack.namespace)
    where = "" if attachment.tap else f" netns {attachment.netns} address {port.mac}"
    namespace.ip_batch(
        [
            f"link add name {outer} netns {stack.namespace} mtu {port.mtu} up type veth"
            f" peer name {inner}{where} mtu {port.mtu}"
        ]
    )
    return True


def connect(stack: OvnStack, attachments: Iterable[Attachment]) -> bool:
    """Give the outer ends to br-int, in one transaction. True if the datapath is userspace's."""
    arguments = []
    for attachment in attachments:
        outer, port = attachment.switch_device, attachment.port
        arguments += [
            "--may-exist", "add-port", INTEGRATION_BRIDGE, outer,
            "--", "set", "Interface", outer, "external_ids:iface-status=active",
            f"external_ids:iface-id={port.id}", f'external_ids:attached-mac="{port.mac}"', "--",
        ]  # fmt: skip
    datapath = stack.vsctl(*arguments, "get", "Bridge", INTEGRATION_BRIDGE, "datapath_type")
    return datapath.strip() == "netdev"


def configure(attachment: Attachment, *, fresh: bool, userspace: bool) -> None:
    """Bring the user's end up; a fresh one with its addresses, unless DHCP brings them.

    `userspace` is `connect`'s answer.
    """
    port, device = attachment.port, attachment.device
    if attachment.tap is not None:
        tap.join(attachment.tap, attachment.tap_peer, port.mtu)
        return
    if not fresh:
        return
    if userspace:
        # The userspace datapath reads the frame as it left: nobody completes a checksum later.
        namespace.execute(attachment.netns, ["ethtool", "-K", device, "tx", "off"])
    lines = [f"link set {device} up"]
    if attachment.configured is not None:
        lines += attachment.configured
    elif not attachment.dhcp:
        lines += [
            f"addr add {address} dev {device}{' nodad' if ':' in address else ''}"
            for address in port.addresses
        ]
        lines += [f"route add default via {gateway} dev {device}" for gateway in port.gateways]
    namespace.ip_batch(lines, attachment.netns)


def disconnect(stack: OvnStack, attachments: Iterable[Attachment]) -> None:
    """End the DHCP clients, take the devices out of br-int and delete the pairs."""
    outers = []
    for attachment in attachments:
        outers.append(attachment.switch_device)
        for version in attachment.dhcp:
            dhcp.end(stack.state_dir, attachment.port.id, version)
    if not outers or not namespace.exists(stack.namespace):
        return
    with contextlib.suppress(HostError):
        # A switch that does not run (its conf.db is made anew at the next start) has no port.
        arguments = [("--", "--if-exists", "del-port", INTEGRATION_BRIDGE, name) for name in outers]
        stack.vsctl(*(word for words in arguments for word in words))
    there = namespace.devices(stack.namespace)
    namespace.ip_batch([f"link del {name}" for name in outers if name in there], stack.namespace)


def remove_place(attachment: Attachment) -> None:
    """Remove the tap, or the namespace if no device and no process is in it."""
    if attachment.tap is not None:
        tap.delete_tap(attachment.tap)
    elif attachment.netns is not None and namespace.exists(attachment.netns):
        others = set(namespace.devices(attachment.netns)) - {"lo", attachment.device}
        if not others and not namespace.pids(attachment.netns):
            namespace.delete(attachment.netns)


def _are_peers(near: Mapping[str, Any], far: Mapping[str, Any]) -> bool:
    return (near.get("link_index"), near["ifindex"]) == (far["ifindex"], far.get("link_index"))


def _update_pair(stack: OvnStack, attachment: Attachment, far: Mapping[str, Any]) -> None:
    port, outer, inner = attachment.port, attachment.switch_device, far["ifname"]
    if far["mtu"] != port.mtu:
        namespace.ip_batch([f"link set {outer} mtu {port.mtu}"], stack.namespace)
        if attachment.netns is not None:
            namespace.ip_batch([f"link set {inner} mtu {port.mtu}"], attachment.netns)
    if attachment.netns is not None and far["address"] != port.mac.lower():
        namespace.ip_batch([f"link set {inner} address {port.mac}"], attachment.netns)
