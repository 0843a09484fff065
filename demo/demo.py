# SPDX-License-Identifier: Apache-2.0
"""Two namespaces that talk: built with the unmodified `openstack` client, drawn in the terminal.

Run it beside `make up`. It may be run again; `--clean` removes what it built.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.panel import Panel
from rich.tree import Tree

BIN = Path(sys.executable).parent
NETWORK, SUBNET = "demo-net", "demo-subnet"
PORTS = {"demo-a": "demo-a", "demo-b": "demo-b"}
console = Console(highlight=False)


def show(command: list[str]) -> None:
    words = " ".join(Path(word).name if "/bin/" in word else word for word in command)
    console.print(f"[bold green]$[/] {words}", soft_wrap=True)


def run(*command: str) -> str:
    """Run a command and show it; end the demo if it fails."""
    show(list(command))
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        console.print(done.stdout + done.stderr, style="red")
        raise SystemExit(f"the demo stops here: {command[0]} failed")
    return done.stdout.strip()


def openstack(*words: str) -> Any:
    """The real client, its answer decoded."""
    return json.loads(run(str(BIN / "openstack"), *words, "-f", "json") or "null")


def names(*words: str) -> set[str]:
    return {item["Name"] for item in openstack(*words)}


def build(state: str) -> None:
    if NETWORK not in names("network", "list"):
        openstack("network", "create", NETWORK)
        openstack(
            *("subnet", "create", SUBNET, "--network", NETWORK, "--subnet-range", "10.77.0.0/24")
        )
    existing = {port["Name"]: port for port in openstack("port", "list", "--long")}
    for name, netns in PORTS.items():
        if name not in existing:
            openstack("port", "create", name, "--network", NETWORK)
        if existing.get(name, {}).get("Status") != "ACTIVE":
            plug = (str(BIN / "deuteron"), "attach", name, "--netns", netns, "--dhcp")
            console.print(run(*plug, "--state", state), soft_wrap=True)


def draw() -> None:
    network = openstack("network", "show", NETWORK)
    kind = network["provider:network_type"]
    tree = Tree(f"[bold]{NETWORK}[/]  {kind} {network['provider:segmentation_id']}, "
                f"MTU {network['mtu']}")  # fmt: skip
    subnet = tree.add(f"{SUBNET}  {openstack('subnet', 'show', SUBNET)['cidr']}")
    for port in openstack("port", "list", "--network", NETWORK, "--long"):
        if port["Name"] not in PORTS:
            continue
        [ip] = [item["ip_address"] for item in port["Fixed IP Addresses"]]
        subnet.add(f"{port['Name']}  {ip}  {port['MAC Address']}  [green]{port['Status']}[/]"
                   f"  → netns {PORTS[port['Name']]} eth0")  # fmt: skip
    console.print(Panel(tree, title="what was built", expand=False))


def ping() -> None:
    one, other = PORTS.values()
    show_address = ("ip", "netns", "exec", other, "ip", "-4", "-o", "addr", "show", "eth0")
    address = run(*show_address).split()[3].split("/")[0]
    console.print(run("ip", "netns", "exec", one, "ping", "-c", "3", "-i", "0.2", address))


def clean(state: str) -> None:
    for name in PORTS:
        run(str(BIN / "deuteron"), "detach", name, "--state", state)
        run(str(BIN / "openstack"), "port", "delete", name)
    run(str(BIN / "openstack"), "network", "delete", NETWORK)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", default="state")
    parser.add_argument("--clean", action="store_true")
    arguments = parser.parse_args()
    clouds = Path(arguments.state).resolve() / "clouds.yaml"
    if not clouds.exists():
        raise SystemExit(f"no cloud runs in {arguments.state}: run `make up` in another terminal")
    os.environ.update(OS_CLIENT_CONFIG_FILE=str(clouds), OS_CLOUD="deuteron")
    if arguments.clean:
        clean(arguments.state)
        return
    build(arguments.state)
    ping()
    draw()


main()
