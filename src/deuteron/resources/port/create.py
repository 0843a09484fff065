# SPDX-License-Identifier: Apache-2.0
"""The birth and the end of ports.

Invariant: N ports of one request take as many statements as one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from deuteron.declare.attribute import UNSET
from deuteron.declare.resource import Row
from deuteron.domain import ipam
from deuteron.domain.macs import random_mac
from deuteron.resources.port import errors
from deuteron.resources.port.access import check_create, check_delete
from deuteron.resources.port.addressing import LOWEST, asks_of, by_address

if TYPE_CHECKING:
    from deuteron.store.transaction import Transaction


def create(tx: Transaction, rows: list[Row]) -> None:
    """Choose MACs and addresses.

    Leaves each row's network at the key `network`, for the rules of extensions; it is no
    attribute and not stored.
    """
    networks = {n["id"]: n for n in tx.find("network", id=list({r["network_id"] for r in rows}))}
    asked: dict[tuple[str, str], Row] = {}
    for row in rows:
        network = networks.get(row["network_id"])
        if network is None:
            raise errors.missing_network(row["network_id"])
        if not tx.caller.is_admin:
            check_create(tx.caller, row, network)
        row["network"] = network
        row["status"] = "DOWN"
        mac = row["mac_address"]
        if mac is UNSET:
            row["mac_address"] = random_mac(tx.settings.base_mac)
        elif (row["network_id"], mac) in asked:
            raise errors.mac_in_use(row["network_id"], mac)
        else:
            asked[row["network_id"], mac] = row
    if asked:
        refuse_used_macs(tx, asked)
    place(tx, rows)


def place(tx: Transaction, rows: Sequence[Row]) -> None:
    """Fill `fixed_ips` and `ip_allocation` of new ports. Raises 400, 404, 409.

    Where any port may use any subnet, the choice is made here, without a look at each port.
    """
    subnets: dict[str, list[Row]] = {}
    choosy = set()
    for subnet in tx.find("subnet", network_id=list({row["network_id"] for row in rows})):
        subnets.setdefault(subnet["network_id"], []).append(subnet)
        if subnet["ipv6_address_mode"] or subnet["service_types"] or subnet["segment_id"]:
            choosy.add(subnet["network_id"])
    asks: list[ipam.Ask] = []
    for row in rows:
        network_id, asked = row["network_id"], row["fixed_ips"]
        row["fixed_ips"] = []
        row["ip_allocation"] = "none" if asked == [] else "immediate"
        own = subnets.get(network_id, [])
        if asked is not UNSET or network_id in choosy:
            asks += asks_of(tx, row, asked, own)
            continue
        for version in (4, 6):
            found = [s for s in own if s["ip_version"] == version]
            if found:
                asks.append(ipam.Ask(row, found, None, row["device_owner"] in LOWEST))
    ipam.allocate(tx, asks)
    for row in rows:
        if len(row["fixed_ips"]) > 1:
            row["fixed_ips"].sort(key=by_address)


def refuse_used_macs(tx: Transaction, asked: dict[tuple[str, str], Row]) -> None:
    """Raises 409 if a port has one of these (network id, MAC); one statement.

    A MAC that is taken at the same moment makes the insert fail and run again, to this check.
    """
    network_ids, macs = {n for n, _ in asked}, {m for _, m in asked}
    for port in tx.find("port", network_id=list(network_ids), mac_address=list(macs)):
        if (port["network_id"], port["mac_address"]) in asked:
            raise errors.mac_in_use(port["network_id"], port["mac_address"])


def delete(tx: Transaction, row: Row) -> None:
    check_delete(tx, row)
    ipam.release(tx, [row["id"]])
