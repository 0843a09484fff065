# SPDX-License-Identifier: Apache-2.0
"""`dns_publish_fixed_ip`: whether the names of a subnet's ports are published in the DNS."""

from __future__ import annotations

from deuteron.declare.attribute import Attribute, Stored
from deuteron.declare.resource import Extension
from deuteron.declare.types import Boolean

SUBNET_DNS_PUBLISH_FIXED_IP = Extension(
    alias="subnet-dns-publish-fixed-ip",
    name="Subnet DNS publish fixed IP",
    description="Names of ports can be published for the addresses of chosen subnets.",
    updated="2019-05-24T10:00:00-00:00",
    attributes={
        "subnet": (
            Attribute(
                name="dns_publish_fixed_ip",
                type=Boolean(),
                default=False,
                filter=False,
                sort=False,
                stored=Stored.EXT,
                doc="Whether the names of its ports are published.",
            ),
        )
    },
)
