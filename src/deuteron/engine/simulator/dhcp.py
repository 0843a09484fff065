# SPDX-License-Identifier: Apache-2.0
"""What the DHCP servers of the model answer to one port.

As in OVN, a port is answered only for its own MAC, with its first address inside the subnet that
its `PortDhcp` names, and with the port's own options in place of the subnet's; an option whose
value is not of its type is as good as absent.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, ip_network
from typing import TypeVar

from deuteron.engine.model import Dhcp4, Dhcp6, PortDhcp, SwitchPort
from deuteron.engine.simulator.packet import address, link_local

Value = TypeVar("Value")

# The API's names (and option numbers) of the options that have a field of their own in a lease.
ROUTER = ("router", "3")
DNS4 = ("dns-server", "6")
DOMAIN4 = ("domain-name", "15")
MTU = ("mtu", "26")
LEASE_TIME = ("lease-time", "51")
ROUTES = ("classless-static-route", "121")
DNS6 = ("dns-server", "23")
DOMAIN6 = ("domain-search", "24")


@dataclass(frozen=True, slots=True)
class Lease4:
    """A DHCPv4 answer. `routes` are (destination CIDR, next hop); `lease_time` in seconds.

    `routes` have the subnet's default route when they have anything, since a client that takes
    them ignores `router` (RFC 3442).

    `options` are the port's overrides that have no field here, by the API's name.
    """

    address: str
    mask: str
    server_ip: str
    server_mac: str
    router: str | None
    mtu: int
    lease_time: int
    dns_servers: tuple[str, ...]
    domain_name: str
    routes: tuple[tuple[str, str], ...]
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Lease6:
    """A DHCPv6 answer. `address` is None from a stateless server, which gives options only."""

    address: str | None
    server_ip: str
    server_mac: str
    dns_servers: tuple[str, ...]
    domain_search: str
    options: Mapping[str, str] = field(default_factory=dict)


def _first_inside(port: SwitchPort, cidr: str) -> str | None:
    network = ip_network(cidr, strict=False)
    return next((text for text in port.addresses if address(text) in network), None)


def _take(
    options: dict[str, str], names: tuple[str, ...], valid: Callable[[str], Value], subnet: Value
) -> Value:
    """The port's own value in place of the subnet's; one that is not `valid` does not count."""
    for text in [options.pop(name) for name in names if name in options]:
        with contextlib.suppress(ValueError):
            return valid(text)
    return subnet


def _number(bits: int) -> Callable[[str], int]:
    def valid(text: str) -> int:
        if not 0 <= int(text) < 1 << bits:
            raise ValueError(text)
        return int(text)

    return valid


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.strip().strip("{}").split(",") if part.strip()]


def _addresses(family: type[IPv4Address] | type[IPv6Address]) -> Callable[[str], tuple[str, ...]]:
    def valid(text: str) -> tuple[str, ...]:
        found = tuple(str(family(part)) for part in _parts(text))
        if not found:
            raise ValueError(text)
        return found

    return valid


def _route_pairs(text: str) -> tuple[tuple[str, str], ...]:
    parts = _parts(text)
    if not parts or len(parts) % 2:
        raise ValueError(text)
    pairs = zip(parts[::2], parts[1::2], strict=True)
    return tuple((str(IPv4Network(to, strict=False)), str(IPv4Address(via))) for to, via in pairs)


def _disabled(dhcp: PortDhcp) -> bool:
    """Turned off by the port's option `dhcp_disabled`."""
    return any(
        name == "dhcp_disabled" and value.strip().lower() in ("true", "1")
        for name, value in dhcp.overrides
    )


def _routes(server: Dhcp4, own: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """The subnet's routes, then the port's own."""
    routes = list(server.routes)
    if routes and server.router and all(to != "0.0.0.0/0" for to, _ in routes):
        routes.append(("0.0.0.0/0", server.router))
    return (*routes, *own)


def lease4(port: SwitchPort, server: Dhcp4, mac: str) -> Lease4 | None:
    """What the server answers a client with this MAC on the port."""
    offered = _first_inside(port, server.cidr)
    if offered is None or port.dhcp4 is None or _disabled(port.dhcp4) or mac != port.mac.lower():
        return None
    options = dict(port.dhcp4.overrides)
    router: tuple[str, ...] = (server.router,) if server.router else ()
    no_routes: tuple[tuple[str, str], ...] = ()
    return Lease4(
        address=offered,
        mask=str(ip_network(server.cidr, strict=False).netmask),
        server_ip=server.server_ip,
        server_mac=server.server_mac,
        router=next(iter(_take(options, ROUTER, _addresses(IPv4Address), router)), None),
        mtu=_take(options, MTU, _number(16), server.mtu),
        lease_time=_take(options, LEASE_TIME, _number(32), server.lease_time),
        dns_servers=_take(options, DNS4, _addresses(IPv4Address), server.dns_servers),
        domain_name=_take(options, DOMAIN4, str, server.domain_name),
        routes=_routes(server, _take(options, ROUTES, _route_pairs, no_routes)),
        options=options,
    )


def lease6(port: SwitchPort, server: Dhcp6, mac: str) -> Lease6 | None:
    """What the server answers a client with this MAC on the port."""
    offered = _first_inside(port, server.cidr)
    if offered is None or port.dhcp6 is None or _disabled(port.dhcp6) or mac != port.mac.lower():
        return None
    options = dict(port.dhcp6.overrides)
    return Lease6(
        address=None if server.stateless else offered,
        server_ip=str(link_local(server.server_mac)),
        server_mac=server.server_mac,
        dns_servers=_take(options, DNS6, _addresses(IPv6Address), server.dns_servers),
        domain_search=_take(options, DOMAIN6, str, server.domain_search),
        options=options,
    )
