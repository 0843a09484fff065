# SPDX-License-Identifier: Apache-2.0
"""Which subnets of a network can serve a port: by its owner, and by the host it is on.

Invariant: a network either has all its subnets on segments or none, so one of both decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from deuteron.declare.attribute import UNSET
from deuteron.declare.resource import Row
from deuteron.domain.addresses import usable
from deuteron.resources.port import errors

if TYPE_CHECKING:
    from deuteron.store.transaction import Transaction


def eligible_subnets(tx: Transaction, row: Row, asked: Any, subnets: list[Row]) -> list[Row]:
    """Subnets that may give the port an address, those with service types first.

    `asked` are the items of `fixed_ips`, or UNSET. Raises 409 if subnets exist but none fits the
    port's owner or host, 400 if addresses are asked for on several segments.
    """
    if not subnets:
        return []
    plain = True
    for subnet in subnets:
        if subnet["service_types"] or subnet["segment_id"]:
            plain = False
    if plain:
        return subnets
    fitting = _of_owner(subnets, row["device_owner"])
    host = row.get("binding:host_id") or ""
    if any(s["segment_id"] for s in fitting):
        found = _of_host(tx, fitting, row, host, asked)
    else:
        found = fitting
    if not found:
        _explain(row, host, subnets, fitting)
    return sorted(found, key=lambda s: not s["service_types"])


def network_has_room(row: Row, subnets: list[Row]) -> bool:
    """Whether some subnet would serve the port if only its host were known."""
    return bool(_of_owner(subnets, row["device_owner"]))


def _of_owner(subnets: list[Row], owner: str) -> list[Row]:
    """Subnets without service types, with the owner's, or with DHCP for the DHCP service."""
    found = []
    for subnet in subnets:
        types = subnet["service_types"]
        dhcp = owner == "network:dhcp" and subnet["enable_dhcp"]
        if not types or owner in types or dhcp:
            found.append(subnet)
    return found


def _of_host(tx: Transaction, subnets: list[Row], row: Row, host: str, asked: Any) -> list[Row]:
    if host:
        reached = _reached(tx, [s["segment_id"] for s in subnets if s["segment_id"]], host)
        return [s for s in subnets if not s["segment_id"] or s["segment_id"] in reached]
    if asked is UNSET:
        return [s for s in subnets if not s["segment_id"]]
    named = _named_segments(asked, subnets, row["device_owner"])
    if named is None or row["device_owner"] == "network:distributed":
        return subnets
    if len(named) > 1:
        raise errors.several_segments()
    return [s for s in subnets if (s["segment_id"] or None) == next(iter(named), None)]


def _named_segments(asked: Sequence[Row], subnets: list[Row], owner: str) -> set[Any] | None:
    """The segments of the subnets that `fixed_ips` names; None if it names one that is not here."""
    found = set()
    for fixed in asked:
        for subnet in subnets:
            if fixed.get("subnet_id", subnet["id"]) == subnet["id"] and (
                "subnet_id" in fixed or usable(subnet["cidr"], fixed["ip_address"], owner)
            ):
                found.add(subnet["segment_id"])
                break
        else:
            return None
    return found


def _reached(tx: Transaction, segment_ids: list[str], host: str) -> set[str]:
    """Segments that the host is connected to.

    A host reaches what needs no physical network, and the physical networks that its agents map.
    Of a host without agents nothing is known, and it is taken to reach everything.
    """
    if "segment" not in tx.registry or "agent" not in tx.registry:
        return set(segment_ids)
    agents = tx.find("agent", host=host)
    if not agents:
        return set(segment_ids)
    mapped = set()
    for agent in agents:
        mappings = (agent["configurations"] or {}).get("bridge-mappings", "")
        mapped |= {item.split(":")[0].strip() for item in mappings.split(",")}
    return {
        segment["id"]
        for segment in tx.find("segment", id=segment_ids)
        if not segment["physical_network"] or segment["physical_network"] in mapped
    }


def _explain(row: Row, host: str, subnets: list[Row], fitting: list[Row]) -> None:
    if host and any(s["segment_id"] for s in subnets):
        raise errors.unconnected_host(host, row["network_id"])
    if not fitting:
        raise errors.no_matching_subnet(row["network_id"], row["device_owner"])
