# SPDX-License-Identifier: Apache-2.0
"""How large a packet each kind of segment carries.

Invariant: pure; all figures are bytes of an IP packet. Rules are those of the `global_physnet_mtu`,
`path_mtu`, `physical_network_mtus` and `max_header_size` options of upstream's neutron.conf.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from deuteron.declare.resource import Row
from deuteron.errors import Conflict, invalid
from deuteron.settings import Settings

_IP_HEADER: Final = {4: 20, 6: 40}
_LEAST: Final = {4: 68, 6: 1280}


def largest(settings: Settings, network_type: str, physical_network: str | None) -> int | None:
    """The MTU of a segment, None if its type (`local`) knows no limit."""
    wire = settings.global_physnet_mtu
    if network_type in ("flat", "vlan"):
        return min(wire, settings.physical_network_mtus.get(physical_network or "", wire))
    header = {
        "geneve": settings.geneve_max_header_size,
        "vxlan": 30,
        "gre": 22,
    }.get(network_type)
    if header is None:
        return None
    path = min(wire, settings.path_mtu) if settings.path_mtu > 0 else wire
    return path - _IP_HEADER[settings.overlay_ip_version] - header


def network_mtu(settings: Settings, segments: Iterable[Row], wanted: int) -> int:
    """The MTU of a network over `segments`: `wanted`, or for 0 the largest that all carry.

    Raises 400 `InvalidInput` if a segment cannot carry `wanted`.
    """
    found = [largest(settings, s["network_type"], s["physical_network"]) for s in segments]
    most = min((m for m in found if m), default=settings.global_physnet_mtu)
    if wanted and most < wanted:
        raise invalid(f"Requested MTU is too big, maximum is {most}")
    return wanted or most


def check_subnets(network_id: str, mtu: int, ip_versions: Iterable[int]) -> None:
    """Raises 409 `NetworkMTUSubnetConflict` if a subnet's IP version needs larger packets."""
    versions = set(ip_versions)
    if mtu >= _LEAST[6] or not versions:
        return
    least = _LEAST[4] if mtu < _LEAST[4] else _LEAST[6]
    if mtu < _LEAST[4] or 6 in versions:
        raise Conflict(
            "NetworkMTUSubnetConflict",
            f"MTU of {network_id} is not valid, subnet requires a minimum of {least}",
        )
