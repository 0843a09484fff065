# SPDX-License-Identifier: Apache-2.0
"""A port's life between: what may change, and a new MAC."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deuteron.declare.attribute import UNSET
from deuteron.declare.resource import Change
from deuteron.domain.macs import random_mac
from deuteron.resources.port import errors
from deuteron.resources.port.access import check_update
from deuteron.resources.port.create import refuse_used_macs
from deuteron.resources.port.move import move

if TYPE_CHECKING:
    from deuteron.store.transaction import Transaction

_MOVING = frozenset({"fixed_ips", "mac_address", "binding:host_id"})
# Values of binding:vif_type of a port that no device is plugged in.
UNPLUGGED = ("unbound", "binding_failed", None)


def update(tx: Transaction, change: Change) -> None:
    """Refuse what the caller may not change; a new MAC and new addresses. Raises 403, 409."""
    check_update(tx, change.old, change.given)
    if "mac_address" in change.given:
        _change_mac(tx, change)
    if change.given.keys() & _MOVING:
        move(tx, change)


def _change_mac(tx: Transaction, change: Change) -> None:
    """A given MAC, or for null another random one (extension port-mac-address-regenerate)."""
    old, new = change.old, change.new
    if new["mac_address"] is UNSET:
        change.given["mac_address"] = new["mac_address"] = random_mac(tx.settings.base_mac)
    mac = new["mac_address"]
    if mac == old["mac_address"]:
        return
    if old.get("binding:vif_type") not in UNPLUGGED:
        raise errors.bound(old, mac)
    refuse_used_macs(tx, {(old["network_id"], mac): new})
