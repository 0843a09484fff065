# SPDX-License-Identifier: Apache-2.0
"""Devices: plugged, leased, taken away, and what comes through them."""

from __future__ import annotations

import fcntl
import os
import select
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from deuteron.host import attachments, namespace
from deuteron.host.attach import PortPlug, plug_netns, plug_tap, replug, unplug
from deuteron.host.command import HostError, run
from deuteron.host.stack import OvnStack

from .conftest import MTU, Segment, pings

ETH_P_ARP = 0x0806


def test_two_namespaces_get_leases_and_ping(
    segment: Segment, netns_name: Callable[[], str]
) -> None:
    one, two = segment.add(), segment.add()
    first, second = netns_name(), netns_name()
    resolver = Path("/etc/resolv.conf").read_bytes()
    assert plug_netns(segment.stack, one, first, dhcp=True) == (f"{segment.address(one)}/24",)
    assert plug_netns(segment.stack, two, second, dhcp=True) == (f"{segment.address(two)}/24",)
    pings(first, segment.address(two))
    pings(second, segment.address(one))
    device = namespace.devices(first)["eth0"]
    assert device["address"] == one.mac
    assert device["mtu"] == MTU
    routes = run(["ip", "-n", first, "route"])
    assert "default via 10.9.0.1" in routes
    assert "169.254.169.254 via 10.9.0.3" in routes
    assert "nameserver 10.9.0.2" in run(["ip", "netns", "exec", first, "cat", "/etc/resolv.conf"])
    assert Path("/etc/resolv.conf").read_bytes() == resolver
    unplug(segment.stack, one.id)
    assert not Path("/etc/netns", first).exists()


def test_leases_of_both_ip_versions(segment: Segment, netns_name: Callable[[], str]) -> None:
    port, place = segment.add(), netns_name()
    options = segment.nb(
        "create", "dhcp_options", 'cidr="fd00:9::/64"',
        'options="server_id"="02:00:00:00:00:01" "dns_server"="fd00:9::2"',
    )  # fmt: skip
    segment.nb(
        "lsp-set-addresses", port.id, f"{port.mac} {segment.address(port)} fd00:9::10",
        "--", "set", "Logical_Switch_Port", port.id, f"dhcpv6_options={options}",
    )  # fmt: skip
    expected = (f"{segment.address(port)}/24", "fd00:9::10/64")
    found = plug_netns(segment.stack, replace(port, addresses=expected), place, dhcp=True)
    # DHCPv6 leases an address, not a prefix: what is on the link, a router tells.
    assert set(found) == {expected[0], "fd00:9::10/128"}
    resolver = run(["ip", "netns", "exec", place, "cat", "/etc/resolv.conf"])
    assert "nameserver 10.9.0.2" in resolver
    assert "nameserver fd00:9::2" in resolver


