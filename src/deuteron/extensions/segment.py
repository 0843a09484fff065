# SPDX-License-Identifier: Apache-2.0
"""The aliases around segments and the layer-2 reach of networks; none adds an attribute here.

Invariant: the resource is `resources/segment.py`, `l2_adjacency` belongs to the network's own
attributes because it is read in the same statement as they are.
"""

from __future__ import annotations

from deuteron.declare.resource import Extension

SEGMENT = Extension(
    alias="segment",
    name="Segment",
    description="Segments of networks can be listed, made and deleted.",
    updated="2016-02-24T17:00:00-00:00",
)
STANDARD_ATTR_SEGMENT = Extension(
    alias="standard-attr-segment",
    name="Standard Attribute Segment Extension",
    description="Segments have a description, timestamps and a revision.",
    updated="2018-04-09T10:00:00-00:00",
)
SEGMENTS_PEER_SUBNET_HOST_ROUTES = Extension(
    alias="segments-peer-subnet-host-routes",
    name="Segments peer-subnet host routes",
    description="Subnets of a routed network tell routes to each other.",
    updated="2018-06-12T10:00:00-00:00",
)
L2_ADJACENCY = Extension(
    alias="l2_adjacency",
    name="L2 Adjacency",
    description="Networks tell whether all their ports share one broadcast domain.",
    updated="2016-04-12T16:00:00-00:00",
)
