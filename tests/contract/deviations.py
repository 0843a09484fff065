# SPDX-License-Identifier: Apache-2.0
"""Where we mean to differ from neutron-lib 5.0.1, each with its reason. Nothing else may differ,
and what no longer differs is to be removed here: the tests fail for both.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

REFUSED: Final = "refused"
LATER: Final = "its resource is served in a later issue"

# Collections of aliases that we serve in part.
COLLECTIONS: Final = {"floatingips": LATER, "routers": LATER}

# (collection, attribute) that neutron-lib has and we do not.
MISSING: Final = {
    ("bindings", "project_id"): "only policy code reads it there; no answer has it",
}

# (collection, attribute, key of neutron-lib's dictionary).
FLAGS: Final = {
    ("subnetpools", "shared", "is_sort_key"): "upstream answers 400: it is computed from RBAC",
    ("address_scopes", "shared", "is_sort_key"): "upstream answers 400: it is computed from RBAC",
    ("agents", "alive", "is_sort_key"): "upstream answers 400: it is computed from heartbeats",
    ("network_segment_ranges", "network_type", "default"): "upstream fails with 400 without it",
    ("network_segment_ranges", "project_id", "default"): "upstream takes the caller's project",
    ("network_ip_availabilities", "tenant_id", "allow_post"): "there is no create",
    ("network_ip_availabilities", "tenant_id", "is_sort_key"): "sorting by it costs nothing",
    ("subnets", "segment_id", "enforce_policy"): "upstream's policy.yaml has a rule for it",
}

# (collection, attribute): what a create that does not give it has in the end, upstream too; there
# code after neutron-lib fills it in.
FILLED: Final = {
    ("subnets", "subnetpool_id"): None,
    ("subnets", "dns_nameservers"): [],
    ("subnets", "host_routes"): [],
    ("subnets", "ipv6_ra_mode"): None,
    ("subnets", "ipv6_address_mode"): None,
    ("subnets", "service_types"): [],
    ("ports", "allowed_address_pairs"): [],
    ("ports", "binding:host_id"): "",
    ("ports", "binding:profile"): {},
    ("ports", "extra_dhcp_opts"): [],
    ("ports", "hardware_offload_type"): None,
    ("ports", "trusted"): None,
    ("subnetpools", "address_scope_id"): None,
    ("bindings", "profile"): {},
}


@dataclass(frozen=True)
class Deviation:
    """`when(value, theirs, ours)` says whether the difference is this one. `on` are the
    attributes as `collection.name`; none means all.
    """

    reason: str
    when: Callable[[Any, Any, Any], bool]
    on: frozenset[str] = frozenset()


def _on(*names: str) -> frozenset[str]:
    return frozenset(names)


def _huge(value: Any, _theirs: Any, ours: Any) -> bool:
    try:
        return ours == REFUSED and abs(int(value)) >= 2**31
    except (TypeError, ValueError):
        return False


def _odd_uuid(value: Any, _theirs: Any, ours: Any) -> bool:
    digits = value.strip("{}").replace("-", "") if isinstance(value, str) else ""
    return ours == REFUSED and len(digits) == 32 and len(value) != 36


def _canonical(value: Any) -> Any:
    """The value with every address and network in it in Python's spelling."""
    if isinstance(value, list):
        return [_canonical(item) for item in value]
    if isinstance(value, dict):
        return {key: _canonical(item) for key, item in value.items()}
    if not isinstance(value, str) or not any(c in value for c in ".:"):
        return value
    try:
        if "/" in value:
            return str(ipaddress.ip_network(value, strict=False))
        return str(ipaddress.ip_address(value))
    except ValueError:
        return value


def _same_address(_value: Any, theirs: Any, ours: Any) -> bool:
    return theirs != REFUSED and ours != REFUSED and _canonical(theirs) == _canonical(ours)


def _empty(value: Any, theirs: Any, ours: Any) -> bool:
    return value in ("", {}) and theirs in ("", {}, []) and ours == REFUSED


