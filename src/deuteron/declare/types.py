# SPDX-License-Identifier: Apache-2.0
"""The types of attributes: how a value from a request becomes the stored value.

A type converts and validates in one step, knows how it is stored and how OpenAPI describes it.
Invariant: `convert` is idempotent, and what it returns can be stored on every database.
Accepted spellings and limits follow neutron-lib 5.0.1 (validators and converters).
"""

from __future__ import annotations

import ipaddress
import math
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

UUID_PATTERN: Final = "[a-fA-F0-9]{8}-[a-fA-F0-9]{4}-[a-fA-F0-9]{4}-[a-fA-F0-9]{4}-[a-fA-F0-9]{12}"
_UUID = re.compile(UUID_PATTERN)
_MAC = re.compile(r"[0-9a-fA-F]{2}([:-]?)([0-9a-fA-F]{2}\1){4}[0-9a-fA-F]{2}")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_MAX_INTEGER: Final = 2**31 - 1
_DEEPEST: Final = 32

Schema = dict[str, Any]


class Invalid(Exception):
    """A value that its type does not accept; the text is the reason shown to the caller."""


class NotConverted(Invalid):
    """A value of which a conversion cannot even make the type; upstream reports it otherwise."""


class Type:
    """Base of all types. `storage` is string, text, integer, bigint, boolean or json."""

    storage = "text"
    length: int | None = None

    def convert(self, value: Any) -> Any:
        """The stored form of `value`. Raises `Invalid`."""
        raise NotImplementedError

    def parse(self, text: str) -> Any:
        """The stored form of a query string's value. Raises `Invalid`."""
        return self.convert(text)

    def schema(self) -> Schema:
        """JSON Schema of accepted and returned values."""
        raise NotImplementedError


class String(Type):
    """Text of `least` to `length` characters; `pattern` must match from start to end if given."""

    storage = "string"

    def __init__(self, length: int = 255, *, least: int = 0, pattern: str | None = None) -> None:
        self.length = length
        self.least = least
        self.pattern = pattern
        self._regex = re.compile(pattern) if pattern else None

    def convert(self, value: Any) -> str:
        if not isinstance(value, str):
            raise Invalid(f"'{value}' is not a valid string")
        if len(value) > (self.length or 0):
            raise Invalid(f"'{value}' exceeds maximum length of {self.length}")
        if len(value) < self.least or (self.least and not value.strip()):
            raise Invalid(f"'{value}' Blank strings are not permitted")
        if _UNSTORABLE.search(value):
            raise Invalid("a string must not contain NUL characters or half of a surrogate pair")
        if self._regex and not self._regex.fullmatch(value):
            raise Invalid(f"'{value}' is not a valid input")
        return value

    def schema(self) -> Schema:
        schema: Schema = {"type": "string", "maxLength": self.length}
        if self.least:
            schema["minLength"] = self.least
        if self.pattern:
            schema["pattern"] = f"^(?:{self.pattern})$"
        return schema


class Name(String):
    """Text for people: printable characters of the Basic Multilingual Plane, no space at its ends.

    Spaces of every width may stand within. The rule is neutron-lib's `type:name_string`.
    """

    def convert(self, value: Any) -> str:
        name = super().convert(value)
        if name.isascii() and name.isprintable() and name == name.strip():
            return name
        ends = name[:1] + name[-1:]
        if any(unicodedata.category(c) == "Zs" for c in ends) or not all(map(_in_name, name)):
            raise Invalid(f"'{value}' is not a valid string")
        return name


def _in_name(character: str) -> bool:
    printable = character.isprintable() or unicodedata.category(character) == "Zs"
    return printable and character <= "\uffff"


class Boolean(Type):
    """A truth value; also accepts 1 and 0 and the words below in any case, as upstream does."""

    storage = "boolean"
    _words = {
        **dict.fromkeys(("1", "t", "true", "on", "y", "yes"), True),
        **dict.fromkeys(("0", "f", "false", "off", "n", "no"), False),
    }

    def convert(self, value: Any) -> bool:
        if isinstance(value, bool):
            return value
        if isinstance(value, int) and value in (0, 1):
            return bool(value)
        if isinstance(value, str) and value.strip().lower() in self._words:
            return self._words[value.strip().lower()]
        raise NotConverted(f"'{value}' cannot be converted to boolean")

    def schema(self) -> Schema:
        return {"type": "boolean"}


def whole(value: Any) -> int:
    """A whole number from a number, cut off at the point, or from decimal text.

    As upstream does, true is 1 and 1.9 is 1. Raises `NotConverted`.
    """
    try:
        if isinstance(value, (int, float, str)):
            return int(value)
    except (ValueError, OverflowError):
        pass
    raise NotConverted(f"'{value}' is not an integer")


