# SPDX-License-Identifier: Apache-2.0
"""A resource of the API and the extensions that add to it, as data.

Invariant: a `Resource` says everything that the generic service, the store, the routes and the
OpenAPI document need; rules are plain functions that run inside the request's transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from deuteron.declare.attribute import REQUIRED, UNSET, Attribute, Who, read_only
from deuteron.declare.types import Integer, List, Name, String, Type

Row = dict[str, Any]
Moment = Literal[
    "validate",  # (tx, rows): before anything is read; rows may be changed
    "create",  # (tx, rows): before the insert; fills what is UNSET, refuses what breaks a rule
    "created",  # (tx, rows): after the insert; children, claims, dirty marks of others
    "update",  # (tx, change): before the update
    "updated",  # (tx, change): after the update
    "delete",  # (tx, row): before the delete; refuses or removes children
    "deleted",  # (tx, row): after the delete
    "expand",  # (tx, rows, wanted): fills computed attributes of a page of rows
]


@dataclass(frozen=True, slots=True)
class Rule:
    """A function that runs at a moment of every create, update, delete or read of a resource.

    `when` limits it to requests in which one of these attributes is given (create, update) or
    wanted (expand); empty means always.
    """

    at: Moment
    run: Callable[..., Any]
    when: frozenset[str] = frozenset()


def rule(at: Moment, run: Callable[..., Any], *when: str) -> Rule:
    """A `Rule` limited to the attributes `when`."""
    return Rule(at, run, frozenset(when))


@dataclass(slots=True)
class Change:
    """An update under way: the row as it is, as it will be, and what the request gave."""

    old: Row
    new: Row
    given: Row

    def changed(self, name: str) -> bool:
        """Whether the request changes this attribute to another value."""
        return name in self.given and self.old.get(name) != self.new.get(name)


@dataclass(frozen=True, slots=True)
class Action:
    """A verb on one object or on a collection: `PUT /routers/{id}/add_router_interface`.

    `run(tx, row, body, query)` gets the object's row (for a collection's the parent's, None without
    parent) and the decoded body (None without one), and returns the answer's body, or None for no
    content. An empty `name` is the object or collection itself, for a method that no verb has.
    `rule` is the policy rule's name if it is not `{name}_{resource}`.
    `writes` says whether it needs a write transaction.
    """

    name: str
    run: Callable[..., Any]
    method: str = "PUT"
    on: Literal["member", "collection"] = "member"
    status: int = 200
    who: Who = Who.OWNER
    writes: bool = True
    doc: str = ""
    rule: str = ""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How errors of an API look. `render(type, message, detail, status)` makes the body."""

    name: str
    render: Callable[[str, str, str, int], Any]


def _neutron_error(type_: str, message: str, detail: str, status: int) -> Any:
    del status
    return {"NeutronError": {"type": type_, "message": message, "detail": detail}}


def _lbaas_error(type_: str, message: str, detail: str, status: int) -> Any:
    del type_, detail
    code = "Client" if status < 500 else "Server"
    return {"faultcode": code, "faultstring": message, "debuginfo": None}


