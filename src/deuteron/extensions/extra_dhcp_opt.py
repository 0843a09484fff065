# SPDX-License-Identifier: Apache-2.0
"""DHCP options for one port, over those of its subnet.

Invariant: a port has an option of a name at most once for each IP version.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deuteron.declare.attribute import Attribute, Stored
from deuteron.declare.resource import Change, Extension, Row, rule
from deuteron.declare.types import Schema, Type
from deuteron.errors import invalid

if TYPE_CHECKING:
    from deuteron.store.transaction import Transaction

# Options that mean something with an empty value: tell the guest of none.
_BLANK = frozenset({"router", "classless-static-route"})
_KEYS = frozenset({"opt_name", "opt_value", "ip_version"})
_VERSIONS = {4: 4, 6: 6, "4": 4, "6": 6}


class DhcpOptions(Type):
    """A list of {opt_name, opt_value, ip_version}; a null value removes the option.

    A name has 1 to 64 characters, a value 1 to 255, and neither a line break, which could add
    options of its own to a DHCP server's file. Stored as JSON.
    """

    storage = "json"

    def convert(self, value: Any) -> list[Row]:
        if value is None:
            return []
        if not isinstance(value, list):
            raise invalid(f"'{value}' is not a list")
        found: dict[tuple[str, int], Row] = {}
        for option in value:
            converted = _option(option)
            key = (converted["opt_name"], converted["ip_version"])
            if key in found:
                raise invalid(f"Duplicate DHCP option '{key[0]}' for IPv{key[1]}")
            found[key] = converted
        return list(found.values())

    def schema(self) -> Schema:
        return {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "opt_name": {"type": "string", "minLength": 1, "maxLength": 64},
                    "opt_value": {"type": ["string", "null"], "maxLength": 255},
                    "ip_version": {"enum": [4, 6]},
                },
                "required": ["opt_name", "opt_value"],
            },
        }


def _option(option: Any) -> Row:
    if isinstance(option, dict) and {"opt_name", "opt_value"} <= option.keys() <= _KEYS:
        name, value = option["opt_name"], option["opt_value"]
        version = option.get("ip_version", 4)
        known = isinstance(version, (int, str)) and not isinstance(version, bool)
        named = _text(name, 64, blank=False)
        fits = named and (value is None or _text(value, 255, blank=name in _BLANK))
        if fits and known and version in _VERSIONS:
            return {"opt_name": name, "opt_value": value, "ip_version": _VERSIONS[version]}
    raise invalid(f"No valid key specs matched for: {option}")


def _text(value: Any, most: int, *, blank: bool) -> bool:
    if not isinstance(value, str) or len(value) > most or not value.isprintable():
        return False
    return blank or bool(value.strip())


def _create(tx: Transaction, rows: list[Row]) -> None:
    del tx
    for row in rows:
        row["extra_dhcp_opts"] = _merged([], row["extra_dhcp_opts"])


def _update(tx: Transaction, change: Change) -> None:
    """Options that the request does not name stay as they are."""
    del tx
    change.new["extra_dhcp_opts"] = _merged(
        change.old["extra_dhcp_opts"], change.given["extra_dhcp_opts"]
    )


def _merged(old: list[Row], given: list[Row]) -> list[Row]:
    options = {(o["opt_name"], o["ip_version"]): o for o in (*old, *given)}
    return [options[key] for key in sorted(options) if options[key]["opt_value"] is not None]


EXTRA_DHCP_OPT = Extension(
    alias="extra_dhcp_opt",
    name="Neutron Extra DHCP options",
    description="DHCP options of a single port, for booting from the network for example.",
    updated="2013-03-17T12:00:00-00:00",
    attributes={
        "port": (
            Attribute(
                name="extra_dhcp_opts",
                type=DhcpOptions(),
                default=[],
                filter=False,
                sort=False,
                stored=Stored.EXT,
                doc="DHCP options told to its device, each {opt_name, opt_value, ip_version}.",
            ),
        )
    },
    rules={
        "port": (
            rule("create", _create, "extra_dhcp_opts"),
            rule("update", _update, "extra_dhcp_opts"),
        )
    },
)
