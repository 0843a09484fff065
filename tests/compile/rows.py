# SPDX-License-Identifier: Apache-2.0
"""Rows as the store has them, for the pure functions of the compiler."""

from __future__ import annotations

from typing import Any

from deuteron.declare.resource import Row
from deuteron.settings import Settings

SETTINGS = Settings(database="", dns_servers=("9.9.9.9", "2620:fe::9"), dhcp_lease_duration=600)


def network(**other: Any) -> Row:
    row: Row = {
        "id": "net",
        "name": "blue",
        "project_id": "acme",
        "mtu": 1442,
        "admin_state_up": True,
        "dns_domain": "",
        "availability_zone_hints": [],
    }
    return row | other


def subnet(**other: Any) -> Row:
    row: Row = {
        "id": "four",
        "network_id": "net",
        "ip_version": 4,
        "cidr": "10.0.0.0/24",
        "gateway_ip": "10.0.0.1",
        "enable_dhcp": True,
        "ipv6_address_mode": None,
        "dns_nameservers": [],
        "host_routes": [],
    }
    return row | other


def subnet6(**other: Any) -> Row:
    row = subnet(id="six", ip_version=6, cidr="fd00::/64", gateway_ip="fd00::1")
    return row | {"ipv6_address_mode": "dhcpv6-stateful"} | other


def port(**other: Any) -> Row:
    row: Row = {
        "id": "port",
        "network_id": "net",
        "project_id": "acme",
        "name": "p",
        "mac_address": "fa:16:3e:00:00:01",
        "admin_state_up": True,
        "device_id": "",
        "device_owner": "",
        "fixed_ips": [
            {"subnet_id": "four", "ip_address": "10.0.0.5"},
            {"subnet_id": "six", "ip_address": "fd00::5"},
        ],
    }
    return row | other


def segment(**other: Any) -> Row:
    row: Row = {
        "id": "segment",
        "network_id": "net",
        "network_type": "geneve",
        "physical_network": None,
        "segmentation_id": 7,
    }
    return row | other