NEUTRON = Dialect("neutron", _neutron_error)
LBAAS = Dialect("lbaas", _lbaas_error)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """A collection of the API.

    `name` is the name in rules, `references` and quotas, and of no other resource; it is the
    member key of bodies too unless `member` says another (the `quota` of two APIs). `collection`
    is the key of lists, `path` the URL segment (`address-scopes`; by default the collection with
    dashes). `prefix` precedes it; the same is served below each of `other_prefixes`. `parent` is
    the resource name whose id precedes in the URL, with the parent's prefix, and is stored in
    attribute `parent_key`; a child without project_id belongs to the parent's owner. `owned`
    resources have project_id/tenant_id. `standard` adds description, timestamps and revision;
    `taggable` tags. `rbac` names the RBAC object type that shares it. `verbs` are the operations
    served, `bulk` whether one request may create several.
    `create_who`, `write_who`: who may create, and update or delete. `singleton`: there is one for
    each project, addressed by the project's id, or one for each parent, addressed by the parent's
    path and `path`; it is not `stored` and always there: its `handlers` (tx, id) make it.
    `engine` objects are marked dirty on every write. `unique` are
    column groups no two rows may share; `conflict(row, group)` is the error for it. `visible`
    is the SQL condition for a caller without admin role to see a row (table, `SqlContext`); by
    default own project or shared by RBAC. `alias` is the extension that
    brings it ("" for the core). `not_found` is the error type of a missing object. `dialect` is
    how errors below its prefix look, whatever answers.
    """

    name: str
    collection: str
    doc: str
    attributes: tuple[Attribute, ...]
    alias: str = ""
    path: str = ""
    prefix: str = "/v2.0"
    other_prefixes: tuple[str, ...] = ()
    member: str = ""
    parent: str | None = None
    parent_key: str = ""
    owned: bool = True
    standard: bool = True
    has_description: bool = True
    revised: bool = True
    taggable: bool = True
    named: bool = True
    rbac: str | None = None
    quota: int | None = None
    verbs: frozenset[str] = frozenset({"create", "show", "list", "update", "delete"})
    create_who: Who = Who.OWNER
    write_who: Who = Who.OWNER
    read_who: Who = Who.OWNER
    bulk: bool = True
    singleton: bool = False
    stored: bool = True
    engine: bool = False
    first_revision: int = 0
    not_found: str = ""
    not_found_message: str = ""
    dialect: Dialect = NEUTRON
    rules: tuple[Rule, ...] = ()
    handlers: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    derive: Callable[[Mapping[str, Resource]], tuple[Attribute, ...]] | None = None
    actions: tuple[Action, ...] = ()
    unique: tuple[tuple[str, ...], ...] = ()
    conflict: Callable[[Row, tuple[str, ...]], Exception] | None = None
    visible: Callable[[Any, Any], Any] | None = None

    @property
    def url(self) -> str:
        """The URL segment of the collection."""
        return self.path or self.collection.replace("_", "-")

    def item(self, path: str) -> str:
        """The path of one object whose collection is at `path`; `{}` stands for its id."""
        return path if self.singleton and self.parent else f"{path}/{{}}"

    @property
    def member_key(self) -> str:
        """The key of one object in bodies."""
        return self.member or self.name

    @property
    def table(self) -> str:
        """The SQL name of its table, which no other resource has."""
        return (self.name if self.member else self.collection).replace("-", "_")

    @property
    def missing_type(self) -> str:
        """The error type of a missing object: `NetworkNotFound`."""
        return self.not_found or "".join(p.title() for p in self.name.split("_")) + "NotFound"


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """One alias of `/v2.0/extensions` and what it adds.

    `attributes`, `rules` and `actions` are added to the resources named by their keys (resource
    names); `resources` are new ones. `compile` functions change what the engine is told: for a
    resource name, `(row, model_object) -> model_object`.
    """

    alias: str
    name: str
    description: str
    updated: str
    attributes: Mapping[str, tuple[Attribute, ...]] = field(default_factory=dict)
    rules: Mapping[str, tuple[Rule, ...]] = field(default_factory=dict)
    actions: Mapping[str, tuple[Action, ...]] = field(default_factory=dict)
    resources: tuple[Resource, ...] = ()
    compile: Mapping[str, Callable[[Row, Any], Any]] = field(default_factory=dict)


PROJECT_ID = Attribute(
    name="project_id",
    type=String(255),
    doc="The project that owns the object.",
    default=UNSET,
    put=False,
    index=True,
)
DESCRIPTION = Attribute(
    name="description",
    type=String(255),
    doc="Free text of the owner.",
    default="",
    sort=False,
)
NAME = Attribute(
    name="name", type=Name(255), doc="A name; it need not be unique.", default="", index=True
)


TAG = String(255)
TAGS = read_only(
    "tags",
    List(TAG, unique=True),
    "Labels of the owner, sorted.",
    default=list,
    filter=False,
    sort=False,
)
REVISION = read_only(
    "revision_number",
    Integer(0, 2**63 - 1),
    "Counts the changes of the object.",
    default=0,
    sort=False,
)


def timestamp(name: str) -> Attribute:
    """`created_at` or `updated_at`: UTC, to the second, as `2026-01-31T23:59:59Z`."""
    return read_only(name, String(20), "When, in UTC.", filter=False, sort=False)


def standard_attributes(
    resource: Resource, replaced: Iterable[Attribute] = ()
) -> tuple[Attribute, ...]:
    """Those that the resource's flags ask for, in the order of a table's columns.

    What the resource or an extension (`replaced`) declares itself goes before.
    """
    from deuteron.declare.types import Uuid

    found: list[Attribute] = [read_only("id", Uuid(), "The object's id.")]
    if resource.owned:
        found.append(PROJECT_ID)
    if resource.named:
        found.append(NAME)
    if resource.standard:
        found += [DESCRIPTION] if resource.has_description else []
        found += [timestamp("created_at"), timestamp("updated_at")]
    if resource.standard and resource.revised:
        found.append(REVISION)
    if resource.taggable:
        found.append(TAGS)
    declared = {a.name for a in (*resource.attributes, *replaced)}
    return tuple(a for a in found if a.name not in declared)


__all__ = [
    "LBAAS",
    "NEUTRON",
    "REQUIRED",
    "Action",
    "Change",
    "Dialect",
    "Extension",
    "Moment",
    "Resource",
    "Row",
    "Rule",
    "Type",
    "rule",
    "standard_attributes",
]
