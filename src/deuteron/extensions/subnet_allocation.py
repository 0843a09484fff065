# SPDX-License-Identifier: Apache-2.0
"""Subnets from pools: `resources/subnetpool.py` and `domain/subnet_pools.py` serve it."""

from __future__ import annotations

from deuteron.declare.resource import Extension

SUBNET_ALLOCATION = Extension(
    alias="subnet_allocation",
    name="Subnet Allocation",
    description="Subnets are cut from subnet pools.",
    updated="2015-03-30T10:00:00-00:00",
)
