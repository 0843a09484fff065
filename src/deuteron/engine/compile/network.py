# SPDX-License-Identifier: Apache-2.0
"""A network becomes a switch; its provider segments become uplinks."""

from __future__ import annotations

from collections.abc import Sequence

from deuteron.declare.resource import Row
from deuteron.engine.model import Switch, Uplink

_PROVIDER_TYPES = ("flat", "vlan")


def compile_network(network: Row, segments: Sequence[Row]) -> Switch:
    """`segments` are the network's rows of the segment resource."""
    uplinks = tuple(
        Uplink(
            segment_id=segment["id"],
            physical_network=segment["physical_network"],
            vlan=segment["segmentation_id"] if segment["network_type"] == "vlan" else None,
        )
        for segment in sorted(segments, key=lambda s: s["id"])
        if segment["network_type"] in _PROVIDER_TYPES
    )
    return Switch(
        id=network["id"],
        name=network["name"],
        project_id=network["project_id"],
        mtu=network["mtu"],
        enabled=network["admin_state_up"],
        uplinks=uplinks,
        vlan_transparent=bool(network.get("vlan_transparent")),
        availability_zone_hints=tuple(network.get("availability_zone_hints") or ()),
    )
