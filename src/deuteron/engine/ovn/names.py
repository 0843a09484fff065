# SPDX-License-Identifier: Apache-2.0
"""The one place for the names and external_ids that our rows carry in OVN.

`deuteron:*` keys say whose a row is. Row names and `neutron:*` keys are the ones that Nova, the
metadata agent, operators' tools and an upstream cloud know, so that they keep working here.

Invariant: a `Mark` names at most one row, and every row of ours has one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from deuteron.engine.model import Ref

KIND = "deuteron:kind"
ID = "deuteron:id"
ROLE = "deuteron:role"

NETWORK_NAME = "neutron:network_name"
NETWORK_ID = "neutron:network_id"
NETWORK_TYPE = "neutron:provnet-network-type"
PHYSICAL_NETWORK = "neutron:provnet-physical-network"
MTU = "neutron:mtu"
AVAILABILITY_ZONE_HINTS = "neutron:availability_zone_hints"
PORT_NAME = "neutron:port_name"
DEVICE_ID = "neutron:device_id"
DEVICE_OWNER = "neutron:device_owner"
CIDRS = "neutron:cidrs"
PROJECT_ID = "neutron:project_id"
HOST_ID = "neutron:host_id"
VNIC_TYPE = "neutron:vnic_type"
SUBNET_ID = "subnet_id"
PORT_ID = "port_id"

# external_ids with these beginnings are ours to write and to remove on a row of ours; all others
# belong to somebody else.
OWN_PREFIXES = ("deuteron:", "neutron:")

SWITCH_ROLE = "switch"
PORT_ROLE = "port"
DHCP_ROLE = "dhcp"
DHCP4_ROLE = "dhcp4"
DHCP6_ROLE = "dhcp6"
DNS_ROLE = "dns"


class Mark(NamedTuple):
    """Whose a row is: the API object (`kind`, `id`) and which of its rows (`role`)."""

    kind: str
    id: str
    role: str

    @property
    def ref(self) -> Ref:
        return Ref(self.kind, self.id)


def mark_ids(mark: Mark) -> dict[str, str]:
    """The external_ids that carry `mark`."""
    return {KIND: mark.kind, ID: mark.id, ROLE: mark.role}


def mark_of(external_ids: Mapping[str, str]) -> Mark | None:
    """The mark that these external_ids carry, None for a row that is not ours."""
    kind = external_ids.get(KIND)
    if kind is None:
        return None
    return Mark(kind, external_ids.get(ID, ""), external_ids.get(ROLE, ""))


def switch_mark(network_id: str) -> Mark:
    return Mark("network", network_id, SWITCH_ROLE)


def uplink_mark(network_id: str, segment_id: str) -> Mark:
    return Mark("network", network_id, f"uplink-{segment_id}")


def subnet_dhcp_mark(subnet_id: str) -> Mark:
    return Mark("subnet", subnet_id, DHCP_ROLE)


def port_mark(port_id: str, role: str = PORT_ROLE) -> Mark:
    return Mark("port", port_id, role)


def switch_name(network_id: str) -> str:
    return f"neutron-{network_id}"


def uplink_name(segment_id: str) -> str:
    return f"provnet-{segment_id}"
