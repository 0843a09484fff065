# SPDX-License-Identifier: Apache-2.0
"""Routes that the subnets of a routed network tell to each other's.

Invariant: a subnet on a segment has, for every subnet of its IP version on another segment of the
network, a host route through its own gateway, unless a route of its own covers that subnet.
"""

from __future__ import annotations

from collections.abc import Iterable

from deuteron.declare.resource import Row
from deuteron.domain import prefixes

Route = dict[str, str]  # {"destination": cidr, "nexthop": address}


def with_peers(
    subnet: Row, others: Iterable[Row], *, old_gateway: str | None = None, gone: str | None = None
) -> list[Route]:
    """The host routes of a subnet, with those to its peers.

    Routes through `old_gateway`, the gateway before a change, and to `gone`, a deleted subnet's
    CIDR, are taken away.
    """
    gateway = subnet["gateway_ip"]
    peers = [o["cidr"] for o in others if _is_peer(subnet, o)]
    stale = [{"destination": cidr, "nexthop": old_gateway} for cidr in peers if old_gateway]
    if gone is not None:
        stale.append({"destination": gone, "nexthop": gateway})
    routes = [route for route in subnet["host_routes"] if route not in stale]
    if not gateway:
        return routes
    for cidr in peers:
        if not any(prefixes.covers([route["destination"]], [cidr]) for route in routes):
            routes.append({"destination": cidr, "nexthop": gateway})
    return routes


def _is_peer(subnet: Row, other: Row) -> bool:
    return bool(
        other["id"] != subnet["id"]
        and other["segment_id"] != subnet["segment_id"]
        and other["ip_version"] == subnet["ip_version"]
    )
