# SPDX-License-Identifier: Apache-2.0
"""A subnet becomes what its DHCP server answers, or nothing where no DHCP answers."""

from __future__ import annotations

import ipaddress

from deuteron.declare.resource import Row
from deuteron.domain.macs import stable_mac
from deuteron.engine.model import Dhcp4, Dhcp6
from deuteron.settings import Settings


def serves_dhcp(subnet: Row) -> bool:
    """Whether the subnet's hosts are answered by DHCP."""
    if not subnet["enable_dhcp"]:
        return False
    return subnet["ip_version"] == 4 or subnet["ipv6_address_mode"] in (
        "dhcpv6-stateful",
        "dhcpv6-stateless",
    )


def compile_subnet(subnet: Row, network: Row, settings: Settings) -> Dhcp4 | Dhcp6 | None:
    """None where the subnet has no DHCP."""
    if not serves_dhcp(subnet):
        return None
    servers = tuple(subnet["dns_nameservers"] or settings.dns_servers)
    domain = (network.get("dns_domain") or settings.dns_domain).rstrip(".")
    mac = stable_mac(settings.base_mac, subnet["id"])
    if subnet["ip_version"] == 6:
        return Dhcp6(
            subnet_id=subnet["id"],
            network_id=subnet["network_id"],
            cidr=subnet["cidr"],
            server_mac=mac,
            stateless=subnet["ipv6_address_mode"] == "dhcpv6-stateless",
            dns_servers=tuple(s for s in servers if ":" in s),
            domain_search=domain,
        )
    return Dhcp4(
        subnet_id=subnet["id"],
        network_id=subnet["network_id"],
        cidr=subnet["cidr"],
        server_ip=subnet["gateway_ip"] or str(ipaddress.ip_network(subnet["cidr"])[1]),
        server_mac=mac,
        router=subnet["gateway_ip"],
        mtu=network["mtu"],
        lease_time=settings.dhcp_lease_duration,
        dns_servers=tuple(s for s in servers if ":" not in s),
        domain_name=domain,
        routes=tuple((r["destination"], r["nexthop"]) for r in subnet["host_routes"]),
    )
