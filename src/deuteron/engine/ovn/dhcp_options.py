# SPDX-License-Identifier: Apache-2.0
"""DHCP options in OVN's own names and syntax. Pure.

OVN writes an option's value into a logical flow; a value that it cannot parse costs the port all
of its DHCP. So every value of a user is checked against the option's type here, and one that
does not fit is left out with a warning.

Invariant: what comes out parses in OVN as the type that its DHCP_Options table gives the option.
"""

from __future__ import annotations

import functools
import ipaddress
import logging
import re
from collections.abc import Callable, Iterable

from deuteron.engine.model import Dhcp4, Dhcp6

LOG = logging.getLogger(__name__)

DISABLED = "dhcp_disabled"

# By DHCP option code: OVN's name and type. Source: OVN's lib/ovn-l7.h, and the tables DHCP_Options
# and DHCPv6_Options that northd writes into the southbound database.
OPTIONS_4: dict[str, tuple[str, str]] = {
    "1": ("netmask", "ipv4"),
    "3": ("router", "ipv4"),
    "6": ("dns_server", "ipv4"),
    "7": ("log_server", "ipv4"),
    "9": ("lpr_server", "ipv4"),
    "15": ("domain_name", "str"),
    "16": ("swap_server", "ipv4"),
    "19": ("ip_forward_enable", "bool"),
    "21": ("policy_filter", "ipv4"),
    "23": ("default_ttl", "uint8"),
    "26": ("mtu", "uint16"),
    "31": ("router_discovery", "bool"),
    "32": ("router_solicitation", "ipv4"),
    "35": ("arp_cache_timeout", "uint32"),
    "36": ("ethernet_encap", "bool"),
    "37": ("tcp_ttl", "uint8"),
    "38": ("tcp_keepalive_interval", "uint32"),
    "41": ("nis_server", "ipv4"),
    "42": ("ntp_server", "ipv4"),
    "51": ("lease_time", "uint32"),
    "54": ("server_id", "ipv4"),
    "58": ("T1", "uint32"),
    "59": ("T2", "uint32"),
    "66": ("tftp_server", "host_id"),
    "67": ("bootfile_name", "str"),
    "119": ("domain_search_list", "domains"),
    "121": ("classless_static_route", "static_routes"),
    "150": ("tftp_server_address", "ipv4"),
    "210": ("path_prefix", "str"),
    "249": ("ms_classless_static_route", "static_routes"),
    "252": ("wpad", "str"),
}
# Not options of the protocol but of OVN, so that their code is the API's choice, or none.
_PSEUDO_4 = {"255": ("next_server", "ipv4"), "bootfile-name-alt": ("bootfile_name_alt", "str")}
# OVN 23.03 does not list bootfile_name (59), which later versions serve.
OPTIONS_6: dict[str, tuple[str, str]] = {
    "2": ("server_id", "mac"),
    "5": ("ia_addr", "ipv6"),
    "23": ("dns_server", "ipv6"),
    "24": ("domain_search", "str"),
}
# Where the API's name is not OVN's name with dashes.
_API_NAMES = {
    "arp_cache_timeout": "arp-timeout",
    "tcp_keepalive_interval": "tcp-keepalive",
    "domain_search_list": "domain-search",
    "next_server": "server-ip-address",
}


def _by_api_name(options: dict[str, tuple[str, str]]) -> dict[str, tuple[str, str]]:
    named = {_API_NAMES.get(o[0], o[0].replace("_", "-")): o for o in options.values()}
    return {**options, **named}


_KNOWN = {4: _by_api_name(OPTIONS_4 | _PSEUDO_4), 6: _by_api_name(OPTIONS_6)}


def quoted(text: str) -> str:
    """A string constant in OVN's expression syntax; quotes around it count once."""
    if len(text) >= 2 and text[0] == text[-1] == '"':
        text = text[1:-1]
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def listed(values: Iterable[str]) -> str:
    """A set in OVN's expression syntax."""
    return "{" + ", ".join(values) + "}"


def _elements(value: str) -> list[str]:
    return [part.strip() for part in value.strip().strip("{}").split(",") if part.strip()]


def _routes(value: str) -> str:
    """`destination,next hop` pairs. Raises ValueError for anything else."""
    parts = _elements(value)
    if not parts or len(parts) % 2:
        raise ValueError(value)
    pairs = zip(parts[::2], parts[1::2], strict=True)
    return listed(
        f"{ipaddress.IPv4Network(to, strict=False)},{ipaddress.IPv4Address(via)}"
        for to, via in pairs
    )


