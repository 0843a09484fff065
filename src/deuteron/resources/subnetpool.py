# SPDX-License-Identifier: Apache-2.0
"""Subnet pools: blocks of addresses that subnets are cut from.

Invariant: the prefixes of a pool are compact, of one IP version, and cover every subnet that came
from it; whoever cuts a subnet or takes prefixes away holds the pool's row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deuteron.declare.attribute import UNSET, Attribute, Stored, Who, read_only
from deuteron.declare.resource import Change, Resource, Row, rule
from deuteron.declare.types import (
    Boolean,
    Cidr,
    Enum,
    Integer,
    Invalid,
    List,
    Name,
)
from deuteron.domain import prefixes, rbac
from deuteron.domain.subnet_pools import blocks_of, forget_policies, illegal_prefixes
from deuteron.errors import BadRequest, invalid

if TYPE_CHECKING:
    from deuteron.store.transaction import Transaction

LENGTHS = ("min_prefixlen", "max_prefixlen", "default_prefixlen")
# The shortest prefix that a pool gives unless it says otherwise.
_DEFAULT_LEAST = {4: 8, 6: 64}


class Length(Integer):
    """A whole number that is not negative."""

    def __init__(self) -> None:
        super().__init__(0)

    def convert(self, value: Any) -> int:
        number = self.parse(value)
        if number < 0:
            raise Invalid(f"'{value}' should be non-negative")
        return super().convert(number)


class Prefixes(List):
    """Blocks as a request writes them; host bits are cut off."""

    def __init__(self) -> None:
        super().__init__(Cidr(), unique=True, null_as_empty=False)


def _illegal_bounds(name: str, value: int, base: str, limit: int) -> BadRequest:
    return BadRequest(
        "IllegalSubnetPoolPrefixBounds",
        f"Illegal prefix bounds: {name}={value}, {base}={limit}.",
    )


def _create(tx: Transaction, rows: list[Row]) -> None:
    for row in rows:
        complete(row)
    _check_default(tx, [row for row in rows if row["is_default"]])


def complete(row: Row) -> None:
    """Compact the prefixes of a pool and fill what follows from them. Raises 400."""
    if not row["prefixes"]:
        raise BadRequest("EmptySubnetPoolPrefixList", "Empty subnet pool prefix list.")
    version = prefixes.version_of(row["prefixes"])
    if version is None:
        raise BadRequest(
            "PrefixVersionMismatch", "Cannot mix IPv4 and IPv6 prefixes in a subnet pool."
        )
    row["prefixes"] = prefixes.compact(row["prefixes"])
    row["ip_version"] = version
    bits = prefixes.BITS[version]
    for name, default in (("min_prefixlen", _DEFAULT_LEAST[version]), ("max_prefixlen", bits)):
        if row[name] is UNSET:
            row[name] = default
    if row["default_prefixlen"] is UNSET:
        row["default_prefixlen"] = row["min_prefixlen"]
    least, most, usual = (row[name] for name in LENGTHS)
    if least > most:
        raise _illegal_bounds("min_prefixlen", least, "max_prefixlen", most)
    if most > bits:
        raise _illegal_bounds("max_prefixlen", most, "ip_version_max", bits)
    if usual < least:
        raise _illegal_bounds("default_prefixlen", usual, "min_prefixlen", least)
    if usual > most:
        raise _illegal_bounds("default_prefixlen", usual, "max_prefixlen", most)


def _check_default(tx: Transaction, rows: list[Row]) -> None:
    """Raises 400 if a pool would be the second default of its IP version."""
    if not rows:
        return
    taken = {pool["ip_version"] for pool in tx.find("subnetpool", is_default=True)}
    for row in rows:
        if row["ip_version"] in taken:
            raise invalid(
                "A default subnetpool for this IP family has already been set. Only one default "
                "may exist per IP family"
            )
        taken.add(row["ip_version"])


def _update(tx: Transaction, change: Change) -> None:
    old, new = change.old, change.new
    if not prefixes.covers(new["prefixes"], old["prefixes"]):
        raise illegal_prefixes("Existing prefixes must be a subset of the new prefixes")
    complete(new)
    if new["is_default"] and not old["is_default"]:
        _check_default(tx, [new])


def _delete(tx: Transaction, row: Row) -> None:
    if blocks_of(tx, [row["id"]])[row["id"]]:
        raise BadRequest(
            "SubnetPoolDeleteError",
            "Unable to delete subnet pool: Subnet pool has existing allocations.",
        )
    forget_policies(tx, "subnetpool", row["id"])


def _expand_lengths(tx: Transaction, rows: list[Row], wanted: list[str]) -> None:
    """The API writes prefix lengths as text, though they are compared as numbers."""
    del tx
    for name in wanted:
        if name in LENGTHS:
            for row in rows:
                row[name] = str(row[name])


def _unset() -> Any:
    """A default that a rule decides, and that null, unlike with a plain `UNSET`, is not."""
    return UNSET


def _length(name: str, doc: str) -> Attribute:
    return Attribute(name=name, type=Length(), default=_unset, doc=doc)


SUBNETPOOL = Resource(
    name="subnetpool",
    collection="subnetpools",
    doc="Blocks of addresses that subnets are cut from.",
    taggable=True,
    rbac="subnetpool",
    quota=-1,
    not_found="SubnetPoolNotFound",
    not_found_message="Subnet pool {id} could not be found.",
    attributes=(
        Attribute(name="name", type=Name(255, least=1), index=True, doc="A name, not blank."),
        Attribute(name="prefixes", type=Prefixes(), filter=False, sort=False, doc="Its blocks."),
        Attribute(
            name="default_quota",
            type=Length(),
            default=_unset,
            doc="How much a project may take: addresses for IPv4, /64s for IPv6; 0 is no limit.",
        ),
        read_only("ip_version", Enum(4, 6), "The IP version of its blocks."),
        _length("default_prefixlen", "The length of a block when a request names none."),
        _length("min_prefixlen", "The shortest prefix, which is the largest block, given."),
        _length("max_prefixlen", "The longest prefix, which is the smallest block, given."),
        Attribute(
            name="is_default",
            type=Boolean(),
            default=False,
            write=Who.ADMIN,
            doc="Whether it is the pool of its IP version that is taken when none is named.",
        ),
        Attribute(
            name="shared",
            type=Boolean(),
            default=False,
            put=False,
            write=Who.ADMIN,
            sort=False,
            stored=Stored.COMPUTED,
            sql=lambda table, context: context.shared("subnetpool", table),
            doc="Whether every project may use it.",
        ),
    ),
    rules=(
        rule("create", _create),
        rule("created", rbac.share_created("subnetpool"), "shared"),
        rule("update", _update),
        rule("delete", _delete),
        rule("expand", _expand_lengths, *LENGTHS),
    ),
)