def test_full_size_tcp_comes_through_intact(
    segment: Segment, netns_name: Callable[[], str]
) -> None:
    one, two = segment.add(), segment.add()
    first, second = netns_name(), netns_name()
    plug_netns(segment.stack, segment.static(one), first)
    plug_netns(segment.stack, segment.static(two), second)
    pings(first, segment.address(two))
    pings(first, segment.address(two))
    run(["nsenter", f"--net=/run/netns/{first}", "ping", "-c1", "-W2", "-M", "do",
         "-s", str(MTU - 28), segment.address(two)])  # fmt: skip
    receive = (
        "import hashlib, socket\n"
        "s = socket.create_server(('0.0.0.0', 5001)); print('listening', flush=True)\n"
        "c = s.accept()[0]; h = hashlib.sha256()\n"
        "while data := c.recv(65536): h.update(data)\n"
        "print(h.hexdigest())\n"
    )
    send = (
        "import hashlib, random, socket\n"
        f"c = socket.create_connection(('{segment.address(two)}', 5001), 5)\n"
        "data = random.Random(1).randbytes(1 << 20); h = hashlib.sha256()\n"
        "for _ in range(8): c.sendall(data); h.update(data)\n"
        "print(h.hexdigest())\n"
    )
    inside = ["nsenter", f"--net=/run/netns/{second}", sys.executable, "-c", receive]
    with subprocess.Popen(inside, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            assert server.stdout.readline() == "listening\n"
            sent = namespace.execute(first, [sys.executable, "-c", send], timeout=30)
            assert server.stdout.readline() == sent
        finally:
            server.kill()


def test_up_follows_the_device_within_a_second(
    segment: Segment, netns_name: Callable[[], str]
) -> None:
    port, place = segment.add(), netns_name()
    plug_netns(segment.stack, segment.static(port), place)
    segment.await_up(port, "true", within=1.0)
    assert unplug(segment.stack, port.id)
    segment.await_up(port, "false", within=1.0)
    assert not unplug(segment.stack, port.id)
    assert not namespace.exists(place)
    # Again: nothing of the first time is in the way.
    plug_netns(segment.stack, segment.static(port), place)
    segment.await_up(port, "true", within=1.0)


@pytest.mark.parametrize("dhcp", [False, True])
def test_a_namespace_deleted_by_its_user(
    segment: Segment, netns_name: Callable[[], str], dhcp: bool
) -> None:
    one, two = segment.add(), segment.add()
    first, second = netns_name(), netns_name()
    plug_netns(segment.stack, one if dhcp else segment.static(one), first, dhcp=dhcp)
    plug_netns(segment.stack, segment.static(two), second)
    segment.await_up(one, "true", within=1.0)
    run(["ip", "netns", "del", first])
    segment.await_up(one, "false", within=1.0)
    assert replug(segment.stack) == {one.id: None, two.id: None}
    segment.await_up(one, "true", within=2.0)
    pings(first, segment.address(two))
    run(["ip", "netns", "del", first])
    assert unplug(segment.stack, one.id)
    assert set(attachments.read(segment.stack.state_dir)) == {two.id}


def test_plugging_again_changes_only_what_is_new(
    segment: Segment, netns_name: Callable[[], str]
) -> None:
    port, place = segment.static(segment.add()), netns_name()
    plug_netns(segment.stack, port, place)
    run(["ip", "-n", place, "addr", "add", "192.0.2.7/24", "dev", "eth0"])
    plug_netns(segment.stack, replace(port, mtu=1300, mac="02:00:00:00:02:99"), place)
    device = namespace.devices(place)["eth0"]
    assert (device["mtu"], device["address"]) == (1300, "02:00:00:00:02:99")
    assert "192.0.2.7/24" in run(["ip", "-n", place, "addr"])


def test_what_is_taken_is_refused(segment: Segment, netns_name: Callable[[], str]) -> None:
    one, two, place = segment.add(), segment.add(), netns_name()
    plug_netns(segment.stack, one, place)
    with pytest.raises(HostError, match="attached already: eth0 in namespace"):
        plug_netns(segment.stack, one, netns_name())
    with pytest.raises(HostError, match=f"belongs to port {one.id}"):
        plug_netns(segment.stack, two, place)
    run(["ip", "-n", place, "link", "add", "eth5", "type", "veth", "peer", "name", "x5"])
    with pytest.raises(HostError, match=r"eth5 in namespace .*is not this port's"):
        plug_netns(segment.stack, two, place, "eth5")
    with pytest.raises(HostError, match="cannot be the name"):
        plug_netns(segment.stack, two, "../etc")
    with pytest.raises(HostError, match="cannot be the name"):
        plug_netns(segment.stack, two, place, "a-name-too-long-for-it")
    assert set(attachments.read(segment.stack.state_dir)) == {one.id}
    # A second device beside it is fine; the namespace goes with the last.
    run(["ip", "-n", place, "link", "del", "eth5"])
    plug_netns(segment.stack, two, place, "eth1")
    unplug(segment.stack, one.id)
    assert namespace.exists(place)
    unplug(segment.stack, two.id)
    assert not namespace.exists(place)


def test_without_a_stack_nothing_is_plugged(state_dir: Path, netns_name: Callable[[], str]) -> None:
    place = netns_name()
    with pytest.raises(HostError, match="is not running"):
        plug_netns(OvnStack(state_dir), PortPlug("p" * 36, "02:00:00:00:01:01"), place)
    assert not namespace.exists(place)
    assert attachments.read(state_dir) == {}


def test_no_lease_is_an_error_and_the_port_stays_plugged(
    segment: Segment, netns_name: Callable[[], str]
) -> None:
    port = segment.add()
    segment.nb("clear", "Logical_Switch_Port", port.id, "dhcpv4_options")
    with pytest.raises(HostError, match="no IPv4 address by DHCP"):
        plug_netns(segment.stack, port, netns_name(), dhcp=True, lease_seconds=1.0)
    assert set(attachments.read(segment.stack.state_dir)) == {port.id}


def test_plugging_again_without_dhcp_forgets_no_client(
    segment: Segment, netns_name: Callable[[], str]
) -> None:
    port, place = segment.add(), netns_name()
    plug_netns(segment.stack, port, place, dhcp=True)
    plug_netns(segment.stack, port, place)
    assert namespace.pids(place)
    assert unplug(segment.stack, port.id)
    assert not namespace.exists(place)


@pytest.fixture
def tap_name() -> Iterator[str]:
    name = f"dtt{os.getpid() % 10**6}"
    yield name
    if name in namespace.devices(None):
        run(["ip", "link", "del", name])


def open_tap(name: str) -> int:
    """What QEMU does: TUNSETIFF with IFF_TAP | IFF_NO_PI (linux/if_tun.h)."""
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, 0x400454CA, struct.pack("16sH", name.encode(), 0x1002))
    return fd


