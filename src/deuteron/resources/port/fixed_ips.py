# SPDX-License-Identifier: Apache-2.0
"""The attribute `fixed_ips`: how a request spells it, and how a list is filtered by it."""

from __future__ import annotations

import ipaddress
from typing import Any

import sqlalchemy as sa

from deuteron.declare.types import Invalid, Schema, Type, Uuid
from deuteron.errors import BadRequest, invalid, invalid_input

_UUID = Uuid()


class FixedIps(Type):
    """A list of {subnet_id, ip_address}, of which each item gives one or both; stored as JSON.

    Other keys of an item are dropped. Two items must not name the same address.
    """

    storage = "json"

    def convert(self, value: Any) -> list[dict[str, str]]:
        if not isinstance(value, list):
            raise _malformed(value)
        found = []
        addresses = set()
        for item in value:
            if not isinstance(item, dict):
                raise _malformed(item)
            fixed = {}
            if "subnet_id" in item:
                fixed["subnet_id"] = _UUID.convert(item["subnet_id"])
            if "ip_address" in item:
                address = fixed["ip_address"] = _address(item["ip_address"])
                if address in addresses:
                    raise Invalid(f"Duplicate IP address '{address}'")
                addresses.add(address)
            if not fixed:
                raise invalid("IP allocation requires subnet_id or ip_address")
            found.append(fixed)
        return found

    def schema(self) -> Schema:
        return {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"subnet_id": _UUID.schema(), "ip_address": {"type": "string"}},
            },
        }


def _malformed(value: Any) -> BadRequest:
    return invalid_input("fixed_ips", f"Invalid data format for fixed IP: '{value}'")


def _address(value: Any) -> str:
    try:
        if not isinstance(value, str) or "%" in value:
            raise ValueError(value)
        return str(ipaddress.ip_address(value))
    except ValueError:
        raise Invalid(f"'{value}' is not a valid IP address") from None


def condition(table: sa.Table, context: Any, values: list[str]) -> Any:
    """Ports with an address that fits: `ip_address=…`, `ip_address_substr=…`, `subnet_id=…`.

    Several values of one key are alternatives; several keys must hold for the same address,
    but `ip_address_substr` for any address of the port. Raises 400 for something else.
    """
    asked: dict[str, list[str]] = {}
    for value in values:
        key, equals, text = value.partition("=")
        if not equals or key not in ("ip_address", "ip_address_substr", "subnet_id"):
            raise invalid(f"'{value}' is not in <key>=[value] format")
        asked.setdefault(key, []).append(_shortest(text) if key == "ip_address" else text)
    held = context.schema.ip_allocations
    found = []
    exact = [held.c[key].in_(asked[key]) for key in ("ip_address", "subnet_id") if key in asked]
    if exact:
        found.append(sa.exists().where(held.c.port_id == table.c.id, *exact))
    if "ip_address_substr" in asked:
        parts = [held.c.ip_address.contains(t, autoescape=True) for t in asked["ip_address_substr"]]
        found.append(sa.exists().where(held.c.port_id == table.c.id, sa.or_(*parts)))
    return sa.and_(*found)


def _shortest(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return text
