# SPDX-License-Identifier: Apache-2.0
"""The aliases we claim have the names and dates that clients know them by."""

from __future__ import annotations

import pytest

from tests.contract.oracle import BY_ALIAS, REGISTRY

# What neutron-lib leaves to the service, as upstream 29.0.0 answers it.
ELSEWHERE = {
    "quota_details": ("Quota details management support", "2017-02-10T10:00:00-00:00"),
    "quotas": ("Quota management support", "2012-07-29T10:00:00-00:00"),
    "rbac-policies": ("RBAC Policies", "2015-06-17T12:15:12-00:00"),
    "standard-attr-description": ("standard-attr-description", "2016-02-10T10:00:00-00:00"),
    "standard-attr-revisions": ("Resource revision numbers", "2016-04-11T10:00:00-00:00"),
    "standard-attr-tag": (
        "Tag support for resources with standard attribute: port, subnet, subnetpool, network, "
        "security_group, router, floatingip, policy, trunk, network_segment_range, firewall_rule, "
        "firewall_group, firewall_policy",
        "2017-01-01T00:00:00-00:00",
    ),
    "standard-attr-timestamp": ("Resource timestamps", "2016-09-12T10:00:00-00:00"),
    "subnet_allocation": ("Subnet Allocation", "2015-03-30T10:00:00-00:00"),
}

# Claimed before what it builds on: its part for ports and networks is whole without routers.
LATER = {"dns-integration": ["router"]}


@pytest.mark.parametrize("alias", sorted(REGISTRY.extensions))
def test_name_and_date(alias: str) -> None:
    ours = REGISTRY.extensions[alias]
    module = BY_ALIAS.get(alias)
    expected = (module.NAME, module.UPDATED_TIMESTAMP) if module else ELSEWHERE[alias]
    assert (ours.name, ours.updated) == expected
    assert ours.description


def test_required_aliases_are_claimed_too() -> None:
    """A client that finds an alias may rely on those that it builds on."""
    missing = {
        alias: sorted(needed)
        for alias in REGISTRY.extensions
        if alias in BY_ALIAS
        if (needed := {*(BY_ALIAS[alias].REQUIRED_EXTENSIONS or ())} - {*REGISTRY.extensions})
    }
    assert missing == LATER


def test_the_order_is_that_of_names() -> None:
    assert list(REGISTRY.extensions) == sorted(REGISTRY.extensions)
