# SPDX-License-Identifier: Apache-2.0
"""Plugging ports: `attach`, `detach`, and plugging all again after a restart.

Any process may do it while the stack runs in another; attachments.json and its lock are what they
share.

Invariant: what is recorded can be plugged again with nothing but the record, and plugging what is
plugged changes nothing that a user could see.
"""

from __future__ import annotations

import contextlib
import ipaddress
import re
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from . import attachments, device, namespace
from . import dhcp as dhcp_client
from .attachments import Attachment, PortPlug
from .command import HostError
from .stack import OvnStack

__all__ = [
    "Attachment",
    "PortPlug",
    "plug_netns",
    "plug_tap",
    "remember",
    "replug",
    "unplug",
    "unplug_all",
]

_NAME = re.compile(r"[A-Za-z0-9_.+-]{1,15}")
LEASE_SECONDS = 10.0
# The steps wait for short programs; a few at a time keep two cores busy.
_AT_ONCE = 4


@dataclass(slots=True)
class _Plugging:
    """One attachment on its way; `error` ends it."""

    attachment: Attachment
    fresh: bool = False
    error: HostError | None = None


def plug_netns(
    stack: OvnStack,
    port: PortPlug,
    netns: str,
    device: str = "eth0",
    *,
    dhcp: bool = False,
    lease_seconds: float = LEASE_SECONDS,
) -> tuple[str, ...]:
    """Plug `port` as `device` of the namespace `netns`, created if missing; give its addresses.

    With `dhcp`, a client runs there from now on, for IPv4 unless `port.addresses` holds only IPv6
    addresses, for IPv6 if it holds one (the addresses are then what to expect, and not set by us);
    the call returns once each has come. Raises HostError if the port or the device is taken, OVN
    is not running, or no address comes within `lease_seconds` (the port stays plugged then).
    """
    _check_name(device)
    versions = _versions(port) if dhcp else ()
    wanted = Attachment(port, netns=netns, device=device, dhcp=versions)
    _record_and_plug(stack, wanted)
    if not dhcp:
        return port.addresses
    deadline = time.monotonic() + lease_seconds
    _begin_clients(stack, wanted, lease_seconds)
    return dhcp_client.wait(netns, device, versions, deadline - time.monotonic())


def plug_tap(stack: OvnStack, port: PortPlug, tap: str) -> None:
    """Plug `port` as a tap of the host for QEMU (`-netdev tap,ifname=TAP,script=no`).

    A tap that exists is taken over as it is, and left in place by `unplug`. The guest sets the MAC
    and addresses. Raises HostError if the port or the tap is taken or OVN is not running.
    """
    _check_name(tap)
    _record_and_plug(stack, Attachment(port, tap=tap))


def unplug(stack: OvnStack, port_id: str) -> bool:
    """Take the port's device away. False if it was not attached.

    A namespace or tap that attaching made is removed too, the namespace only if nothing else is in
    it. Works also while OVN is not running.
    """
    with attachments.edit(stack.state_dir) as by_port:
        attachment = by_port.get(port_id)
        if attachment is None:
            return False
        device.disconnect(stack, [attachment])
        _forget(by_port, attachment)
    return True


def unplug_all(stack: OvnStack) -> None:
    """Unplug everything that is recorded, as `unplug` does."""
    with attachments.edit(stack.state_dir) as by_port:
        device.disconnect(stack, by_port.values())
        for attachment in list(by_port.values()):
            # Looked up anew: it may have inherited its namespace a moment ago.
            _forget(by_port, by_port[attachment.port.id])


def replug(stack: OvnStack, lease_seconds: float = LEASE_SECONDS) -> dict[str, HostError | None]:
    """Plug everything that is recorded, after the stack has started; say what failed, by port id.

    Devices that survived (a killed run leaves them) are kept with all that users configured on
    them; namespaces, taps and devices that are gone are created again. One failure does not keep
    others back, and its record stays. Waits `lease_seconds` at most for all leases together.
    """
    with attachments.edit(stack.state_dir) as by_port:
        keep = {attachment.switch_device for attachment in by_port.values()}
        stray = [
            f"link del {name}"
            for name in namespace.devices(stack.namespace)
            if name.startswith("dp") and name not in keep
        ]
        if stray:
            namespace.ip_batch(stray, stack.namespace)
        all_of_them = [_Plugging(attachment) for attachment in by_port.values()]
        _plug(stack, all_of_them)
        for plugging in all_of_them:
            if plugging.error is None:
                by_port[plugging.attachment.port.id] = plugging.attachment
    deadline = time.monotonic() + lease_seconds
    leased = [plugging for plugging in all_of_them if plugging.attachment.dhcp]

    def lease(plugging: _Plugging) -> None:
        wanted = plugging.attachment
        assert wanted.netns is not None
        _begin_clients(stack, wanted, deadline - time.monotonic())
        left = max(0.0, deadline - time.monotonic())
        dhcp_client.wait(wanted.netns, wanted.device, wanted.dhcp, left)

    _each(leased, lease)
    return {plugging.attachment.port.id: plugging.error for plugging in all_of_them}


