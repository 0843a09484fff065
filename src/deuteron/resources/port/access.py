# SPDX-License-Identifier: Apache-2.0
"""Who may do what with a port beyond what its attributes say.

The rules are those of upstream's default policy for the roles admin, service, manager and member.
Invariant: a caller that may not see a network learns no more of it than that it is not there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from deuteron.declare.attribute import UNSET
from deuteron.declare.resource import Row
from deuteron.domain.policy import forbidden
from deuteron.resources.port.errors import missing_network

if TYPE_CHECKING:
    from deuteron.auth.caller import Caller
    from deuteron.store.transaction import Transaction

# Devices that another service plugs and must unplug first.
_FOREIGN_DEVICES = ("compute:", "baremetal:", "manila:")


def visible(table: Any, context: Any) -> Any:
    """A caller's own ports, and every port on its own networks."""
    networks = context.tables["network"]
    own = sa.select(networks.c.id).where(networks.c.project_id == context.project)
    return (table.c.project_id == context.project) | table.c.network_id.in_(own)


def unrestricted(caller: Caller) -> bool:
    """Whether the caller is an admin or another service."""
    return caller.is_admin or "service" in caller.roles


def check_create(caller: Caller, row: Row, network: Row) -> None:
    """May the caller create this port in this network? Raises 403, or 404 for the network."""
    if unrestricted(caller) or network["project_id"] == caller.project_id:
        return
    if not network["shared"]:
        if network.get("router:external"):
            raise forbidden("create_port")
        raise missing_network(network["id"])
    if row["device_owner"].startswith("network:"):
        raise forbidden("create_port:device_owner")
    if row["fixed_ips"] is not UNSET and any("ip_address" in ip for ip in row["fixed_ips"]):
        raise forbidden("create_port:fixed_ips:ip_address")


def check_update(tx: Transaction, old: Row, given: Row) -> None:
    """May the caller change these attributes? Raises 403."""
    caller = tx.caller
    if unrestricted(caller):
        return
    if old["project_id"] != caller.project_id:
        raise forbidden("update_port")
    network_device = str(given.get("device_owner", "")).startswith("network:")
    if not network_device and not given.keys() & {"mac_address", "fixed_ips"}:
        return
    network = tx.get("network", old["network_id"])
    owner = network is not None and network["project_id"] == caller.project_id
    if "mac_address" in given and not (owner and "manager" in caller.roles):
        raise forbidden("update_port:mac_address")
    if network_device and not owner:
        raise forbidden("update_port:device_owner")
    if "fixed_ips" in given and not owner:
        raise forbidden("update_port:fixed_ips")


def check_delete(tx: Transaction, row: Row) -> None:
    """May the caller delete the port? Its own, and any on its network, unless a device is in it."""
    if not unrestricted(tx.caller) and row["device_owner"].startswith(_FOREIGN_DEVICES):
        raise forbidden("delete_port")
