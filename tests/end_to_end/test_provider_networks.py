# SPDX-License-Identifier: Apache-2.0
"""Flat and VLAN networks: frames of guests come out at the wire, and frames from there go in."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace

import pytest

from deuteron.engine.simulator.packet import BROADCAST, Packet, udp
from deuteron.host import namespace
from deuteron.host.requirements import missing_line
from tests.end_to_end.site import Guest, Site, running_site, until

OUTSIDE = f"dte{os.getpid()}-outside"
# By physical network: the host's end of its wire (moved into the bridge) and the far end.
WIRES = {"plain": (f"up{os.getpid()}p", "plain"), "tagged": (f"up{os.getpid()}t", "tagged")}
CONFIG = f"""\
network_vlan_ranges = {{ tagged = [[100, 199]] }}
bridge_mappings = {{ plain = "br-plain", tagged = "br-tagged" }}
uplinks = {{ plain = "{WIRES["plain"][0]}", tagged = "{WIRES["tagged"][0]}" }}
"""
FAR_MAC = "02:00:00:00:00:fa"


@pytest.fixture(scope="module")
def wired(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A cloud with two uplinks whose far ends are in a namespace that keeps silent."""
    line = missing_line()
    if line is not None:
        pytest.fail(line)
    namespace.ensure(OUTSIDE)
    silence = "echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6"
    namespace.execute(OUTSIDE, ["sh", "-c", silence])
    try:
        for near, far in WIRES.values():
            namespace.ip_batch([f"link add name {near} type veth peer {far} netns {OUTSIDE}"])
        namespace.ip_batch([f"link set {far} up" for _, far in WIRES.values()], OUTSIDE)
        with running_site(tmp_path_factory.mktemp("wired"), CONFIG) as site:
            yield site
        left = namespace.devices(None)
        assert {near for near, _ in WIRES.values()} <= left.keys(), "the host lost its uplinks"
    finally:
        namespace.delete(OUTSIDE)


@pytest.fixture(scope="module")
def networks(wired: Site) -> dict[str, dict[str, object]]:
    """By the far end's device (with its VLAN), networks with one address plan."""
    kinds = {"plain": ("flat", None, "plain"), "tagged.100": ("vlan", 100, "tagged")}
    kinds["tagged.101"] = ("vlan", 101, "tagged")
    found = {}
    for end, (kind, vlan, physical) in kinds.items():
        provider = {"provider:network_type": kind, "provider:physical_network": physical}
        if vlan is not None:
            provider["provider:segmentation_id"] = vlan  # type: ignore[assignment]
        found[end] = wired.network("10.40.0.0/24", **provider)
    return found


def outwards(guest: Guest) -> Packet:
    return udp(guest.mac, FAR_MAC, guest.address(), "10.40.0.250")


def check(site: Site, guests: dict[str, Guest]) -> None:
    """Frames of each guest come out at its own end only, and those from there reach it only."""
    places = {guest.device: guest.netns for guest in guests.values()}
    ends = dict.fromkeys(guests, OUTSIDE)
    for end, guest in guests.items():
        packet = outwards(guest)
        for out in (packet, replace(packet, dst_mac=BROADCAST)):
            assert site.deliver({**places, **ends}, guest.device, out) == {end}
        back = udp(FAR_MAC, guest.mac, "10.40.0.250", guest.address())
        assert site.deliver({**places, **ends}, end, back) == {guest.device}


def test_frames_pass_untagged_and_tagged(
    wired: Site, networks: dict[str, dict[str, object]]
) -> None:
    guests = {end: wired.guest(network) for end, network in networks.items()}
    check(wired, guests)
    assert wired.lease4(guests["tagged.100"]) is not None
    segment = wired.cloud.show("network", str(networks["tagged.101"]["id"]))
    assert segment["provider:segmentation_id"] == 101


def test_a_disabled_provider_network_carries_nothing(
    wired: Site, networks: dict[str, dict[str, object]]
) -> None:
    guest = wired.guest(networks["plain"])
    places = {guest.device: guest.netns, "plain": OUTSIDE}
    until(lambda: wired.deliver(places, guest.device, outwards(guest)) == {"plain"}, 3)
    wired.update("network", str(networks["plain"]["id"]), admin_state_up=False)
    until(lambda: not wired.deliver(places, guest.device, outwards(guest)), 3)
    back = udp(FAR_MAC, guest.mac, "10.40.0.250", guest.address())
    assert not wired.deliver(places, "plain", replace(back, dst_mac=BROADCAST))
    wired.update("network", str(networks["plain"]["id"]), admin_state_up=True)
    until(lambda: wired.deliver(places, guest.device, outwards(guest)) == {"plain"}, 3)


def await_plugged(site: Site, guest: Guest) -> None:
    """A started cloud says what it has plugged again."""
    until(lambda: f"deuteron: attached port {guest.id} again" in site.cloud.lines, 10)


def test_uplinks_survive_a_restart(wired: Site, networks: dict[str, dict[str, object]]) -> None:
    guests = {"tagged.101": wired.guest(networks["tagged.101"])}
    assert wired.cloud.stop() == 0
    on_host = subprocess.run(["ip", "link"], capture_output=True, text=True, check=True).stdout
    assert all(near in on_host for near, _ in WIRES.values())
    wired.cloud.start()
    wired.cloud.await_status(guests["tagged.101"].id, "ACTIVE", 5)
    await_plugged(wired, guests["tagged.101"])
    check(wired, guests)
    wired.cloud.kill()
    wired.cloud.start()
    await_plugged(wired, guests["tagged.101"])
    wired.cloud.await_status(guests["tagged.101"].id, "ACTIVE", 5)
    check(wired, guests)
