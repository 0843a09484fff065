# SPDX-License-Identifier: Apache-2.0
"""What an operator chooses. Invariant: settings are read once at start and never change."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import msgspec


class SettingsError(ValueError):
    """The settings cannot be used; the message is one line fit for a terminal."""


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
    external_network_type: str | None = None
    geneve_max_header_size: int = 38
    overlay_ip_version: int = 4
    max_dns_nameservers: int = 5
    max_subnet_host_routes: int = 20
    max_allowed_address_pairs: int = 10
    default_quota: int = -1
    quotas: dict[str, int] = field(default_factory=dict)
    pagination_max_limit: int | None = None
    default_availability_zones: tuple[str, ...] = ("nova",)
    poke_socket: str = ""
    # By physical network, for `deuteron up`: its bridge (any name, made in Deuteron's namespace),
    # and the host's device that is moved into that bridge while it runs.
    bridge_mappings: dict[str, str] = field(default_factory=dict)
    uplinks: dict[str, str] = field(default_factory=dict)


def load(path: Path | None, default: dict[str, Any], **given: Any) -> Settings:
    """The settings of a TOML file whose keys are `Settings`' names.

    `default` stands where the file does not say, `given` whatever it says. Raises SettingsError
    for a file that cannot be read, an unknown name, or a value of another type.
    """
    try:
        found = tomllib.loads(path.read_text()) if path else {}
        unknown = found.keys() - {f.name for f in fields(Settings)}
        if unknown:
            raise SettingsError(f"{path}: unknown settings: {', '.join(sorted(unknown))}")
        return msgspec.convert({**default, **found, **given}, Settings)
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise SettingsError(f"{path}: {error}") from None
