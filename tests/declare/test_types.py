# SPDX-License-Identifier: Apache-2.0
"""Types of attributes, whatever JSON value comes in: never another error, always storable."""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deuteron import catalog
from deuteron.declare.attribute import Stored
from deuteron.declare.types import (
    Boolean,
    Checked,
    Cidr,
    Enum,
    Integer,
    Invalid,
    IpAddress,
    Json,
    List,
    Mac,
    Name,
    Nullable,
    Object,
    String,
    Type,
    Uuid,
)
from deuteron.errors import BadRequest
from tests.contract.probes import VALUES

SAMPLES: dict[str, Type] = {
    "String": String(20, least=1),
    "String pattern": String(9, pattern="[a-z]+"),
    "Name": Name(),
    "Boolean": Boolean(),
    "Integer": Integer(0),
    "Integer signed": Integer(),
    "Integer big": Integer(None, 2**63 - 1),
    "Enum": Enum("a", "b", fold=True),
    "Enum of numbers": Enum(4, 6),
    "Enum with null": Enum(None, "x"),
    "Nullable": Nullable(IpAddress(), blank=True),
    "Uuid": Uuid(),
    "Mac": Mac(),
    "IpAddress": IpAddress(),
    "Cidr": Cidr(),
    "Cidr strict": Cidr(strict=True),
    "List": List(Integer(-1), most=3),
    "List unique": List(Json(), unique=True, null_as_empty=False),
    "Object": Object({"a": Name(), "b": Nullable(Integer())}, required=("a",)),
    "Json": Json(200),
    "Checked": Checked(String(), lambda text: text.upper()),
}
SERVED: dict[str, Type] = {
    f"{name}.{attribute.name}": attribute.type
    for name, assembled in catalog.load().resources.items()
    for attribute in assembled.attributes.values()
    if attribute.post or attribute.put or attribute.stored is not Stored.COMPUTED
}
TYPES = SAMPLES | SERVED
# A type says `Invalid`, or where the API has an error of its own for the value, that one.
REFUSED = (Invalid, BadRequest)

text = st.text(st.characters(exclude_categories=())) | st.sampled_from(
    [v for v in VALUES if isinstance(v, str)]
)
scalars = st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats() | text
json_values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            text | st.sampled_from(["a", "b", "ip_address", "subnet_id"]), inner, max_size=4
        )
    ),
    max_leaves=12,
) | st.sampled_from(VALUES)


def attempt(run: Callable[[Any], Any], value: Any) -> tuple[Any, str | None]:
    """The result, or the reason of a refusal. Any other exception fails the test."""
    try:
        return run(value), None
    except REFUSED as refused:
        return None, str(refused)


def refuse_unstorable(value: Any, type_: Type) -> None:
    """Fails for what SQLite, PostgreSQL or MariaDB would not take or give back."""
    if isinstance(value, dict):
        for key, item in value.items():
            assert isinstance(key, str)
            refuse_unstorable(key, type_)
            refuse_unstorable(item, type_)
    elif isinstance(value, list):
        for item in value:
            refuse_unstorable(item, type_)
    elif isinstance(value, str):
        assert "\x00" not in value
        value.encode()  # fails for half of a surrogate pair
    elif isinstance(value, int):
        assert -(2**63) <= value < 2**63
    elif isinstance(value, float):
        assert math.isfinite(value)
    else:
        assert value is None


def fits_its_column(value: Any, type_: Type) -> None:
    if value is None:
        return
    match type_.storage:
        case "string":
            assert isinstance(value, str)
            assert len(value) <= (type_.length or 255)
        case "integer":
            assert type(value) is int
            assert -(2**31) <= value < 2**31
        case "bigint":
            assert type(value) is int
        case "boolean":
            assert type(value) is bool
        case "json":
            assert msgspec.json.decode(msgspec.json.encode(value)) == value


@pytest.mark.parametrize("name", TYPES)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_any_value_is_converted_or_invalid(name: str, data: st.DataObject) -> None:
    type_ = TYPES[name]
    value = data.draw(json_values)
    once, reason = attempt(type_.convert, value)
    if reason is not None:
        assert reason
        return
    refuse_unstorable(once, type_)
    fits_its_column(once, type_)
    assert type_.convert(once) == once
    assert type(type_.convert(once)) is type(once)


@pytest.mark.parametrize("name", TYPES)
def test_every_probe(name: str) -> None:
    """The same for each value that the contract is tried with, and at least one is refused."""
    type_ = TYPES[name]
    accepted = 0
    for value in VALUES:
        try:
            once = type_.convert(value)
        except REFUSED:
            continue
        accepted += 1
        refuse_unstorable(once, type_)
        fits_its_column(once, type_)
        assert type_.convert(once) == once
    assert accepted < len(VALUES)


@pytest.mark.parametrize("name", TYPES)
@settings(max_examples=40, deadline=None)
@given(value=text)
def test_any_text_of_a_query_is_parsed_or_invalid(name: str, value: str) -> None:
    _, reason = attempt(TYPES[name].parse, value)
    assert reason != ""


@pytest.mark.parametrize("name", TYPES)
def test_schema_is_json(name: str) -> None:
    schema = TYPES[name].schema()
    assert msgspec.json.decode(msgspec.json.encode(schema)) == schema
    assert schema.keys() & {"type", "enum", "anyOf", "oneOf"}


@given(st.integers(0, 2**48 - 1), st.sampled_from([":", "-", ""]), st.booleans())
def test_a_mac_address_has_one_spelling(number: int, separator: str, upper: bool) -> None:
    pairs = [f"{byte:02X}" if upper else f"{byte:02x}" for byte in number.to_bytes(6, "big")]
    assert Mac().convert(separator.join(pairs)) == ":".join(pairs).lower()


@given(st.ip_addresses())
def test_an_address_has_one_spelling(address: Any) -> None:
    spellings = {str(address), address.exploded, str(address).upper()}
    assert {IpAddress().convert(s) for s in spellings} == {str(address)}


@given(st.ip_addresses(), st.data())
def test_a_network_has_one_spelling(address: Any, data: st.DataObject) -> None:
    length = data.draw(st.integers(0, address.max_prefixlen))
    network = ipaddress.ip_network((address, length), strict=False)
    assert Cidr().convert(f"{address.exploded}/{length}") == str(network)


@pytest.mark.parametrize("value", ["", "a b", "ä", "\u20ac", "x" * 255, "a\u3000b"])
def test_names(value: str) -> None:
    assert Name().convert(value) == value


@pytest.mark.parametrize(
    "value",
    [" a", "a ", "\u3000a", "a\tb", "a\n", "\U0001f600", "a\u200db", "\ud800", "x" * 256, 1],
)
def test_no_names(value: Any) -> None:
    with pytest.raises(Invalid):
        Name().convert(value)


@pytest.mark.parametrize("value", ["true", " TRUE ", "t", "yes", "Y", "on", "1", 1, True])
def test_truth(value: Any) -> None:
    assert Boolean().convert(value) is True


@pytest.mark.parametrize("value", ["maybe", "", 2, -1, None, [], 10**40])
def test_no_truth(value: Any) -> None:
    with pytest.raises(Invalid):
        Boolean().convert(value)


def test_deep_nesting_is_refused() -> None:
    deep: Any = {}
    for _ in range(900):
        deep = {"a": deep}
    with pytest.raises(Invalid):
        Json(10**6).convert(deep)