def arp(
    source_mac: bytes, source: bytes, target_mac: bytes, target: bytes, operation: int
) -> bytes:
    outer = (target_mac if operation == 2 else b"\xff" * 6) + source_mac
    body = struct.pack("!HHBBH", 1, 0x0800, 6, 4, operation)
    return outer + struct.pack("!H", ETH_P_ARP) + body + source_mac + source + target_mac + target


def receive(fd: int, wanted: Callable[[bytes], bool], seconds: float) -> bytes | None:
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        if select.select([fd], [], [], left)[0]:
            frame = os.read(fd, 65536)
            if wanted(frame):
                return frame
    return None


def test_a_tap_passes_frames_both_ways(
    segment: Segment, netns_name: Callable[[], str], tap_name: str
) -> None:
    guest, other, place = segment.add(), segment.add(), netns_name()
    # The switch would answer for a known port itself; this way the request must travel.
    segment.nb("lsp-set-addresses", other.id, "unknown")
    plug_netns(segment.stack, segment.static(other), place)
    plug_tap(segment.stack, guest, tap_name)
    segment.await_up(guest, "true", within=1.0)
    segment.await_up(other, "true", within=1.0)
    mac, peer_mac = (
        bytes.fromhex(guest.mac.replace(":", "")),
        bytes.fromhex(other.mac.replace(":", "")),
    )
    ours, theirs = (bytes(map(int, segment.address(port).split("."))) for port in (guest, other))

    def ask(fd: int) -> None:
        reply = arp(peer_mac, theirs, mac, ours, 2)
        # As any guest does, again: a tap opened this moment may not have its carrier yet.
        for _ in range(10):
            os.write(fd, arp(mac, ours, bytes(6), theirs, 1))
            if receive(fd, lambda frame: frame[:42] == reply, 0.3) is not None:
                return
        pytest.fail("no answer through the tap")

    fd = open_tap(tap_name)
    try:
        ask(fd)
        receive(fd, lambda _: False, 0.5)
        # The host itself says nothing on the tap: no IPv6, no router solicitation.
        assert receive(fd, lambda frame: frame[6:12] != peer_mac, 1.0) is None
        # A restart of OVN under a running guest: the tap, and the guest's handle on it, stay.
        segment.stack.stop()
        assert f"dt{guest.id[:13]}" not in namespace.devices(None)
        segment.stack.start()
        assert set(replug(segment.stack).values()) == {None}
        segment.await_up(guest, "true", within=1.0)
        ask(fd)
    finally:
        os.close(fd)
    unplug(segment.stack, guest.id)
    assert tap_name not in namespace.devices(None)
    assert f"dt{guest.id[:13]}" not in namespace.devices(None)


