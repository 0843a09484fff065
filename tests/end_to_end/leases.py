# SPDX-License-Identifier: Apache-2.0
"""What a DHCP answer on the wire says, in the simulator's words."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address

from deuteron.engine.simulator.dhcp import Lease4, Lease6


def _addresses4(value: bytes) -> tuple[str, ...]:
    return tuple(str(IPv4Address(value[at : at + 4])) for at in range(0, len(value), 4))


def _routes(value: bytes) -> Iterator[tuple[str, str]]:
    """Option 121 (RFC 3442): prefix length, the octets that it needs, the next hop."""
    while value:
        length, octets = value[0], (value[0] + 7) // 8
        to = IPv4Address(value[1 : 1 + octets].ljust(4, b"\0"))
        yield f"{to}/{length}", str(IPv4Address(value[1 + octets : 5 + octets]))
        value = value[5 + octets :]


def lease4_of(options: dict[str, bytes]) -> Lease4:
    return Lease4(
        address=str(IPv4Address(options["address"])),
        mask=_addresses4(options["1"])[0],
        server_ip=_addresses4(options["54"])[0],
        server_mac=options["server_mac"].hex(":"),
        router=_addresses4(options["3"])[0] if "3" in options else None,
        mtu=int.from_bytes(options["26"], "big"),
        lease_time=int.from_bytes(options["51"], "big"),
        dns_servers=_addresses4(options.get("6", b"")),
        domain_name=options.get("15", b"").decode(),
        routes=tuple(_routes(options.get("121", b""))),
    )


def lease6_of(options: dict[str, bytes]) -> Lease6:
    servers = options.get("23", b"")
    return Lease6(
        address=str(IPv6Address(options["address"])) if "address" in options else None,
        server_ip=str(IPv6Address(options["server_ip"])),
        server_mac=options["server_mac"].hex(":"),
        dns_servers=tuple(
            str(IPv6Address(servers[at : at + 16])) for at in range(0, len(servers), 16)
        ),
        domain_search=".".join(_labels(options.get("24", b""))),
    )


def _labels(value: bytes) -> Iterator[str]:
    while value and value[0]:
        yield value[1 : 1 + value[0]].decode()
        value = value[1 + value[0] :]
