# SPDX-License-Identifier: Apache-2.0
"""Bindings of a port to hosts: `/v2.0/ports/{id}/bindings`, for live migration.

Invariant: one binding is active, and it is the port's own `binding:*`; the others wait in the
port's hidden attribute `inactive_bindings`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deuteron.declare.attribute import Attribute, Stored, read_only
from deuteron.declare.resource import Action, Change, Extension, Resource, Row, rule
from deuteron.declare.types import Enum, List, String
from deuteron.domain.policy import forbidden
from deuteron.extensions.binding import VNIC_TYPE, Profile, bind, plug
from deuteron.resources.port import errors
from deuteron.resources.port.access import unrestricted

if TYPE_CHECKING:
    from deuteron.store.transaction import Transaction

_SEVERAL = ("compute:", "manila:")


def _port(tx: Transaction, action: str) -> Row:
    """The port of the URL. Raises 403, 404, and 400 for one that cannot have several bindings."""
    assert tx.parent is not None
    port = tx.service.see(tx, tx.registry["port"], tx.parent["port_id"])
    if not unrestricted(tx.caller):
        raise forbidden(action)
    if not port["device_owner"].startswith(_SEVERAL):
        raise errors.not_a_compute_port(port["id"])
    return port


def _bindings(port: Row) -> list[Row]:
    """Every binding as the API shows it, the active one first."""
    details = {k: v for k, v in port["binding:vif_details"].items() if k != "bound_drivers"}
    active = {
        "host": port["binding:host_id"],
        "vif_type": port["binding:vif_type"],
        "vnic_type": port["binding:vnic_type"],
        "status": "ACTIVE",
        "profile": port["binding:profile"],
        "vif_details": details,
    }
    return [active, *({**b, "status": "INACTIVE"} for b in port["inactive_bindings"])]


def _find(port: Row, host: str) -> Row:
    for binding in _bindings(port):
        if binding["host"] == host:
            return binding
    raise errors.binding_missing(port["id"], host)


def _leave_one(tx: Transaction, change: Change) -> None:
    """A binding that waits for the host that the port is put on is no longer needed."""
    del tx
    new = change.new
    waiting = [b for b in new["inactive_bindings"] if b["host"] != new["binding:host_id"]]
    new["inactive_bindings"] = waiting


def _list(tx: Transaction) -> list[Row]:
    return _bindings(_port(tx, "get_port_binding"))


def _show(tx: Transaction, host: str) -> Row:
    return _find(_port(tx, "get_port_binding"), host)


def _create(tx: Transaction, rows: list[Row]) -> list[Row]:
    tx.parent = {"port_id": rows[0]["port_id"]}
    port = _port(tx, "create_port_binding")
    old = dict(port)
    made = []
    for row in rows:
        host = row["host"]
        if any(b["host"] == host for b in _bindings(port)):
            raise errors.binding_exists(port["id"], host)
        binding = _bound(port["id"], host, row["vnic_type"], row["profile"])
        port["inactive_bindings"] = [*port["inactive_bindings"], binding]
        made.append({**binding, "status": "INACTIVE"})
    tx.update("port", old, port)
    return made


def _bound(port_id: str, host: str, vnic_type: str, profile: Row) -> Row:
    vif_type, details = plug(host, vnic_type, profile)
    if vif_type == "binding_failed":
        raise errors.binding_failed(port_id, host)
    return {
        "host": host,
        "vif_type": vif_type,
        "vnic_type": vnic_type,
        "profile": profile,
        "vif_details": details,
    }


def _update(tx: Transaction, host: str, given: Row) -> Row:
    """Change profile or kind; the host is the binding's name and stays."""
    port = _port(tx, "update_port_binding")
    binding, old = _find(port, host), dict(port)
    changed = {**binding, **given}
    made = _bound(port["id"], host, changed["vnic_type"], changed["profile"])
    if binding["status"] == "ACTIVE":
        port["binding:vnic_type"], port["binding:profile"] = made["vnic_type"], made["profile"]
        bind(tx, port)
        port["status"] = "DOWN"
    else:
        port["inactive_bindings"] = [
            made if b["host"] == host else b for b in port["inactive_bindings"]
        ]
    tx.update("port", old, port)
    return _find(port, host)


def _delete(tx: Transaction, host: str) -> None:
    port = _port(tx, "delete_port_binding")
    binding, old = _find(port, host), dict(port)
    if binding["status"] == "ACTIVE":
        port["binding:host_id"] = ""
        bind(tx, port)
        port["status"] = "DOWN"
    else:
        others = [b for b in port["inactive_bindings"] if b["host"] != host]
        port["inactive_bindings"] = others
    tx.update("port", old, port)


def _activate(tx: Transaction, row: Row, body: Any, query: Any) -> Row:
    """Make the binding the active one; the active one waits, unplugged."""
    del body, query
    port, host = _port(tx, "activate"), row["id"]
    binding, old = _find(port, host), dict(port)
    if binding["status"] == "ACTIVE":
        raise errors.binding_active(port["id"], host)
    waiting = [b for b in port["inactive_bindings"] if b["host"] != host]
    if port["binding:host_id"]:
        before = {**_bindings(port)[0], "vif_type": "unbound", "vif_details": {}}
        del before["status"]
        waiting.append(before)
    port["inactive_bindings"] = waiting
    port["binding:host_id"], port["binding:vnic_type"] = host, binding["vnic_type"]
    port["binding:profile"] = binding["profile"]
    bind(tx, port)
    port["status"] = "DOWN"
    tx.update("port", old, port)
    return _find(port, host)


_PORT_BINDING = Resource(
    name="binding",
    collection="bindings",
    doc="A port's binding to a host.",
    parent="port",
    parent_key="port_id",
    owned=False,
    standard=False,
    taggable=False,
    named=False,
    stored=False,
    attributes=(
        Attribute(name="host", type=String(255, least=1), sort=False, doc="The host's name."),
        Attribute(
            name="vnic_type", type=VNIC_TYPE, default="normal", sort=False, doc="As of the port."
        ),
        Attribute(
            name="profile",
            type=Profile(),
            default={},
            filter=False,
            sort=False,
            doc="As of the port.",
        ),
        read_only("vif_type", String(64), "As of the port.", sort=False),
        read_only("vif_details", Profile(), "As of the port.", filter=False, sort=False),
        read_only("status", Enum("ACTIVE", "INACTIVE"), "Whether it is in use.", sort=False),
    ),
    handlers={
        "list": _list,
        "show": _show,
        "create": _create,
        "update": _update,
        "delete": _delete,
    },
    actions=(Action("activate", _activate, doc="Use this binding instead of the active one."),),
)

BINDING_EXTENDED = Extension(
    alias="binding-extended",
    name="Port Bindings Extended",
    description="Several bindings of a port, one of them active.",
    updated="2017-07-17T10:00:00-00:00",
    attributes={
        "port": (
            read_only(
                "inactive_bindings",
                List(Profile()),
                "Bindings to hosts that the port may move to.",
                default=[],
                visible=False,
                filter=False,
                sort=False,
                stored=Stored.EXT,
            ),
        )
    },
    rules={"port": (rule("update", _leave_one, "binding:host_id"),)},
    resources=(_PORT_BINDING,),
)
