# SPDX-License-Identifier: Apache-2.0
"""Addresses besides its own that a port may send from.

Invariant: every stored pair has a MAC, its own or the one that the port had when it was given.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

from deuteron.declare.attribute import Attribute, Stored, Who
from deuteron.declare.resource import Change, Extension, Row, rule
from deuteron.declare.types import Invalid, Mac, Schema, Type
from deuteron.errors import BadRequest

if TYPE_CHECKING:
    from deuteron.store.transaction import Transaction

_MAC = Mac()
_KEYS = frozenset({"ip_address", "mac_address"})
_MULTICAST: dict[int, Any] = {
    4: ipaddress.ip_network("224.0.0.0/4"),
    6: ipaddress.ip_network("ff00::/8"),
}


class AddressPairs(Type):
    """A list of {ip_address, mac_address}; the address may be a block, the MAC may be missing.

    No pair twice, and no multicast (extension aap-reject-multicast). Spellings are kept.
    """

    storage = "json"

    def convert(self, value: Any) -> list[dict[str, str]]:
        if value is None:
            return []
        if not isinstance(value, list):
            raise _refused("Allowed address pairs must be a list.")
        seen = set()
        for pair in value:
            if not isinstance(pair, dict):
                raise Invalid(f"'{pair}' is not a dictionary")
            if "ip_address" not in pair:
                raise BadRequest(
                    "AllowedAddressPairsMissingIP", "AllowedAddressPair must contain ip_address"
                )
            _check_mac(pair)
            _check_address(pair["ip_address"])
            unknown = sorted(pair.keys() - _KEYS)
            if unknown:
                raise _refused(f"Unrecognized attribute(s) '{', '.join(unknown)}'")
            key = (pair.get("mac_address"), pair["ip_address"])
            if key in seen:
                raise BadRequest(
                    "DuplicateAddressPairInRequest",
                    "Request contains duplicate address pair: mac_address "
                    f"{key[0]} ip_address {key[1]}.",
                )
            seen.add(key)
        return value

    def schema(self) -> Schema:
        return {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "ip_address": {"type": "string"},
                    "mac_address": {"type": "string"},
                },
                "required": ["ip_address"],
            },
        }


def _check_mac(pair: Row) -> None:
    if "mac_address" not in pair:
        return
    mac = pair["mac_address"]
    try:
        octet = int(_MAC.convert(mac)[:2], 16)
    except Invalid as error:
        raise _refused(str(error)) from None
    if octet & 1:
        raise _refused(f"'{mac}' is a multicast MAC address")


def _check_address(value: Any) -> None:
    text = value if isinstance(value, str) and "%" not in value else ""
    kind = "IP subnet" if "/" in text else "IP address"
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise _refused(f"'{value}' is not a valid {kind}") from None
    # Upstream lets the default route's block of IPv4 through, and of IPv6 not.
    if network.overlaps(_MULTICAST[network.version]) and text != "0.0.0.0/0":
        raise _refused(f"'{value}' is a multicast {kind}")


def _refused(message: str) -> BadRequest:
    return BadRequest("HTTPBadRequest", message)


def _create(tx: Transaction, rows: list[Row]) -> None:
    for row in rows:
        _complete(tx, row)


def _update(tx: Transaction, change: Change) -> None:
    _complete(tx, change.new)


def _complete(tx: Transaction, row: Row) -> None:
    """Every pair with a MAC. Raises 400 if there are too many."""
    pairs, most = row["allowed_address_pairs"], tx.settings.max_allowed_address_pairs
    if len(pairs) > most:
        raise BadRequest(
            "AllowedAddressPairExhausted",
            f"The number of allowed address pair exceeds the maximum {most}.",
        )
    own = row["mac_address"]
    row["allowed_address_pairs"] = [
        {"mac_address": p.get("mac_address", own), "ip_address": p["ip_address"]} for p in pairs
    ]


ALLOWED_ADDRESS_PAIRS = Extension(
    alias="allowed-address-pairs",
    name="Allowed Address Pairs",
    description="More addresses that a port may send from.",
    updated="2013-07-23T10:00:00-00:00",
    attributes={
        "port": (
            Attribute(
                name="allowed_address_pairs",
                type=AddressPairs(),
                default=[],
                write=Who.NETWORK_OWNER,
                filter=False,
                sort=False,
                stored=Stored.EXT,
                doc="Addresses besides its own that it may send from.",
            ),
        )
    },
    rules={
        "port": (
            rule("create", _create, "allowed_address_pairs"),
            rule("update", _update, "allowed_address_pairs"),
        )
    },
)
