# SPDX-License-Identifier: Apache-2.0
"""Who reaches whom, from the API to the wire; a change of a port is a change of what passes."""

from __future__ import annotations

import subprocess
import time
from dataclasses import replace

from deuteron.engine.simulator.packet import BROADCAST
from tests.end_to_end.site import Guest, Site, until

SECONDS = 3.0  # a change reaches the packets within
STRANGE_MAC, STRANGE_IP = "02:00:00:00:00:99", "203.0.113.9"


def pair(site: Site, cidr: str) -> tuple[Guest, Guest]:
    network = site.network(cidr)
    return site.guest(network), site.guest(network)


def test_equal_address_plans_never_meet(site: Site) -> None:
    """Two projects with the same MACs and IPs: every frame stays in its own network."""
    plans: list[list[Guest]] = []
    for project in ("a" * 32, "b" * 32):
        network = site.cloud.create("network", project_id=project)
        subnet = site.subnet(network, "10.30.0.0/24", project_id=project)
        plans.append(
            [
                site.guest(
                    network,
                    project_id=project,
                    mac_address=f"fa:16:3e:30:00:0{n}",
                    fixed_ips=[{"subnet_id": subnet["id"], "ip_address": f"10.30.0.1{n}"}],
                )
                for n in (1, 2)
            ]
        )
    for mine, theirs in (plans, plans[::-1]):
        one, two = mine
        assert one.pings(two.address())
        assert site.ends(one, one.to(two), two, *theirs) == {two.device}
        everybody = replace(one.to(two), dst_mac=BROADCAST, dst_ip="10.30.0.255")
        assert site.ends(one, everybody, two, *theirs) == {two.device}


def test_port_security_of_the_api(site: Site) -> None:
    one, two = pair(site, "10.31.0.0/24")
    honest = one.to(two)
    assert site.ends(one, honest, two) == {two.device}
    assert site.dies(one, replace(honest, src_mac=STRANGE_MAC), two)
    assert site.dies(one, replace(honest, src_ip=STRANGE_IP), two)

    allowed = [{"ip_address": STRANGE_IP}, {"ip_address": STRANGE_IP, "mac_address": STRANGE_MAC}]
    site.update("port", one.id, allowed_address_pairs=allowed)
    for lie in (
        replace(honest, src_ip=STRANGE_IP),
        replace(honest, src_ip=STRANGE_IP, src_mac=STRANGE_MAC),
    ):
        until(lambda lie=lie: bool(site.ends(one, lie, two)), SECONDS)
    assert site.dies(one, replace(honest, src_ip="203.0.113.10"), two)
    site.update("port", one.id, allowed_address_pairs=[])
    until(lambda: site.dies(one, replace(honest, src_ip=STRANGE_IP), two), SECONDS)

    site.update("port", one.id, port_security_enabled=False)
    lie = replace(honest, src_ip=STRANGE_IP, src_mac=STRANGE_MAC)
    until(lambda: bool(site.ends(one, lie, two)), SECONDS)
    site.update("port", one.id, port_security_enabled=True)
    until(lambda: site.dies(one, lie, two), SECONDS)
    assert site.ends(one, honest, two)


def test_a_disabled_port_and_a_disabled_network_carry_nothing(site: Site) -> None:
    network = site.network("10.32.0.0/24")
    one, two = site.guest(network), site.guest(network)
    assert one.pings(two.address())
    for member, id_ in (("port", two.id), ("network", network["id"])):
        site.update(member, id_, admin_state_up=False)
        until(lambda: site.dies(one, one.to(two), two), SECONDS)
        assert site.lease4(two) is None
        site.update(member, id_, admin_state_up=True)
        until(lambda: bool(site.ends(one, one.to(two), two)), SECONDS)
        until(lambda: one.pings(two.address()), SECONDS)


def test_new_addresses_of_a_port_move_what_passes(site: Site) -> None:
    network = site.network("10.33.0.0/24")
    one, two = site.guest(network), site.guest(network)
    before = one.to(two)
    subnet = network["subnets"][0]
    ips = [{"subnet_id": subnet, "ip_address": "10.33.0.200"}]
    site.update("port", one.id, fixed_ips=ips)
    until(lambda: bool(site.ends(one, one.to(two), two)), SECONDS)
    assert one.to(two).src_ip == "10.33.0.200"
    assert site.dies(one, before, two)
    lease = site.lease4(one)
    assert lease is not None
    assert lease.address == "10.33.0.200"

    bound = {"binding:host_id": one.port["binding:host_id"], "device_id": one.port["device_id"]}
    old = one.to(two)
    site.update("port", one.id, **{"binding:host_id": "", "device_id": ""})
    site.update("port", one.id, mac_address="fa:16:3e:33:00:77")
    site.update("port", one.id, **bound)
    until(lambda: bool(site.ends(one, one.to(two), two)), SECONDS)
    assert site.dies(one, old, two)
    site.cloud.await_status(one.id, "ACTIVE", 3)


def test_mtu(site: Site) -> None:
    """A packet as large as the network's MTU passes whole, a larger one stays at home."""
    one, two = pair(site, "10.34.0.0/24")
    mtu = site.cloud.show("network", one.port["network_id"])["mtu"]
    assert mtu == 1442
    headers = 28  # of IP and ICMP
    assert one.pings(two.address(), "-M", "do", "-s", str(mtu - headers))
    assert not one.pings(two.address(), "-M", "do", "-s", str(mtu - headers + 1), count=1)


def test_status_follows_the_device_within_a_second(site: Site) -> None:
    network = site.network("10.35.0.0/24")
    guest = site.guest(network, plug=False)
    assert guest.port["status"] == "DOWN"
    for _ in range(3):
        started = time.monotonic()
        site.plug(guest)
        assert time.monotonic() - started < 1.0
        subprocess.run(["ip", "-n", guest.netns, "link", "del", guest.device], check=True)
        site.cloud.await_status(guest.id, "DOWN", 1.0)


def test_the_chassis_is_an_agent(site: Site) -> None:
    agents = site.cloud.call("GET", "agents")["agents"]
    assert [agent["agent_type"] for agent in agents] == ["OVN Controller Gateway agent"]
    [agent] = agents
    assert agent["alive"] is True
    assert agent["availability_zone"] == "nova"
    assert "plain:br-plain" in agent["configurations"]["bridge-mappings"]
    zones = site.cloud.call("GET", "availability_zones")["availability_zones"]
    assert {zone["name"] for zone in zones} == {"nova"}
    assert {zone["state"] for zone in zones} == {"available"}
