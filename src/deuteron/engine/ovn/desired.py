# SPDX-License-Identifier: Apache-2.0
"""Which northbound rows a model object wants. Pure: the same object gives the same rows.

The mapping:

- Switch: a Logical_Switch, a localnet port per uplink. A disabled one is a switch whose ports are
  all disabled: an ACL would let neighbour discovery through.
- Dhcp4, Dhcp6: a DHCP_Options row.
- SwitchPort `vif`: a Logical_Switch_Port, a DHCP_Options row of its own for each family in which
  the port overrides options, and a DNS row linked into its switch.
- SwitchPort `distributed`: the same with type localport, which is present on every chassis.
- SwitchPort `reserved`: nothing. As upstream does for floating IP ports: without a row OVN neither
  answers ARP for the address nor delivers to it, and no device can be bound to it.

Invariant: every row has a mark, and columns hold only what the model decides (never `up`).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from deuteron.domain.addresses import eui64
from deuteron.engine.model import (
    AddressPair,
    Dhcp4,
    Dhcp6,
    ModelObject,
    PortDhcp,
    Switch,
    SwitchPort,
    Uplink,
)
from deuteron.engine.ovn import dhcp_options, names
from deuteron.engine.ovn.names import Mark

SWITCH = "Logical_Switch"
PORT = "Logical_Switch_Port"
DHCP = "DHCP_Options"
DNS = "DNS"

# Matches no frame: port security with an empty list would mean none at all.
_NO_SOURCE = "00:00:00:00:00:00"


@dataclass(frozen=True, slots=True)
class Link:
    """A reference to another row of ours; unset while that row does not exist."""

    table: str
    mark: Mark


Value = str | bool | int | frozenset[str] | Mapping[str, str] | Link | None


@dataclass(frozen=True, slots=True)
class Row:
    """A row as it should be.

    `parent` is (column, switch): the row is a member of that column of that switch. A row whose
    switch does not exist is left out. `columns["external_ids"]` are the keys of ours.
    """

    table: str
    mark: Mark
    columns: Mapping[str, Value]
    parent: tuple[str, Mark] | None = None


@dataclass(frozen=True, slots=True)
class SubnetDhcp:
    """What a port needs to know of its subnet's DHCP_Options row."""

    cidr: str
    options: dict[str, str]


SubnetLookup = Callable[[str], SubnetDhcp | None]


def desired_rows(thing: ModelObject, subnet: SubnetLookup) -> list[Row]:
    """The rows that `thing` wants; `subnet` finds the DHCP of a subnet by its id, or None."""
    match thing:
        case Switch():
            return _switch(thing)
        case Dhcp4():
            return [_subnet(thing, dhcp_options.dhcp4_options(thing))]
        case Dhcp6():
            return [_subnet(thing, dhcp_options.dhcp6_options(thing))]
        case SwitchPort():
            return _port(thing, subnet)


def subnet_dhcp(thing: Dhcp4 | Dhcp6) -> SubnetDhcp:
    """What ports need to know of `thing`."""
    if isinstance(thing, Dhcp4):
        return SubnetDhcp(thing.cidr, dhcp_options.dhcp4_options(thing))
    return SubnetDhcp(thing.cidr, dhcp_options.dhcp6_options(thing))


def _switch(switch: Switch) -> list[Row]:
    mark = names.switch_mark(switch.id)
    external_ids = {
        **names.mark_ids(mark),
        names.NETWORK_NAME: switch.name,
        names.MTU: str(switch.mtu),
        names.PROJECT_ID: switch.project_id,
        names.AVAILABILITY_ZONE_HINTS: ",".join(switch.availability_zone_hints),
    }
    if switch.uplinks:
        first = switch.uplinks[0]
        external_ids[names.PHYSICAL_NETWORK] = first.physical_network
        external_ids[names.NETWORK_TYPE] = "flat" if first.vlan is None else "vlan"
    rows = [
        Row(
            SWITCH,
            mark,
            {
                "name": names.switch_name(switch.id),
                "other_config": {
                    "mcast_snoop": "false",
                    "mcast_flood_unregistered": "false",
                    "vlan-passthru": "true" if switch.vlan_transparent else "false",
                },
                "external_ids": external_ids,
            },
        )
    ]
    rows += [_uplink(mark, uplink, switch.enabled) for uplink in switch.uplinks]
    return rows


def _uplink(switch: Mark, uplink: Uplink, enabled: bool) -> Row:
    mark = names.uplink_mark(switch.id, uplink.segment_id)
    return Row(
        PORT,
        mark,
        {
            "name": names.uplink_name(uplink.segment_id),
            "type": "localnet",
            "addresses": frozenset({"unknown"}),
            "port_security": frozenset[str](),
            "enabled": enabled,
            # northd copies the request into the tag; both are written so that both are watched.
            "tag": uplink.vlan,
            "tag_request": uplink.vlan,
            "options": {
                "network_name": uplink.physical_network,
                "mcast_flood_reports": "true",
                "mcast_flood": "false",
                "localnet_learn_fdb": "false",
            },
            "external_ids": {
                **names.mark_ids(mark),
                names.PHYSICAL_NETWORK: uplink.physical_network,
            },
        },
        ("ports", switch),
    )


def _subnet(dhcp: Dhcp4 | Dhcp6, options: dict[str, str]) -> Row:
    mark = names.subnet_dhcp_mark(dhcp.subnet_id)
    return Row(
        DHCP,
        mark,
        {
            "cidr": dhcp.cidr,
            "options": options,
            "external_ids": {
                **names.mark_ids(mark),
                names.SUBNET_ID: dhcp.subnet_id,
                names.NETWORK_ID: dhcp.network_id,
            },
        },
    )


