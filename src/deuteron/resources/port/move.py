# SPDX-License-Identifier: Apache-2.0
"""New addresses for a port that is there already: asked for, for a new MAC, or for a new host.

Invariant: an address that is asked for again is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from deuteron.declare.attribute import UNSET
from deuteron.declare.resource import Change, Row
from deuteron.domain import ipam
from deuteron.domain.addresses import CHOOSING_OWNERS, eui64, forms_own_address
from deuteron.domain.ipam import Ask, Fixed
from deuteron.errors import invalid
from deuteron.resources.port import errors
from deuteron.resources.port.addressing import LOWEST, asked_for, by_address
from deuteron.resources.port.create import place
from deuteron.resources.port.segments import eligible_subnets

if TYPE_CHECKING:
    from deuteron.store.transaction import Transaction


def move(tx: Transaction, change: Change) -> None:
    """Bring a changed port's addresses up to what it asks for, its new MAC and its new host.

    Addresses that are asked for again are kept. Raises 400, 404, 409.
    """
    old, new = change.old, change.new
    subnets = tx.find("subnet", network_id=old["network_id"])
    if change.changed("binding:host_id") and new["binding:host_id"]:
        waits = old["ip_allocation"] == "deferred" and not old["fixed_ips"]
        if waits and "fixed_ips" not in change.given:
            new["fixed_ips"] = UNSET
            place(tx, [new])
            ipam.claim(tx, [new])
            return
        if "fixed_ips" not in change.given:
            _check_host(tx, change, subnets)
    if "fixed_ips" not in change.given and not change.changed("mac_address"):
        return
    _replace(tx, change, subnets)


def _check_host(tx: Transaction, change: Change, subnets: list[Row]) -> None:
    """Do the addresses that the port has still work on its new host?"""
    old, new = change.old, change.new
    if not old["fixed_ips"]:
        return
    usable_ids = {s["id"] for s in eligible_subnets(tx, new, UNSET, subnets)}
    if any(ip["subnet_id"] not in usable_ids for ip in old["fixed_ips"]):
        raise errors.incompatible_host(new["binding:host_id"], old["id"])


def _replace(tx: Transaction, change: Change, subnets: list[Row]) -> None:
    old, new = change.old, change.new
    by_id = {s["id"]: s for s in subnets}
    asked: list[Fixed] = new["fixed_ips"] if "fixed_ips" in change.given else old["fixed_ips"]
    if new["mac_address"] != old["mac_address"]:
        formed = _formed(old, by_id)
        asked = [ip for ip in asked if ip not in formed]
    else:
        formed = []
    kept, added, left = _compare([ip for ip in old["fixed_ips"] if ip not in formed], asked)
    for ip in left:
        subnet = by_id.get(ip["subnet_id"])
        if subnet and forms_own_address(subnet) and new["device_owner"] not in CHOOSING_OWNERS:
            kept.append(ip)
    new["fixed_ips"] = []
    asks = _additions(tx, new, kept, added, subnets)
    gone = [ip for ip in old["fixed_ips"] if ip not in kept]
    ipam.release_some(tx, gone)
    ipam.allocate(tx, asks)
    ipam.claim(tx, [new], new=new["fixed_ips"])
    new["fixed_ips"] = sorted([*kept, *new["fixed_ips"]], key=by_address)


def _formed(port: Row, subnets: dict[str, Row]) -> list[Fixed]:
    """The addresses that the port formed from its MAC."""
    found = []
    for ip in port["fixed_ips"]:
        subnet = subnets[ip["subnet_id"]]
        address = eui64(subnet["cidr"], port["mac_address"]) if forms_own_address(subnet) else ""
        if ip["ip_address"] == address:
            found.append(ip)
    return found


def _compare(
    old: list[Fixed], asked: Sequence[Fixed]
) -> tuple[list[Fixed], list[Fixed], list[Fixed]]:
    """What of `old` is asked for again, what is asked for besides, and what of `old` is not."""
    left = list(old)
    kept: list[Fixed] = []
    added: list[Fixed] = []
    for fixed in sorted(asked, key=lambda f: "ip_address" not in f):
        for ip in left:
            if fixed.get("ip_address", ip["ip_address"]) == ip["ip_address"] and (
                "ip_address" in fixed or fixed["subnet_id"] == ip["subnet_id"]
            ):
                kept.append(ip)
                left.remove(ip)
                break
        else:
            added.append(fixed)
    return kept, added, left


def _additions(
    tx: Transaction, row: Row, kept: list[Fixed], added: list[Fixed], subnets: list[Row]
) -> list[Ask]:
    """Asks for what is new, and for an address in each subnet of own addresses without one."""
    eligible = eligible_subnets(tx, row, [*added, *kept], subnets)
    if added and not eligible:
        raise invalid("IP allocation requires subnets for network")
    asks = asked_for(tx, row, added, eligible, row["device_owner"] in LOWEST)
    if row["device_owner"] in CHOOSING_OWNERS:
        return asks
    have = {ip["subnet_id"] for ip in kept} | {a.subnets[0]["id"] for a in asks}
    for subnet in eligible:
        if forms_own_address(subnet) and subnet["id"] not in have:
            asks.append(Ask(row, [subnet], eui64(subnet["cidr"], row["mac_address"])))
    return asks
