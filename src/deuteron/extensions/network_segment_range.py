# SPDX-License-Identifier: Apache-2.0
"""The alias of `resources/network_segment_range.py`."""

from __future__ import annotations

from deuteron.declare.resource import Extension

NETWORK_SEGMENT_RANGE = Extension(
    alias="network-segment-range",
    name="Neutron Network Segment Range",
    description="Admins manage the ranges that segments get their ids from.",
    updated="2018-11-29T00:00:00-00:00",
)