class Integer(Type):
    """A whole number from `least` to `most`; accepts what `whole` does."""

    storage = "integer"

    def __init__(self, least: int | None = None, most: int = _MAX_INTEGER) -> None:
        self.least = least
        self.most = most
        if most > _MAX_INTEGER:
            self.storage = "bigint"

    def convert(self, value: Any) -> int:
        number = whole(value)
        least = self.least if self.least is not None else -self.most - 1
        if number < least:
            raise Invalid(f"'{value}' is too small - must be at least '{least}'")
        if number > self.most:
            raise Invalid(f"'{value}' is too large - must be no larger than '{self.most}'")
        return number

    def parse(self, text: Any) -> int:
        """A number beyond the limits is a filter that matches nothing."""
        return whole(text)

    def schema(self) -> Schema:
        schema: Schema = {"type": "integer", "maximum": self.most}
        if self.least is not None:
            schema["minimum"] = self.least
        return schema


class Enum(Type):
    """One of a few words or numbers. `fold` accepts words in any case and stores them lower."""

    def __init__(self, *values: str | int | None, fold: bool = False) -> None:
        self.values = values
        self.fold = fold
        self.storage = "integer" if isinstance(values[-1], int) else "string"
        self.length = 64

    def convert(self, value: Any) -> Any:
        wanted = value.lower() if self.fold and isinstance(value, str) else value
        if self.storage == "integer" and wanted is not None:
            wanted = whole(wanted)
        if isinstance(wanted, (bool, float)) or wanted not in self.values:
            raise Invalid(f"'{value}' is not in {list(self.values)}")
        return wanted

    def schema(self) -> Schema:
        return {"enum": list(self.values)}


class Nullable(Type):
    """Another type, or null. `blank` also reads the empty string as null."""

    def __init__(self, of: Type, *, blank: bool = False) -> None:
        self.of = of
        self.blank = blank
        self.storage = of.storage
        self.length = of.length

    def convert(self, value: Any) -> Any:
        if value is None or (self.blank and value == ""):
            return None
        return self.of.convert(value)

    def parse(self, text: str) -> Any:
        return None if text == "" else self.of.parse(text)

    def schema(self) -> Schema:
        return {"anyOf": [self.of.schema(), {"type": "null"}]}


class Uuid(Type):
    """An object's id."""

    storage = "string"
    length = 36

    def convert(self, value: Any) -> str:
        if not isinstance(value, str) or not _UUID.fullmatch(value):
            raise Invalid(f"'{value}' is not a valid UUID")
        return value

    def parse(self, text: str) -> str:
        return text  # a filter by something that is no id matches nothing

    def schema(self) -> Schema:
        return {"type": "string", "pattern": f"^{UUID_PATTERN}$"}


class Mac(Type):
    """A unicast or multicast Ethernet address, stored as lower-case pairs with colons."""

    storage = "string"
    length = 32

    def convert(self, value: Any) -> str:
        if not isinstance(value, str) or not _MAC.fullmatch(value):
            raise Invalid(f"'{value}' is not a valid MAC address")
        digits = value.replace(":", "").replace("-", "").lower()
        return ":".join(digits[at : at + 2] for at in range(0, 12, 2))

    def parse(self, text: str) -> str:
        try:
            return self.convert(text)
        except Invalid:
            return text

    def schema(self) -> Schema:
        return {"type": "string", "pattern": "^([0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}$"}


class IpAddress(Type):
    """An IPv4 or IPv6 address, stored in its shortest spelling."""

    storage = "string"
    length = 64

    def convert(self, value: Any) -> str:
        try:
            if not isinstance(value, str) or "%" in value:
                raise ValueError(value)
            return str(ipaddress.ip_address(value))
        except ValueError:
            raise Invalid(f"'{value}' is not a valid IP address") from None

    def parse(self, text: str) -> str:
        try:
            return self.convert(text)
        except Invalid:
            return text

    def schema(self) -> Schema:
        return {"type": "string", "anyOf": [{"format": "ipv4"}, {"format": "ipv6"}]}


class Cidr(Type):
    """An IP network. `strict` refuses host bits; otherwise they are cut off."""

    storage = "string"
    length = 64

    def __init__(self, *, strict: bool = False) -> None:
        self.strict = strict

    def convert(self, value: Any) -> str:
        try:
            if not isinstance(value, str) or "/" not in value or "%" in value:
                raise ValueError(value)
            network = ipaddress.ip_network(value, strict=False)
        except ValueError:
            raise Invalid(f"'{value}' is not a valid IP subnet") from None
        if self.strict and str(network.network_address) != _address_of(value):
            raise Invalid(
                f"'{value}' isn't a recognized IP subnet cidr, '{network}' is recommended"
            )
        return str(network)

    def parse(self, text: str) -> str:
        try:
            return self.convert(text)
        except Invalid:
            return text

    def schema(self) -> Schema:
        return {"type": "string", "pattern": "^[0-9a-fA-F.:]+/[0-9]{1,3}$"}


