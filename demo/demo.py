# SPDX-License-Identifier: Apache-2.0
"""Three namespaces on two networks: built with the unmodified `openstack` client, then drawn.

`demo-a` and `demo-b` share a network and talk; `demo-c` has the very address of `demo-b` on a
network of its own, and reaches nobody. Run it beside `make up`. It may be run again; `--clean`
removes what it built.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from drawing import Network, Port, draw
from rich.console import Console

BIN = Path(sys.executable).parent
CIDR = "10.77.0.0/24"
# By port: its network and its address. A port's namespace has its name.
PORTS = {
    "demo-a": ("demo-blue", "10.77.0.11"),
    "demo-b": ("demo-blue", "10.77.0.12"),
    "demo-c": ("demo-red", "10.77.0.12"),
}
NETWORKS = ("demo-blue", "demo-red")
console = Console(highlight=False)


class Failed(Exception):
    """A command that had to work did not."""


def shown(command: Iterable[str]) -> str:
    """A command as a person would type it."""
    words = [Path(word).name if "/bin/" in word else word for word in command]
    return " ".join(words).removesuffix(" -f json")


def run(*command: str) -> str:
    """Run a command and show it. Raises `Failed` with what it said."""
    console.print(f"[bold green]$[/] {shown(command)}", soft_wrap=True)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failed(f"{shown(command)}\n{done.stdout}{done.stderr}".strip())
    return done.stdout.strip()


def openstack(*words: str) -> Any:
    """The real client, its answer decoded."""
    return json.loads(run(str(BIN / "openstack"), *words, "-f", "json") or "null")


def deuteron(state: str, *words: str) -> str:
    return run(str(BIN / "deuteron"), *words, "--state", state)


def at_once(action: Callable[..., Any], items: Iterable[Any]) -> list[Any]:
    """The client takes over a second to start, mostly alone: two run beside each other."""
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(action, items))


def existing() -> tuple[dict[str, Any], dict[str, Any]]:
    """The networks and the ports of the demo that are there, by name."""
    kinds = (("network", "list", "--long"), ("port", "list", "--long"))
    networks, ports = at_once(lambda words: openstack(*words), kinds)
    return (
        {item["Name"]: item for item in networks if item["Name"] in NETWORKS},
        {item["Name"]: item for item in ports if item["Name"] in PORTS},
    )


def build(state: str) -> list[Network]:
    """Have everything; what is there already is left as it is."""
    networks, ports = existing()

    def make(name: str) -> Network:
        known = name in networks
        network = openstack("network", "show", name) if known else make_network(name)
        members = [port for port, (where, _) in PORTS.items() if where == name]
        return Network(
            name,
            f"{network['provider:network_type']} {network['provider:segmentation_id']}",
            network["mtu"],
            CIDR,
            [have_port(state, port, ports.get(port)) for port in members],
        )

    return at_once(make, NETWORKS)


def make_network(name: str) -> Any:
    network = openstack("network", "create", name)
    openstack("subnet", "create", f"{name}-v4", "--network", name, "--subnet-range", CIDR)
    return network


def have_port(state: str, name: str, listed: dict[str, Any] | None) -> Port:
    """A port, plugged. Its address is the one that its namespace has."""
    network, address = PORTS[name]
    fixed = f"ip-address={address}"
    create = ("port", "create", name, "--network", network, "--fixed-ip", fixed)
    mac = listed["MAC Address"] if listed else openstack(*create)["mac_address"]
    status = listed["Status"] if listed else "DOWN"
    if status != "ACTIVE":
        said = deuteron(state, "attach", name, "--netns", name, "--dhcp")
        console.print(said, soft_wrap=True)
        status = said.split(" is ")[1].split(":")[0]
    words = ("ip", "netns", "exec", name, "ip", "-4", "-o", "addr", "show", "eth0")
    found = re.search(
        r"inet (\S+)", subprocess.run(words, capture_output=True, text=True, check=False).stdout
    )
    return Port(name, found[1] if found else "no address", mac, status)


def ping(one: str, address: str) -> str:
    """What came of three pings."""
    command = ("ip", "netns", "exec", one, "ping", "-c", "3", "-i", "0.2", "-W", "1", address)
    console.print(f"[bold green]$[/] {' '.join(command)}")
    said = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    times = re.search(r"= [\d.]+/([\d.]+)/", said)
    return f"[green]answered, {times[1]} ms[/]" if times else "[red]no answer[/]"


def clean(state: str) -> None:
    networks, ports = existing()
    for name, port in ports.items():
        if port["Status"] == "ACTIVE":
            deuteron(state, "detach", name)
    if ports:
        run(str(BIN / "openstack"), "port", "delete", *ports)
    if networks:
        run(str(BIN / "openstack"), "network", "delete", *networks)
    console.print("the demo is gone" if ports or networks else "there was nothing of the demo")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", default="state", help="as `deuteron up` was given")
    parser.add_argument("--clean", action="store_true", help="remove what the demo built")
    arguments = parser.parse_args()
    state = Path(arguments.state).resolve()
    if not (state / "up.pid").exists():
        raise SystemExit(f"no cloud runs in {state}: run `make up` in another terminal first")
    os.environ.update(OS_CLIENT_CONFIG_FILE=str(state / "clouds.yaml"), OS_CLOUD="deuteron")
    started = time.monotonic()
    try:
        if arguments.clean:
            clean(arguments.state)
            return
        networks = build(arguments.state)
    except Failed as failure:
        console.print(f"[red]{failure}[/]")
        raise SystemExit("the demo stops here") from None
    talks = [("demo-a", "demo-b"), ("demo-c", "demo-a")]
    answers = [ping(one, PORTS[other][1]) for one, other in talks]
    console.print()
    console.print(draw(networks), soft_wrap=True)
    for (one, other), answer in zip(talks, answers, strict=True):
        console.print(f"  {one} → {other} ({PORTS[other][1]})  {answer}")
    console.print("  demo-b and demo-c have the same address; their networks never meet.")
    console.print(
        f"\nBuilt in {time.monotonic() - started:.0f} s. Look around: "
        "[bold]ip netns exec demo-a ip addr[/]; remove it: [bold]make demo-clean[/]",
        soft_wrap=True,
    )


main()
