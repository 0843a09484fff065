# SPDX-License-Identifier: Apache-2.0
"""The thinnest whole path: one command, one network, two namespaces, DHCP, ping."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.cloud import Cloud


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[Cloud]:
    made = Cloud(tmp_path / "state")
    try:
        yield made
    finally:
        made.remove()


def in_netns(name: str, *command: str) -> str:
    done = subprocess.run(
        ["ip", "netns", "exec", name, *command], capture_output=True, text=True, check=True
    )
    return done.stdout


def test_two_namespaces_talk(cloud: Cloud) -> None:
    assert cloud.start() < 6
    network = cloud.create("network", name="blue")
    cloud.create("subnet", network_id=network["id"], ip_version=4, cidr="10.3.0.0/24")
    ports = [cloud.create("port", network_id=network["id"], name=name) for name in ("p1", "p2")]
    spaces = [f"{cloud.port}-{port['name']}" for port in ports]
    for port, space in zip(ports, spaces, strict=True):
        said = cloud.run("attach", port["name"], "--netns", space, "--dhcp").stdout
        assert "ACTIVE" in said
    address = ports[1]["fixed_ips"][0]["ip_address"]
    assert f"inet {address}/24" in in_netns(spaces[1], "ip", "addr", "show", "eth0")
    assert f"mtu {network['mtu']}" in in_netns(spaces[1], "ip", "link", "show", "eth0")
    assert " 0% packet loss" in in_netns(spaces[0], "ping", "-c", "3", "-i", "0.2", address)
    assert cloud.drift() == []

    shown = cloud.show("port", ports[0]["id"])
    assert shown["binding:vif_type"] == "ovs"
    assert shown["device_owner"] == "compute:nova"
    cloud.run("detach", ports[0]["id"])
    cloud.await_status(ports[0]["id"], "DOWN", 2)
    assert cloud.show("port", ports[0]["id"])["binding:vif_type"] == "unbound"

    again = Cloud(cloud.state)
    with pytest.raises(AssertionError, match="in use by process"):
        again.start()
    assert cloud.stop() == 0
    cloud.start()
    assert cloud.show("network", network["id"])["name"] == "blue"
    cloud.run("attach", ports[0]["id"], "--netns", spaces[0], "--dhcp")
    assert " 0% packet loss" in in_netns(spaces[0], "ping", "-c", "3", "-i", "0.2", address)
    cloud.stop()
    assert cloud.run("down").returncode == 0
    assert not cloud.state.exists()
    namespaces = subprocess.run(["ip", "netns"], capture_output=True, text=True, check=True).stdout
    assert not any(space in namespaces for space in spaces)


def test_a_machine_without_ovn_is_told(cloud: Cloud, tmp_path: Path) -> None:
    """Without root: one line with what is missing and what works meanwhile."""
    tmp_path.chmod(0o755)
    from tests.end_to_end.cloud import DEUTERON

    done = subprocess.run(
        ["setpriv", "--reuid", "65534", "--clear-groups", *DEUTERON, "up", "--state", "/tmp/none"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1
    assert "root" in done.stderr
    assert "--engine simulator" in done.stderr


def test_simulator_serves_the_api(tmp_path: Path) -> None:
    cloud = Cloud(tmp_path / "state", engine="simulator")
    try:
        cloud.start()
        network = cloud.create("network", name="n")
        cloud.create("subnet", network_id=network["id"], ip_version=4, cidr="10.3.0.0/24")
        bound = {"network_id": network["id"], "binding:host_id": "h"}
        port = cloud.create("port", **bound)
        cloud.await_status(port["id"], "ACTIVE", 3)
        listed = subprocess.run(
            [str(Path(sys.executable).parent / "openstack"), "network", "list", "-f", "value"],
            env={
                **os.environ,
                "OS_CLIENT_CONFIG_FILE": str(cloud.state / "clouds.yaml"),
                "OS_CLOUD": "deuteron",
            },
            capture_output=True,
            text=True,
            check=True,
        )
        assert network["id"] in listed.stdout
    finally:
        cloud.remove()
