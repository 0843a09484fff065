# SPDX-License-Identifier: Apache-2.0
"""Who may do what. Decided per request and per class of attributes, never per row of a list.

Invariant: an admin may do everything; nobody learns by a 403 that an object exists which a 404
hides: what a caller cannot see was never found. The defaults are upstream's for the roles
admin, member and reader.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from deuteron.declare.attribute import UNSET, Who
from deuteron.declare.registry import Assembled
from deuteron.declare.resource import Action, Row
from deuteron.errors import BadRequest, Forbidden

if TYPE_CHECKING:
    from deuteron.auth.caller import Caller
    from deuteron.store.transaction import Transaction


def forbidden(rule: str) -> Forbidden:
    return Forbidden("PolicyNotAuthorized", f"rule:{rule} is disallowed by policy")


def readable(assembled: Assembled, caller: Caller) -> list[str]:
    """The names of the attributes that the caller may see, `tenant_id` included."""
    names = [
        a.name
        for a in assembled.attributes.values()
        if a.visible and (caller.is_admin or a.read < Who.ADMIN)
    ]
    return [*names, "tenant_id"] if "project_id" in names else names


def authorize_create(tx: Transaction, assembled: Assembled, row: Row, given: Row) -> None:
    """May the caller create this row with these attributes? Sets the row's project."""
    caller = tx.caller
    if "project_id" in assembled.attributes and row.get("project_id") is UNSET:
        row["project_id"] = caller.project_id
    if caller.is_admin:
        return
    resource = assembled.resource
    if row.get("project_id", caller.project_id) != caller.project_id:
        raise BadRequest(
            "HTTPBadRequest",
            "Specifying 'project_id' or 'tenant_id' other than the authenticated project in "
            "request requires admin privileges",
        )
    if caller.is_reader:
        raise forbidden(f"create_{resource.name}")
    _check(tx, resource.create_who, row, f"create_{resource.name}")
    for name, who in _restricted(assembled, given, row):
        _check(tx, who, row, f"create_{resource.name}:{name}")


def authorize_update(tx: Transaction, assembled: Assembled, old: Row, given: Row) -> None:
    """May the caller change these attributes of a row that it sees?"""
    if tx.caller.is_admin:
        return
    resource = assembled.resource
    authorize_write(tx, assembled, old, f"update_{resource.name}")
    for name, who in _restricted(assembled, given, {}):
        _check(tx, who, old, f"update_{resource.name}:{name}")


def authorize_write(tx: Transaction, assembled: Assembled, row: Row, rule: str) -> None:
    """May the caller update or delete a row that it sees?"""
    caller = tx.caller
    if caller.is_admin:
        return
    if caller.is_reader:
        raise forbidden(rule)
    who = assembled.resource.write_who
    owner = row.get("project_id", caller.project_id) == caller.project_id
    if who is not Who.ADMIN and owner:
        return
    if who is Who.ANYONE:
        return
    _check(tx, Who.ADMIN if who is Who.ADMIN else Who.NETWORK_OWNER, row, rule)


def authorize_below(tx: Transaction, assembled: Assembled, parent: Row, verb: str) -> None:
    """May the caller write below this parent? A child without project is the parent's owner's."""
    resource = assembled.resource
    who = resource.create_who if verb == "create" else resource.write_who
    own = parent.get("project_id", tx.caller.project_id) == tx.caller.project_id
    if not (tx.caller.is_admin or own or who is Who.ANYONE):
        raise forbidden(f"{verb}_{resource.name}")


def authorize_action(
    tx: Transaction, assembled: Assembled, action: Action, row: Row | None, *, member: bool
) -> None:
    """May the caller act on this row that it sees, or on the collection (below this row)?"""
    rule = action.rule or f"{action.name}_{assembled.name}"
    if tx.caller.is_admin:
        return
    if action.writes and tx.caller.is_reader:
        raise forbidden(rule)
    if action.who is Who.OWNER and action.writes and member and row is not None:
        authorize_write(tx, assembled, row, rule)
    _check(tx, action.who, row or {}, rule)


def _restricted(assembled: Assembled, given: Row, row: Row) -> Iterable[tuple[str, Who]]:
    """Given attributes that need more than ownership; giving the default needs nothing."""
    for name in given:
        attribute = assembled.attributes[name]
        if attribute.write > Who.OWNER and (not row or given[name] != attribute.default):
            yield name, attribute.write


def _check(tx: Transaction, who: Who, row: Row, rule: str) -> None:
    if who <= Who.OWNER:
        return
    if who is Who.NETWORK_OWNER and owns_network(tx, row):
        return
    raise forbidden(rule)


def owns_network(tx: Transaction, row: Row) -> bool:
    """Whether the caller's project owns the network that the row is in."""
    network = tx.get("network", row["network_id"]) if row.get("network_id") else None
    return network is not None and network["project_id"] == tx.caller.project_id
