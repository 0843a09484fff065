# SPDX-License-Identifier: Apache-2.0
"""Ports: where a device meets a network, with its MAC and addresses.

Invariant: `fixed_ips` of a port are exactly the rows of `ip_allocations` with its id.
"""

from __future__ import annotations

from deuteron.declare.attribute import UNSET, Attribute, Who, read_only
from deuteron.declare.resource import Resource, rule
from deuteron.declare.types import Boolean, String, Uuid
from deuteron.domain import ipam
from deuteron.domain.macs import PortMac
from deuteron.resources.port import access, fixed_ips
from deuteron.resources.port.create import create, delete
from deuteron.resources.port.update import update

PORT = Resource(
    name="port",
    collection="ports",
    doc="Where a device meets a network.",
    taggable=True,
    quota=500,
    engine=True,
    first_revision=1,
    unique=(("network_id", "mac_address"),),
    visible=access.visible,
    attributes=(
        Attribute(
            name="network_id", type=Uuid(), put=False, references="network", doc="Its network."
        ),
        Attribute(
            name="admin_state_up", type=Boolean(), default=True, doc="Whether it passes packets."
        ),
        Attribute(
            name="mac_address",
            type=PortMac(),
            null_is_default=True,
            default=UNSET,
            write=Who.NETWORK_OWNER,
            doc="Its Ethernet address; null on update for another random one.",
        ),
        Attribute(
            name="fixed_ips",
            type=fixed_ips.FixedIps(),
            default=UNSET,
            sort=False,
            filter_sql=fixed_ips.condition,
            doc="Its addresses, each {subnet_id, ip_address}.",
        ),
        Attribute(
            name="device_id", type=String(255), default="", index=True, doc="What is plugged in."
        ),
        Attribute(
            name="device_owner", type=String(255), default="", index=True, doc="Who plugged it."
        ),
        read_only("status", String(16), "ACTIVE when its device is plugged."),
    ),
    rules=(
        rule("create", create),
        rule("created", ipam.claim),
        rule("update", update),
        rule("delete", delete),
    ),
)