class List(Type):
    """A list of values of one type, stored as JSON. `unique` refuses duplicates."""

    storage = "json"

    def __init__(
        self, of: Type, *, unique: bool = False, most: int | None = None, null_as_empty: bool = True
    ) -> None:
        self.of = of
        self.unique = unique
        self.most = most
        self.null_as_empty = null_as_empty

    def convert(self, value: Any) -> list[Any]:
        if value is None and self.null_as_empty:
            return []
        if not isinstance(value, list):
            raise Invalid(f"'{value}' is not a list")
        items = [self.of.convert(item) for item in value]
        if self.unique and has_duplicates(items):
            raise Invalid(f"Duplicate items in the list: '{_doubles(items)}'")
        if self.most is not None and len(items) > self.most:
            raise Invalid(f"List length {len(items)} exceeds maximum of {self.most}")
        return items

    def schema(self) -> Schema:
        schema: Schema = {"type": "array", "items": self.of.schema()}
        if self.most is not None:
            schema["maxItems"] = self.most
        return schema


class Object(Type):
    """A JSON object with declared keys, stored as JSON.

    `required` keys must be there; keys that are not declared are refused. Absent keys stay absent.
    """

    storage = "json"

    def __init__(self, keys: Mapping[str, Type], *, required: Iterable[str] = ()) -> None:
        self.keys = dict(keys)
        self.required = tuple(required)

    def convert(self, value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise Invalid(f"'{value}' is not a dictionary")
        missing = [key for key in self.required if key not in value]
        unknown = [key for key in value if key not in self.keys]
        if missing or unknown:
            raise Invalid(
                f"Expected keys {sorted(self.keys)}; missing {missing}, unexpected {unknown}"
            )
        return {key: self.keys[key].convert(item) for key, item in value.items()}

    def schema(self) -> Schema:
        return {
            "type": "object",
            "properties": {key: of.schema() for key, of in self.keys.items()},
            "required": list(self.required),
            "additionalProperties": False,
        }


class Json(Type):
    """Any JSON object, stored as it is; at most `length` characters of text, nested 32 deep."""

    storage = "json"

    def __init__(self, length: int = 4095) -> None:
        self.length = length

    def convert(self, value: Any) -> dict[str, Any]:
        if value is None or value == "":
            return {}
        if not isinstance(value, dict):
            raise Invalid(f"'{value}' is not a dictionary")
        refuse_unstorable(value)
        if len(str(value)) > (self.length or 0):
            raise Invalid(f"the value exceeds maximum length of {self.length}")
        return value

    def schema(self) -> Schema:
        return {"type": "object"}


def refuse_unstorable(value: Any, depth: int = 0) -> None:
    """Raises `Invalid` for what no database, or no JSON of another program, gives back."""
    if depth > _DEEPEST:
        raise Invalid(f"the value is nested more than {_DEEPEST} deep")
    if isinstance(value, str) and _UNSTORABLE.search(value):
        raise Invalid("a string must not contain NUL characters or half of a surrogate pair")
    if isinstance(value, float) and not math.isfinite(value):
        raise Invalid("a number must be finite")
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise Invalid("a number must fit into 64 bits")
    if isinstance(value, (list, dict)):
        for item in value:
            refuse_unstorable(item, depth + 1)
    if isinstance(value, dict):
        for item in value.values():
            refuse_unstorable(item, depth + 1)


class Checked(Type):
    """Another type with one more rule: `check` returns the value or raises `Invalid`."""

    def __init__(self, of: Type, check: Callable[[Any], Any]) -> None:
        self.of = of
        self.check = check
        self.storage = of.storage
        self.length = of.length

    def convert(self, value: Any) -> Any:
        return self.check(self.of.convert(value))

    def parse(self, text: str) -> Any:
        return self.of.parse(text)

    def schema(self) -> Schema:
        return self.of.schema()


def has_duplicates(items: list[Any]) -> bool:
    """Whether two items are equal; items may be unhashable JSON values."""
    try:
        return len(set(items)) != len(items)
    except TypeError:
        return any(item in items[:index] for index, item in enumerate(items))


def _doubles(items: list[Any]) -> str:
    found = [item for index, item in enumerate(items) if item in items[:index]]
    return ", ".join(dict.fromkeys(map(str, found)))


def _address_of(cidr: str) -> str:
    return str(ipaddress.ip_address(cidr.split("/", maxsplit=1)[0]))
