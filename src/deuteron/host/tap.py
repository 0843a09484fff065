# SPDX-License-Identifier: Apache-2.0
"""A tap in the root namespace, wired to a veth that ends in OVN's namespace.

Every frame that enters the tap is redirected out of the veth and the other way round, by a traffic
control filter on each. There is no bridge between them: nothing learns, floods, ages or speaks, and
the host's own packet filters (br_netfilter) never see the guest's frames.

Invariant: neither device carries a packet of the host itself (no address, no IPv6).
"""

from __future__ import annotations

from pathlib import Path

from .command import HostError, run
from .namespace import devices, ip_batch

# `matchall` says what is meant; `u32` with an empty match does the same on kernels without it.
_FILTERS = ("matchall", "u32 match u32 0 0")


def make_tap(tap: str) -> bool:
    """Create the persistent tap, if it is missing. True if it was created.

    Raises HostError if the host has another kind of device of that name, say, its network card.
    """
    if tap in devices(None):
        if not Path(f"/sys/class/net/{tap}/tun_flags").exists():
            raise HostError(f"{tap} is a device of this machine and not a tap")
        return False
    ip_batch([f"tuntap add dev {tap} mode tap"])
    return True


def delete_tap(tap: str) -> None:
    """Delete the tap; nothing if it is missing."""
    if tap in devices(None):
        ip_batch([f"link del {tap}"])


def join(tap: str, peer: str, mtu: int) -> None:
    """Set both up with `mtu` (bytes of IP packet) and redirect each one's frames to the other.

    An ingress qdisc that is on the tap already (from an earlier run) is replaced.
    """
    for device in (tap, peer):
        switch = Path(f"/proc/sys/net/ipv6/conf/{device}/disable_ipv6")
        if switch.exists():
            switch.write_text("1")
    ip_batch(f"link set {device} mtu {mtu} up" for device in (tap, peer))
    # A guest may leave checksums to its device; the veth then completes them in software.
    run(["ethtool", "-K", peer, "tx", "off"])
    for source, target in ((tap, peer), (peer, tap)):
        _redirect(source, target)


def _redirect(source: str, target: str) -> None:
    if "ingress" in run(["tc", "qdisc", "show", "dev", source]):
        run(["tc", "qdisc", "del", "dev", source, "ingress"])
    run(["tc", "qdisc", "add", "dev", source, "ingress"])
    add = ["tc", "filter", "add", "dev", source]
    add += ["parent", "ffff:", "protocol", "all", "prio", "1"]
    failure: HostError | None = None
    for match in _FILTERS:
        try:
            run([*add, *match.split(), "action", "mirred", "egress", "redirect", "dev", target])
            return
        except HostError as error:
            failure = error
    assert failure is not None
    raise failure
