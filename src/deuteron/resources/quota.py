# SPDX-License-Identifier: Apache-2.0
"""Quotas: how many objects of each resource a project may have.

One for each project, addressed by the project's id. The attributes are the names of the resources
that are declared with a quota, so that what is served is what is limited. `domain.quota` counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from deuteron.declare.attribute import UNSET, Attribute, read_only
from deuteron.declare.resource import Action, Resource, Row
from deuteron.declare.types import Boolean, Integer, String
from deuteron.domain import policy, quota
from deuteron.errors import NotFound

if TYPE_CHECKING:
    from deuteron.store.transaction import Transaction


def _attributes(declared: Mapping[str, Resource]) -> tuple[Attribute, ...]:
    return tuple(
        Attribute(
            name=resource.name,
            type=Integer(-1),
            default=UNSET,
            post=False,
            doc=f"The most objects of {resource.name}; -1 for no limit.",
        )
        for resource in declared.values()
        if resource.quota is not None and resource.stored
    )


def _may_see(tx: Transaction, project: str | None) -> None:
    """A project may see its own limits; others', and all, are the admin's."""
    if not tx.caller.is_admin and project != tx.caller.project_id:
        raise policy.forbidden("get_quota")


def _may_change(tx: Transaction, verb: str) -> None:
    if not tx.caller.is_admin:
        raise policy.forbidden(f"{verb}_quota")


def _list(tx: Transaction) -> list[Row]:
    _may_see(tx, None)
    found = quota.own_limits(tx).items()
    return [{**own, "project_id": project} for project, own in found]


def _show(tx: Transaction, project: str) -> Row:
    _may_see(tx, project)
    return dict(quota.limits(tx, project))


def _update(tx: Transaction, project: str, given: Row) -> Row:
    _may_change(tx, "update")
    given.pop("check_limit", None)  # Usage is checked anyway since alias quota-check-limit-default.
    force = given.pop("force", False)
    quota.set_limits(tx, project, given, force=force)
    return dict(quota.limits(tx, project))


def _delete(tx: Transaction, project: str) -> None:
    _may_change(tx, "delete")
    if not quota.drop_limits(tx, project):
        raise NotFound("TenantQuotaNotFound", f"Quota for project {project} could not be found.")


def _default(tx: Transaction, row: Row | None, _body: Any, _query: Any) -> Any:
    if row is not None:
        _may_see(tx, row["id"])
    return {"quota": quota.defaults(tx)}


def _details(tx: Transaction, row: Row, _body: Any, _query: Any) -> Any:
    _may_see(tx, row["id"])
    used = quota.usage(tx, row["id"], quota.tracked(tx))
    limits = quota.limits(tx, row["id"])
    return {"quota": {n: {"limit": limits[n], "used": used[n], "reserved": 0} for n in limits}}


def _own_id(key: str) -> Any:
    def own(tx: Transaction, _row: None, _body: Any, _query: Any) -> Any:
        return {key: {f"{key}_id": tx.caller.project_id}}

    return own


def _action(name: str, run: Any, on: Any, doc: str) -> Action:
    return Action(name, run, "GET", on, writes=False, doc=doc)


QUOTA = Resource(
    name="quota",
    collection="quotas",
    doc="How many objects of each resource a project may have.",
    alias="quotas",
    owned=False,
    named=False,
    standard=False,
    taggable=False,
    stored=False,
    singleton=True,
    verbs=frozenset({"list", "show", "update", "delete"}),
    derive=_attributes,
    attributes=(
        read_only("project_id", String(255), "The project; in lists.", filter=False, sort=False),
        Attribute(
            name="force",
            type=Boolean(),
            default=False,
            post=False,
            visible=False,
            filter=False,
            sort=False,
            doc="Set the limits even below what is used.",
        ),
        Attribute(
            name="check_limit",
            type=Boolean(),
            default=True,
            post=False,
            visible=False,
            filter=False,
            sort=False,
            doc="Accepted for old clients: what is used is always looked at.",
        ),
    ),
    handlers={"list": _list, "show": _show, "update": _update, "delete": _delete},
    actions=(
        _action("default", _default, "member", "The limits of projects without their own."),
        _action("details", _details, "member", "Limits and usage."),
        _action("default", _default, "collection", "The limits of projects without their own."),
        _action("defaults", _default, "collection", "The limits of projects without their own."),
        _action("tenant", _own_id("tenant"), "collection", "The caller's project."),
        _action("project", _own_id("project"), "collection", "The caller's project."),
    ),
)
