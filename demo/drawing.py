# SPDX-License-Identifier: Apache-2.0
"""Draws networks and the namespaces on them. Invariant: 80 columns hold three ports."""

from __future__ import annotations

from dataclasses import dataclass

from rich.text import Text

WIDTH = 22  # of a port's box, its frame included
GAP = 2


@dataclass(frozen=True)
class Port:
    """A port, plugged into the device eth0 of the namespace of its name."""

    name: str
    address: str
    mac: str
    status: str


@dataclass(frozen=True)
class Network:
    name: str
    kind: str
    mtu: int
    cidr: str
    ports: list[Port]


def draw(networks: list[Network]) -> Text:
    """The networks beside each other: the wire above, a box for each namespace below it."""
    columns = [_network(network) for network in networks]
    drawing = Text()
    for line in zip(*columns, strict=True):
        for part in line:
            drawing.append_text(part).append(" " * 2 * GAP)
        drawing.append("\n")
    return drawing


def _network(network: Network) -> list[Text]:
    width = max(1, len(network.ports)) * (WIDTH + GAP) - GAP
    joints = [number * (WIDTH + GAP) + WIDTH // 2 for number in range(len(network.ports))]
    wire = "".join("╤" if column in joints else "═" for column in range(width))
    boxes = [_box(port) for port in network.ports]
    rows = [Text(" " * GAP).join(row) for row in zip(*boxes, strict=True)]
    about = f"{network.kind}, MTU {network.mtu}"
    return [
        Text(network.name.ljust(width), style="bold cyan"),
        Text(network.cidr.ljust(width), style="cyan"),
        Text(about.ljust(width), style="dim"),
        Text(wire, style="cyan"),
        *rows,
    ]


def _box(port: Port) -> list[Text]:
    inside = WIDTH - 4
    mark, style = ("●", "green") if port.status == "ACTIVE" else ("○", "red")
    lines = [
        (port.name, "bold"),
        (port.address, ""),
        (port.mac, "dim"),
        (f"{mark} {port.status}", style),
        ("eth0 in namespace", "dim"),
        (port.name, ""),
    ]
    left = WIDTH // 2 - 1
    top = f"╭{'─' * left}┴{'─' * (WIDTH - left - 3)}╮"
    return [
        Text(top),
        *(Text.assemble("│ ", (text[:inside].ljust(inside), style), " │") for text, style in lines),
        Text(f"╰{'─' * (WIDTH - 2)}╯"),
    ]