def remember(stack: OvnStack) -> None:
    """Record what users configured on plugged devices, for `replug` to give to new ones.

    Called before `stack.stop()`, which removes the devices.
    """
    with attachments.edit(stack.state_dir) as by_port:
        for port_id, attachment in by_port.items():
            netns, name = attachment.netns, attachment.device
            if netns is None or attachment.dhcp or name not in namespace.devices(netns):
                continue
            configured = namespace.configuration(netns, name)
            by_port[port_id] = replace(attachment, configured=configured)


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name) or name in {".", ".."}:
        raise HostError(f"{name!r} cannot be the name of a network device")


def _versions(port: PortPlug) -> tuple[int, ...]:
    found = {ipaddress.ip_interface(address).version for address in port.addresses}
    return tuple(sorted(found or {4}))


def _record_and_plug(stack: OvnStack, wanted: Attachment) -> None:
    """Plug under the lock, and record; if it fails, nothing of a new attachment stays."""
    with attachments.edit(stack.state_dir) as by_port:
        known = by_port.get(wanted.port.id)
        if known is not None and known.place != wanted.place:
            raise HostError(f"port {known.port.id} is attached already: {known.place}")
        for other in by_port.values():
            if other is not known and other.place == wanted.place:
                raise HostError(f"{other.place} belongs to port {other.port.id} already")
        if known is not None:
            # A client that runs goes on, and so stays on record: detaching must end it.
            wanted = replace(wanted, made=known.made, dhcp=wanted.dhcp or known.dhcp)
        plugging = _Plugging(wanted)
        _plug(stack, [plugging])
        if plugging.error is None:
            by_port[wanted.port.id] = plugging.attachment
            return
        if known is None:
            with contextlib.suppress(HostError):
                device.disconnect(stack, [plugging.attachment])
                if plugging.attachment.made:
                    device.remove_place(plugging.attachment)
        raise plugging.error


def _plug(stack: OvnStack, pluggings: list[_Plugging]) -> None:
    """Take each through all steps; its `error` tells where it stopped."""
    if not namespace.exists(stack.namespace):
        for plugging in pluggings:
            plugging.error = HostError(f"OVN of {stack.state_dir} is not running")
        return
    switch = namespace.devices(stack.namespace)

    def make_place(plugging: _Plugging) -> None:
        plugging.attachment = device.make_place(plugging.attachment)

    def make_pair(plugging: _Plugging) -> None:
        plugging.fresh = device.make_pair(stack, plugging.attachment, switch)

    # One after the other: several may share a namespace.
    _each(pluggings, make_place, at_once=1)
    _each(pluggings, make_pair)
    good = [plugging for plugging in pluggings if plugging.error is None]
    if not good:
        return
    try:
        userspace = device.connect(stack, [plugging.attachment for plugging in good])
    except HostError as error:
        for plugging in good:
            plugging.error = error
        return
    _each(
        good, lambda item: device.configure(item.attachment, fresh=item.fresh, userspace=userspace)
    )


def _each(
    pluggings: Iterable[_Plugging], step: Callable[[_Plugging], None], at_once: int = _AT_ONCE
) -> None:
    """Do a step for each that has come so far."""

    def guarded(plugging: _Plugging) -> None:
        try:
            step(plugging)
        except HostError as error:
            plugging.error = error

    going = [plugging for plugging in pluggings if plugging.error is None]
    if len(going) <= 1 or at_once == 1:
        for plugging in going:
            guarded(plugging)
    else:
        with ThreadPoolExecutor(at_once) as pool:
            list(pool.map(guarded, going))


def _begin_clients(stack: OvnStack, attachment: Attachment, seconds: float) -> None:
    """Start the DHCP clients once the switch answers for the port."""
    assert attachment.netns is not None
    # A question asked before that is lost, and costs a second.
    with contextlib.suppress(HostError):
        stack.vsctl(
            "wait-until", "Interface", attachment.switch_device,
            "external_ids:ovn-installed=true", timeout=seconds,
        )  # fmt: skip
    for version in attachment.dhcp:
        dhcp_client.begin(
            stack.state_dir, attachment.port.id, attachment.netns, attachment.device, version
        )


def _forget(by_port: dict[str, Attachment], attachment: Attachment) -> None:
    """Remove the record, and the place if it was made for it; else another there inherits it."""
    del by_port[attachment.port.id]
    netns = attachment.netns
    heir = next((other for other in by_port.values() if netns and other.netns == netns), None)
    if heir is not None:
        by_port[heir.port.id] = replace(heir, made=heir.made or attachment.made)
        return
    if attachment.dhcp and netns is not None:
        dhcp_client.forget_resolver(netns)
    if attachment.made:
        device.remove_place(attachment)