VALUES: Final = (
    Deviation("a number that no database stores is 400, upstream 500 or an id of nothing", _huge),
    Deviation("an id without dashes or in braces is 400, upstream 404", _odd_uuid),
    Deviation(
        "upstream takes a line break at the end of a name, an oversight of its pattern",
        lambda value, _t, ours: ours == REFUSED and str(value).endswith("\n"),
    ),
    Deviation("an address is stored in one spelling, upstream later too", _same_address),
    Deviation(
        "a number is not an address, though netaddr makes one of it",
        lambda value, _t, ours: ours == REFUSED and isinstance(value, int),
        _on("subnets.gateway_ip", "ports.mac_address"),
    ),
    Deviation(
        "a number in words is not a MAC address, though netaddr makes one of it",
        lambda value, _t, ours: ours == REFUSED and len(str(value)) < 11,
        _on("ports.mac_address"),
    ),
    Deviation(
        "what is empty but no list is not a list",
        _empty,
        _on("networks.segments", "subnets.allocation_pools", "subnets.dns_nameservers"),
    ),
    Deviation(
        "what is empty is an empty list, upstream later too",
        lambda value, _t, ours: not value and ours == [],
        _on("subnets.service_types"),
    ),
    Deviation(
        "null is nothing, upstream later too",
        lambda value, theirs, ours: value is None and theirs is None and not ours,
        _on(
            "ports.binding:host_id",
            "ports.binding:profile",
            "ports.extra_dhcp_opts",
            "bindings.profile",
        ),
    ),
    Deviation(
        "upstream does not look at it, and fails later for what is not a short text",
        lambda value, _t, ours: (
            ours == REFUSED
            and (not isinstance(value, str) or not value.strip() or len(value) > 255)
        ),
        _on("ports.binding:host_id", "bindings.host"),
    ),
    Deviation(
        "upstream answers 400 for a profile of more than 4,095 characters, later",
        lambda value, _t, ours: ours == REFUSED and len(str(value)) > 4095,
        _on("ports.binding:profile", "bindings.profile"),
    ),
    Deviation(
        "upstream does not look at keys, and answers 400 later if no known one is there",
        lambda value, _t, ours: (
            ours == REFUSED
            and all(
                isinstance(i, dict) and not i.keys() & {"subnet_id", "ip_address"} for i in value
            )
        ),
        _on("ports.fixed_ips"),
    ),
    Deviation(
        "unknown keys are left out, upstream later too",
        lambda _v, theirs, ours: (
            theirs != REFUSED
            and ours != REFUSED
            and _canonical(
                [{k: v for k, v in i.items() if k in ("subnet_id", "ip_address")} for i in theirs]
            )
            == ours
        ),
        _on("ports.fixed_ips"),
    ),
    Deviation(
        "the version is filled in, upstream later",
        lambda _v, theirs, ours: (
            theirs != REFUSED
            and ours != REFUSED
            and [{"ip_version": 4, **i} for i in theirs] == ours
        ),
        _on("ports.extra_dhcp_opts"),
    ),
    Deviation(
        "the same option twice fails in upstream's database",
        lambda value, _t, ours: ours == REFUSED and len(value) == 2,
        _on("ports.extra_dhcp_opts"),
    ),
    Deviation(
        "no hints is null, upstream later too",
        lambda value, _t, ours: value == {} and ours is None,
        _on("ports.hints"),
    ),
    Deviation(
        "upstream fills in the keys of a segment that are not given",
        lambda value, theirs, ours: (
            isinstance(value, list)
            and ours != REFUSED
            and [{k: v for k, v in i.items() if not repr(v).startswith("<")} for i in theirs]
            == ours
        ),
        _on("networks.segments"),
    ),
    Deviation(
        "null is no segments",
        lambda value, _t, ours: value is None and ours == [],
        _on("networks.segments"),
    ),
    Deviation(
        "a name of more than 64 characters fails in upstream's database",
        lambda value, _t, ours: ours == REFUSED and "x" * 65 in str(value),
        _on("networks.segments"),
    ),
    Deviation(
        "a name of more than 255 characters fails in upstream's database",
        lambda value, _t, ours: ours == REFUSED and isinstance(value, str) and len(value) > 255,
        _on("subnetpools.name"),
    ),
    Deviation(
        "null is a random MAC address, as alias port-mac-address-regenerate has it",
        lambda value, _t, ours: value is None and repr(ours) == "NOT GIVEN",
        _on("ports.mac_address"),
    ),
)