def test_a_users_own_tap_is_left_in_place(segment: Segment, tap_name: str) -> None:
    run(["ip", "tuntap", "add", "dev", tap_name, "mode", "tap"])
    port = segment.add()
    plug_tap(segment.stack, port, tap_name)
    assert namespace.devices(None)[tap_name]["mtu"] == MTU
    unplug(segment.stack, port.id)
    assert tap_name in namespace.devices(None)


def test_the_machines_own_card_is_no_tap(segment: Segment) -> None:
    port = segment.add()
    with pytest.raises(HostError, match="not a tap"):
        plug_tap(segment.stack, port, "lo")
    assert port.id not in attachments.read(segment.stack.state_dir)


def test_a_localnet_port_reaches_the_provider_bridge(
    make_stack: Callable[..., OvnStack], netns_name: Callable[[], str]
) -> None:
    stack = make_stack(bridge_mappings={"public": "br-public"})
    segment = Segment(stack)
    segment.create()
    segment.nb(
        "lsp-add", "segment", "uplink", "--", "lsp-set-type", "uplink", "localnet",
        "--", "lsp-set-addresses", "uplink", "unknown",
        "--", "set", "Logical_Switch_Port", "uplink", "tag_request=7", "tag=7",
        "options:network_name=public",
    )  # fmt: skip
    outside, inside, port = netns_name(), netns_name(), segment.add()
    namespace.ensure(outside)
    run(["ip", "link", "add", "up0", "netns", stack.namespace, "type", "veth",
         "peer", "name", "up1", "netns", outside])  # fmt: skip
    run(["ip", "-n", stack.namespace, "link", "set", "up0", "up"])
    # The port takes part in VLAN 7 alone, so what passes it was tagged on the way out.
    stack.vsctl("add-port", "br-public", "up0", "tag=7")
    namespace.execute(outside, ["ethtool", "-K", "up1", "tx", "off"])
    namespace.ip_batch(["addr add 10.9.0.200/24 dev up1", "link set up1 up"], outside)
    plug_netns(stack, port, inside, dhcp=True)
    pings(inside, "10.9.0.200")
    pings(outside, segment.address(port))
    stack.vsctl("set", "Port", "up0", "tag=8")
    with pytest.raises(HostError):
        namespace.execute(inside, ["ping", "-c2", "-i0.2", "-W1", "10.9.0.200"])


def test_replug_says_what_it_could_not_do(segment: Segment, netns_name: Callable[[], str]) -> None:
    one, two, stray = segment.add(), segment.add(), segment.add()
    first, second, third = netns_name(), netns_name(), netns_name()
    plug_netns(segment.stack, segment.static(one), first)
    plug_netns(segment.stack, segment.static(two), second)
    plug_netns(segment.stack, segment.static(stray), third)
    with attachments.edit(segment.stack.state_dir) as by_port:
        del by_port[stray.id]
    run(["ip", "-n", first, "link", "del", "eth0"])
    run(["ip", "-n", first, "link", "add", "eth0", "type", "veth", "peer", "name", "x0"])
    outcome = replug(segment.stack)
    assert outcome[two.id] is None
    assert "is not this port's" in str(outcome[one.id])
    assert set(attachments.read(segment.stack.state_dir)) == {one.id, two.id}
    assert "eth0" not in namespace.devices(third)
