# SPDX-License-Identifier: Apache-2.0
"""One attribute of one resource, said once.

Validation, storage, filters, policy, rendering and OpenAPI are derived from an `Attribute`.
Invariant: an attribute is immutable and knows nothing of requests or databases.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from deuteron.declare.types import Type


class Sentinel(enum.Enum):
    """Values that no request can contain."""

    REQUIRED = "must be given on create"
    UNSET = "was not given; a rule decides"

    def __repr__(self) -> str:
        return self.name


REQUIRED: Final = Sentinel.REQUIRED
UNSET: Final = Sentinel.UNSET


class Who(enum.IntEnum):
    """Who may do a thing, each including those after it. Decided once per request and class.

    `OWNER` is the project of the object; `NETWORK_OWNER` the owner of the network that the object
    is in, or the object's owner where it has no network; `ADMIN` a caller with the admin role.
    """

    ANYONE = 0
    OWNER = 1
    NETWORK_OWNER = 2
    ADMIN = 3


class Stored(enum.Enum):
    """Where an attribute's value lives.

    `COLUMN`: a column of the resource's table. `EXT`: a key of its JSON column `ext`, so that an
    extension needs no migration; it can be filtered by, but not sorted. `COMPUTED`: nowhere;
    `Attribute.sql` or an `expand` rule makes it, the latter also from rows of another table
    (docs/decisions/0001-no-child-tables.md).
    """

    COLUMN = "column"
    EXT = "ext"
    COMPUTED = "computed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """A name, a type and who may do what with it.

    `default` applies on create: `REQUIRED`, `UNSET` (left to a rule), a value, or a function
    without arguments. `post`/`put`: may a request give it. `write`: who may give it. `read`: who
    sees it of those who see the object, `ANYONE` or `ADMIN`. `sql` makes a computed attribute
    from the resource's table and a `SqlContext` (see `store.queries`); `filter_sql` replaces the
    ordinary comparison of a filter. Null is what the type makes of it, or with `null_is_default` as
    if the attribute was not given. `index` asks for a database index; `references` names the
    resource whose id this is, which the database then keeps from being deleted under it.
    """

    name: str
    type: Type
    doc: str
    default: Any = REQUIRED
    post: bool = True
    put: bool = True
    visible: bool = True
    filter: bool = True
    sort: bool = True
    write: Who = Who.OWNER
    read: Who = Who.ANYONE
    stored: Stored = Stored.COLUMN
    index: bool = False
    references: str | None = None
    sql: Callable[[Any, Any], Any] | None = None
    filter_sql: Callable[[Any, Any, list[str]], Any] | None = None
    null_is_default: bool = False

    @property
    def column(self) -> str:
        """The attribute's name as an SQL identifier."""
        return self.name.replace(":", "_").replace("-", "_")

    @property
    def is_json(self) -> bool:
        return self.type.storage == "json"

    def default_value(self) -> Any:
        """The value for a create that did not give it: `UNSET` if a rule decides."""
        if callable(self.default):
            return self.default()
        if isinstance(self.default, (list, dict)):
            return self.default.copy()
        return self.default


def read_only(name: str, type_: Type, doc: str, **options: Any) -> Attribute:
    """An attribute that no request may give; a rule sets it."""
    options.setdefault("default", UNSET)
    return Attribute(name=name, type=type_, doc=doc, post=False, put=False, **options)
