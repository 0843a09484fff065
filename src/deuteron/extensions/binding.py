# SPDX-License-Identifier: Apache-2.0
"""Where the device of a port is, and how it is plugged there.

A host binds any port of a kind that OVN carries: the answer's `vif_details` are those that Nova
and os-vif act on, as upstream's OVN driver gives them. Whether the host is really there shows in
the port's status, which the loop writes. A port-less device of a physical function brings its own
MAC (extension port-mac-override).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from deuteron.declare.attribute import Attribute, Stored, Who, read_only
from deuteron.declare.resource import Change, Extension, Row, rule
from deuteron.declare.types import Enum, Invalid, Schema, String, Type, refuse_unstorable
from deuteron.domain.macs import PortMac, random_mac
from deuteron.errors import invalid
from deuteron.resources.port import errors
from deuteron.resources.port.create import refuse_used_macs

if TYPE_CHECKING:
    from deuteron.store.transaction import Transaction

VNIC_TYPE: Final = Enum(
    "normal",
    "direct",
    "macvtap",
    "baremetal",
    "direct-physical",
    "virtio-forwarder",
    "smart-nic",
    "vdpa",
    "accelerator-direct",
    "accelerator-direct-physical",
    "remote-managed",
)
_CARRIED: Final = frozenset(
    {
        "normal",
        "direct",
        "direct-physical",
        "macvtap",
        "vdpa",
        "remote-managed",
        "baremetal",
        "virtio-forwarder",
    }
)
# Kinds whose packets go past OVN unless the device is a switchdev one.
_PAST_SWITCH: Final = frozenset({"direct", "direct-physical", "macvtap", "baremetal"})
_PLUG: Final = {
    "port_filter": True,
    "connectivity": "l2",
    "ovs_create_tap": True,
    "bridge_name": "br-int",
    "datapath_type": "system",
}
_MOST_PROFILE: Final = 4095
_GIVEN = ("binding:host_id", "binding:vnic_type", "binding:profile")
_encode = msgspec.json.Encoder().encode


class Profile(Type):
    """A JSON object of at most 4,095 characters; null is an empty one."""

    storage = "json"

    def convert(self, value: Any) -> dict[str, Any]:
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise Invalid(f"'{value}' is not a dictionary")
        refuse_unstorable(value)
        text = _encode(value)
        if len(text) > _MOST_PROFILE:
            raise invalid("binding:profile value too large")
        if rb"\u0000" in text:
            raise Invalid("a profile must not contain NUL characters")
        return value

    def schema(self) -> Schema:
        return {"type": ["object", "null"]}


class Host(String):
    """A host's name; null is none."""

    def convert(self, value: Any) -> str:
        return "" if value is None else super().convert(value)


def plug(host: str, vnic_type: str, profile: Row) -> tuple[str, Row]:
    """vif_type and vif_details of a device of this kind on a host."""
    if not host:
        return "unbound", {}
    capabilities = profile.get("capabilities")
    switched = isinstance(capabilities, list) and "switchdev" in capabilities
    if vnic_type not in _CARRIED or (vnic_type in _PAST_SWITCH and not switched):
        return "binding_failed", {}
    return "ovs", dict(_PLUG)


def bind(tx: Transaction, row: Row) -> None:
    """Fill vif_type and vif_details of a port, and the MAC of a physical function."""
    host, vnic_type = row["binding:host_id"], row["binding:vnic_type"]
    vif_type, details = plug(host, vnic_type, row["binding:profile"])
    if vif_type == "ovs":
        details["bound_drivers"] = {"0": "ovn"}
    row["binding:vif_type"], row["binding:vif_details"] = vif_type, details
    if host and vnic_type == "direct-physical":
        _take_device_mac(tx, row)


def _take_device_mac(tx: Transaction, row: Row) -> None:
    given = row["binding:profile"].get("device_mac_address")
    try:
        mac = PortMac().convert(given) if given else random_mac(tx.settings.base_mac)
    except Invalid as error:
        raise invalid(f"binding:profile device_mac_address {error}") from None
    if given and mac != row["mac_address"]:
        refuse_used_macs(tx, {(row["network_id"], mac): row})
    row["mac_address"] = mac


def _create(tx: Transaction, rows: list[Row]) -> None:
    for row in rows:
        bind(tx, row)


def _update(tx: Transaction, change: Change) -> None:
    """A port with another host, kind or profile is bound anew; until it is plugged it is down."""
    old, new = change.old, change.new
    unbound = old["binding:vif_type"] == "unbound"
    if change.changed("binding:vnic_type") and not unbound:
        raise errors.attached(old)
    if any(change.changed(name) for name in _GIVEN):
        bind(tx, new)
        new["status"] = "DOWN"


def _release_mac(tx: Transaction, change: Change) -> None:
    """A port taken off a physical function leaves it its MAC."""
    old, new = change.old, change.new
    left = old["device_id"] and not new["device_id"] and not new["device_owner"]
    if left and new["binding:vnic_type"] == "direct-physical":
        new["mac_address"] = random_mac(tx.settings.base_mac)


def _admin(name: str, type_: Type, doc: str, **options: Any) -> Attribute:
    return Attribute(
        name=name, type=type_, doc=doc, write=Who.ADMIN, read=Who.ADMIN, sort=False, **options
    )


BINDING = Extension(
    alias="binding",
    name="Port Binding",
    description="Says on which host a port is and how it is plugged.",
    updated="2014-02-03T10:00:00-00:00",
    attributes={
        "port": (
            Attribute(
                name="binding:vnic_type",
                type=VNIC_TYPE,
                default="normal",
                filter=False,
                sort=False,
                stored=Stored.EXT,
                doc="The kind of device that the port is plugged into.",
            ),
            _admin(
                "binding:profile",
                Profile(),
                "What the host's agent needs to know of the device.",
                default={},
                filter=False,
                stored=Stored.EXT,
            ),
            _admin(
                "binding:host_id",
                Host(255),
                "The host that the device is on; empty for none.",
                default="",
                index=True,
            ),
            read_only(
                "binding:vif_type",
                String(64),
                "How it is plugged: ovs, unbound, or binding_failed.",
                default="unbound",
                read=Who.ADMIN,
                filter=False,
                sort=False,
                stored=Stored.EXT,
            ),
            read_only(
                "binding:vif_details",
                Profile(),
                "What plugs it needs to know.",
                default={},
                read=Who.ADMIN,
                filter=False,
                sort=False,
                stored=Stored.EXT,
            ),
        )
    },
    rules={
        "port": (
            rule("create", _create, "binding:host_id"),
            rule("update", _update, *_GIVEN),
            rule("update", _release_mac, "device_id"),
        )
    },
)
