# SPDX-License-Identifier: Apache-2.0
"""Which addresses a port asks for: from `fixed_ips` to what `domain.ipam` is asked.

The choice of subnets follows the Networking API: subnets with service types are for devices of
these owners, subnets of a segment for hosts that reach it, and every subnet in which hosts form
their own address gives one to every port but a router's.
Invariant: `fixed_ips` of a stored port is sorted and names each address once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from deuteron.declare.attribute import UNSET
from deuteron.declare.resource import Row
from deuteron.domain.addresses import (
    CHOOSING_OWNERS,
    ROUTER_INTERFACE_OWNERS,
    eui64,
    forms_own_address,
    usable,
)
from deuteron.domain.ipam import Ask, Fixed
from deuteron.errors import invalid
from deuteron.resources.port import errors
from deuteron.resources.port.segments import eligible_subnets, network_has_room

if TYPE_CHECKING:
    from deuteron.store.transaction import Transaction

LOWEST = ("network:dhcp", "network:distributed")


def by_address(ip: Fixed) -> tuple[str, str]:
    return ip["ip_address"], ip["subnet_id"]


def asks_of(tx: Transaction, row: Row, asked: Any, subnets: list[Row]) -> list[Ask]:
    """What a new port asks for: `asked` are the items of its `fixed_ips`, or UNSET for any."""
    owner = row["device_owner"]
    eligible = eligible_subnets(tx, row, asked, subnets)
    if not eligible:
        if asked and asked is not UNSET:
            raise invalid("IP allocation requires subnets for network")
        if subnets and network_has_room(row, subnets) and asked is UNSET:
            row["ip_allocation"] = "deferred"
        return []
    lowest = owner in LOWEST
    own_address = [s for s in eligible if forms_own_address(s)]
    if asked is UNSET:
        chosen = [s for s in eligible if s not in own_address]
        by_version = ([s for s in chosen if s["ip_version"] == v] for v in (4, 6))
        asks = [Ask(row, found, None, lowest) for found in by_version if found]
    else:
        asks = asked_for(tx, row, asked, eligible, lowest)
    if owner not in CHOOSING_OWNERS:
        asks += [Ask(row, [s], eui64(s["cidr"], row["mac_address"])) for s in own_address]
    return asks


def asked_for(
    tx: Transaction, row: Row, asked: Sequence[Fixed], eligible: list[Row], lowest: bool
) -> list[Ask]:
    """What the caller names, without the addresses that every port gets anyway."""
    owner, asks = row["device_owner"], []
    for fixed in asked:
        subnet = _subnet_of(tx, row, fixed, eligible)
        formed = forms_own_address(subnet)
        address = fixed.get("ip_address")
        if address is None:
            if not formed or owner in CHOOSING_OWNERS:
                asks.append(Ask(row, [subnet], None, lowest))
            continue
        own = formed and owner not in ROUTER_INTERFACE_OWNERS
        if own and address != eui64(subnet["cidr"], row["mac_address"]):
            raise errors.formed_by_host(address, subnet["id"])
        asks.append(Ask(row, [subnet], address))
    return asks


def _subnet_of(tx: Transaction, row: Row, fixed: Fixed, eligible: list[Row]) -> Row:
    """The subnet that an item of `fixed_ips` means. Raises 400, 404."""
    owner, address = row["device_owner"], fixed.get("ip_address")
    if "subnet_id" not in fixed:
        for subnet in eligible:
            if usable(subnet["cidr"], str(address), owner):
                return subnet
        raise errors.not_in_network(str(address))
    for subnet in eligible:
        if subnet["id"] == fixed["subnet_id"]:
            if address is not None and not usable(subnet["cidr"], address, owner):
                raise errors.not_in_subnet(address)
            return subnet
    if tx.get("subnet", fixed["subnet_id"]) is None:
        raise errors.missing_subnet(fixed["subnet_id"])
    raise invalid(
        f"Failed to create port on network {row['network_id']}, because fixed_ips included "
        f"invalid subnet {fixed['subnet_id']}"
    )