def _port(port: SwitchPort, subnet: SubnetLookup) -> list[Row]:
    if port.role == "reserved":
        return []
    switch = names.switch_mark(port.network_id)
    v4, own4 = _port_dhcp(port, 4, port.dhcp4, subnet)
    v6, own6 = _port_dhcp(port, 6, port.dhcp6, subnet)
    mark = names.port_mark(port.id)
    row = Row(
        PORT,
        mark,
        {
            "name": port.id,
            "type": "localport" if port.role == "distributed" else "",
            "addresses": _addresses(port),
            "port_security": _port_security(port),
            "enabled": port.enabled,
            "dhcpv4_options": v4,
            "dhcpv6_options": v6,
            "options": _port_options(port),
            "external_ids": _port_ids(port, mark),
        },
        ("ports", switch),
    )
    return [*own4, *own6, row, *_dns(port, switch)]


def _port_options(port: SwitchPort) -> dict[str, str]:
    if port.host and port.role == "vif":
        return {"requested-chassis": port.host}
    return {}


def _port_ids(port: SwitchPort, mark: Mark) -> dict[str, str]:
    external_ids = {
        **names.mark_ids(mark),
        names.PORT_NAME: port.name,
        names.DEVICE_ID: port.device_id,
        names.DEVICE_OWNER: port.device_owner,
        names.PROJECT_ID: port.project_id,
        names.CIDRS: " ".join(port.cidrs),
        names.NETWORK_NAME: names.switch_name(port.network_id),
        names.VNIC_TYPE: port.vnic_type,
    }
    if port.host:
        external_ids[names.HOST_ID] = port.host
    return external_ids


def _addresses(port: SwitchPort) -> frozenset[str]:
    """Where frames for the port go: its own MAC with its IPs, MACs of its pairs, and `unknown`."""
    found = {" ".join((port.mac, *port.addresses))}
    if port.security is None:
        # A localport is never the place to flood unknown MACs to.
        return frozenset(found | ({"unknown"} if port.role == "vif" else set()))
    return frozenset(found | {pair.mac for pair in port.security if pair.mac != port.mac})


def _port_security(port: SwitchPort) -> frozenset[str]:
    """One entry per source MAC: OVN does not merge two entries of the same MAC."""
    if port.security is None:
        return frozenset()
    if not port.security:
        return frozenset({_NO_SOURCE})
    return frozenset(
        " ".join((mac, *ips, *_own_link_local(mac, ips)))
        for mac, ips in _by_mac(port.security).items()
    )


def _own_link_local(mac: str, ips: Iterable[str]) -> list[str]:
    """The MAC's link-local address (EUI-64), where IPv6 is allowed.

    OVN means to allow it by itself, but until 23.03.3 drops its neighbour advertisements.
    """
    own = eui64("fe80::/64", mac)
    return [own] if any(":" in ip for ip in ips) and own not in ips else []


def _by_mac(pairs: tuple[AddressPair, ...]) -> dict[str, dict[str, None]]:
    found: dict[str, dict[str, None]] = {}
    for pair in pairs:
        found.setdefault(pair.mac, {}).update(dict.fromkeys(pair.ips))
    # To OVN a MAC without IPs means any IP, so a pair without IPs opens its whole MAC.
    for pair in pairs:
        if not pair.ips:
            found[pair.mac] = {}
    return found


def _port_dhcp(
    port: SwitchPort, version: int, dhcp: PortDhcp | None, subnet: SubnetLookup
) -> tuple[Link | None, list[Row]]:
    """The DHCP_Options row that the port uses, and that row if it is the port's own."""
    if dhcp is None or dhcp_options.disabled(dhcp.overrides):
        return None, []
    if not dhcp.overrides:
        return Link(DHCP, names.subnet_dhcp_mark(dhcp.subnet_id)), []
    base = subnet(dhcp.subnet_id)
    if base is None:
        return None, []
    own = dhcp_options.override_options(version, dhcp.overrides)
    if not own:
        return Link(DHCP, names.subnet_dhcp_mark(dhcp.subnet_id)), []
    mark = names.port_mark(port.id, names.DHCP4_ROLE if version == 4 else names.DHCP6_ROLE)
    row = Row(
        DHCP,
        mark,
        {
            "cidr": base.cidr,
            "options": dhcp_options.merged(base.options, own),
            "external_ids": {
                **names.mark_ids(mark),
                names.SUBNET_ID: dhcp.subnet_id,
                names.PORT_ID: port.id,
                names.NETWORK_ID: port.network_id,
            },
        },
    )
    return Link(DHCP, mark), [row]


def _dns(port: SwitchPort, switch: Mark) -> list[Row]:
    """Forward records of every name, and reverse records to the fully qualified one.

    The resolver of OVN looks names up in lower case and without the final dot.
    """
    records = {name.lower().rstrip("."): " ".join(ips) for name, ips in port.dns if name and ips}
    if not records:
        return []
    full = max(records, key=lambda name: name.count("."))
    for name, ips in port.dns:
        if name.lower().rstrip(".") == full:
            records |= {ipaddress.ip_address(ip).reverse_pointer: full for ip in ips}
    mark = names.port_mark(port.id, names.DNS_ROLE)
    external_ids = {
        **names.mark_ids(mark),
        names.NETWORK_NAME: names.switch_name(port.network_id),
    }
    columns = {"records": records, "external_ids": external_ids}
    return [Row(DNS, mark, columns, ("dns_records", switch))]
