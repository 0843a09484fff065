# SPDX-License-Identifier: Apache-2.0
"""What an operator chooses. Invariant: settings are read once at start and never change."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Settings:
    """Names follow neutron.conf's options. MTUs in bytes, leases in seconds."""

    database: str
    base_mac: str = "fa:16:3e:00:00:00"
    dns_domain: str = "openstacklocal"
    dns_servers: tuple[str, ...] = ()
    dhcp_lease_duration: int = 43200
    global_physnet_mtu: int = 1500
    path_mtu: int = 0
    physical_network_mtus: dict[str, int] = field(default_factory=dict)
    tenant_network_types: tuple[str, ...] = ("geneve",)
    flat_networks: tuple[str, ...] = ("*",)
    network_vlan_ranges: dict[str, tuple[tuple[int, int], ...]] = field(default_factory=dict)
    geneve_vni_ranges: tuple[tuple[int, int], ...] = ((1, 65536),)
    vxlan_vni_ranges: tuple[tuple[int, int], ...] = ((1, 65536),)
    gre_id_ranges: tuple[tuple[int, int], ...] = ()
    max_fixed_ips_per_port: int = 5
    max_dns_nameservers: int = 5
    max_subnet_host_routes: int = 20
    max_allowed_address_pairs: int = 10
    allow_bulk_items: int = 1000
    default_quota: int = -1
    quotas: dict[str, int] = field(default_factory=dict)
    pagination_max_limit: int | None = None
    default_availability_zones: tuple[str, ...] = ("nova",)
    poke_socket: str = ""