def _addresses(value: str, family: type[ipaddress.IPv4Address | ipaddress.IPv6Address]) -> str:
    found = [str(family(part)) for part in _elements(value)]
    if not found:
        raise ValueError(value)
    return found[0] if len(found) == 1 else listed(found)


def _number(value: str, limit: int) -> str:
    number = int(value)
    if not 0 <= number < limit:
        raise ValueError(value)
    return str(number)


def _mac(value: str) -> str:
    if re.fullmatch(r"([0-9a-f]{2}:){5}[0-9a-f]{2}", mac := value.strip().lower()):
        return mac
    raise ValueError(value)


# By OVN's type: what turns a text into a value of that type, or raises ValueError or KeyError.
_CONVERT: dict[str, Callable[[str], str]] = {
    "ipv4": lambda value: _addresses(value, ipaddress.IPv4Address),
    "ipv6": lambda value: _addresses(value, ipaddress.IPv6Address),
    "static_routes": _routes,
    "bool": lambda value: {"0": "0", "1": "1", "false": "0", "true": "1"}[value.strip().lower()],
    "uint8": lambda value: _number(value, 1 << 8),
    "uint16": lambda value: _number(value, 1 << 16),
    "uint32": lambda value: _number(value, 1 << 32),
    # OVN would send a bare address as four octets; RFC 2132 has it as text, as upstream sends it.
    "host_id": quoted,
    "mac": _mac,
    "str": quoted,
    "domains": quoted,
}


@functools.lru_cache(maxsize=1024)
def _report(version: int, name: str, why: str) -> None:
    # The cache makes it once per option, not once per port and convergence.
    LOG.warning("DHCPv%s option %r is ignored: %s", version, name, why)


def disabled(overrides: Iterable[tuple[str, str]]) -> bool:
    """Whether a port's options turn its DHCP off (`dhcp_disabled` = true)."""
    return any(n == DISABLED and v.strip().lower() in ("true", "1") for n, v in overrides)


def override_options(version: int, overrides: Iterable[tuple[str, str]]) -> dict[str, str]:
    """A port's `extra_dhcp_opts` for IP `version` as OVN's options; those it lacks are left out."""
    options: dict[str, str] = {}
    for name, value in overrides:
        if name == DISABLED:
            continue
        known = _KNOWN[version].get(name)
        if known is None:
            _report(version, name, "OVN does not serve it")
            continue
        try:
            options[known[0]] = _CONVERT[known[1]](value)
        except (ValueError, KeyError):
            _report(version, name, f"{value!r} is not of type {known[1]}")
    return options


def merged(base: dict[str, str], overrides: dict[str, str]) -> dict[str, str]:
    """A subnet's options with a port's own over them; a port's routes add to the subnet's."""
    options = {**base, **overrides}
    routes = "classless_static_route"
    if routes in base and routes in overrides:
        options[routes] = listed([base[routes][1:-1], overrides[routes][1:-1]])
    return options


def dhcp4_options(dhcp: Dhcp4) -> dict[str, str]:
    """OVN's options of an IPv4 subnet."""
    options = {
        "server_id": dhcp.server_ip,
        "server_mac": dhcp.server_mac,
        "lease_time": str(dhcp.lease_time),
        "mtu": str(dhcp.mtu),
    }
    if dhcp.router:
        options["router"] = dhcp.router
    if dhcp.dns_servers:
        options["dns_server"] = listed(dhcp.dns_servers)
    if dhcp.domain_name:
        options["domain_name"] = quoted(dhcp.domain_name)
    if dhcp.routes:
        routes = [f"{to},{via}" for to, via in dhcp.routes]
        # RFC 3442: a client that takes option 121 ignores the router option.
        if dhcp.router and not any(to == "0.0.0.0/0" for to, _ in dhcp.routes):
            routes.append(f"0.0.0.0/0,{dhcp.router}")
        options["classless_static_route"] = listed(routes)
    return options


def dhcp6_options(dhcp: Dhcp6) -> dict[str, str]:
    """OVN's options of an IPv6 subnet."""
    options = {"server_id": dhcp.server_mac}
    if dhcp.dns_servers:
        options["dns_server"] = listed(dhcp.dns_servers)
    if dhcp.domain_search:
        options["domain_search"] = quoted(dhcp.domain_search)
    if dhcp.stateless:
        options["dhcpv6_stateless"] = "true"
    return options
