# SPDX-License-Identifier: Apache-2.0
"""`standard-attr-tag`: labels on objects. The operations are in `domain.tags`."""

from deuteron.declare.resource import Extension

# Clients read the kinds of objects that can be tagged from the alias's name.
TAGGED = (
    "port",
    "subnet",
    "subnetpool",
    "network",
    "security_group",
    "router",
    "floatingip",
    "policy",
    "trunk",
    "network_segment_range",
    "firewall_rule",
    "firewall_group",
    "firewall_policy",
)

STANDARD_ATTR_TAG = Extension(
    alias="standard-attr-tag",
    name=f"Tag support for resources with standard attribute: {', '.join(TAGGED)}",
    description="Objects can have tags.",
    updated="2017-01-01T00:00:00-00:00",
)
