# SPDX-License-Identifier: Apache-2.0
"""Tags: labels that an owner puts on objects. Served for every resource declared `taggable`.

Invariant: a row's tags are sorted and without doubles, at most `MOST` when set one by one or as a
whole. Writing them is a change of the object: its revision is counted only if the set differs.
Rules: extensions standard-attr-tag and tag-creation of the Networking API.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from deuteron.declare.registry import Assembled
from deuteron.declare.resource import Action, Row
from deuteron.declare.types import Invalid, List, String
from deuteron.errors import NotFound, bad_request, invalid

if TYPE_CHECKING:
    from deuteron.store.transaction import Transaction

MOST: Final = 50
FILTERS: Final = frozenset({"tags", "tags-any", "not-tags", "not-tags-any"})
_TAG: Final = String(255)
_TAGS: Final = List(_TAG, unique=True, null_as_empty=False)


def actions(assembled: Assembled) -> tuple[Action, ...]:
    """The operations under `/{collection}/{id}/tags`; `{}` in a name is the tag itself."""
    kind = assembled.name

    def write(tx: Transaction, row: Row, tags: set[str]) -> None:
        """Only what changes the set is written."""
        if tags != set(row["tags"]):
            tx.update(kind, row, {**row, "tags": sorted(tags)})

    def limited(tags: set[str]) -> set[str]:
        if len(tags) > MOST:
            # Upstream names the collection here, and only the new tags count for POST.
            raise bad_request(
                assembled.resource.collection,
                f"The number of tags exceed the per-resource limit of {MOST}",
            )
        return tags

    def show_all(_tx: Transaction, row: Row, _body: Any, _tag: Any) -> Any:
        return {"tags": row["tags"]}

    def replace_all(tx: Transaction, row: Row, body: Any, _tag: Any) -> Any:
        tags = _given(body)
        write(tx, row, limited(set(tags)))
        return {"tags": tags}

    def add_all(tx: Transaction, row: Row, body: Any, _tag: Any) -> Any:
        tags = _given(body)
        limited(set(tags))
        write(tx, row, {*row["tags"], *tags})
        return {"tags": tags}

    def delete_all(tx: Transaction, row: Row, _body: Any, _tag: Any) -> None:
        write(tx, row, set())

    def show(_tx: Transaction, row: Row, _body: Any, tag: str) -> None:
        _held(row, tag)

    def add(tx: Transaction, row: Row, _body: Any, tag: str) -> None:
        write(tx, row, limited({*row["tags"], _tag(tag)}))

    def delete(tx: Transaction, row: Row, _body: Any, tag: str) -> None:
        write(tx, row, {*row["tags"]} - {_held(row, tag)})

    def rule(verb: str) -> str:
        return f"{verb}_{kind}:tags"

    return (
        Action("tags", show_all, "GET", writes=False, doc="The object's tags."),
        Action(
            "tags",
            replace_all,
            "PUT",
            rule=rule("update"),
            doc="Put these tags in the place of all.",
        ),
        Action("tags", add_all, "POST", rule=rule("create"), doc="Add tags."),
        Action(
            "tags", delete_all, "DELETE", status=204, rule=rule("delete"), doc="Remove every tag."
        ),
        Action("tags/{}", show, "GET", status=204, writes=False, doc="Whether it has the tag."),
        Action("tags/{}", add, "PUT", status=201, rule=rule("update"), doc="Add one tag."),
        Action("tags/{}", delete, "DELETE", status=204, rule=rule("delete"), doc="Remove one tag."),
    )


def split(values: list[str]) -> list[str]:
    """The tags of a filter: every value is a list with commas; repeated filters add up."""
    return list(dict.fromkeys(tag for value in values for tag in value.split(",")))


def match(name: str, values: list[str], held: list[str]) -> bool:
    """Whether an object with the tags `held` is found by the filter `name`."""
    wanted = {*split(values)}
    found = not wanted.isdisjoint(held) if name.endswith("any") else wanted <= {*held}
    return found is not name.startswith("not")


def _tag(tag: str) -> str:
    try:
        return _TAG.convert(tag)
    except Invalid as error:
        raise invalid(str(error)) from None


def _held(row: Row, tag: str) -> str:
    if _tag(tag) not in row["tags"]:
        raise NotFound("TagNotFound", f"Tag {tag} could not be found.")
    return tag


def _given(body: Any) -> list[str]:
    if not isinstance(body, dict) or "tags" not in body:
        raise invalid("Invalid tags body")
    try:
        return _TAGS.convert(body["tags"])
    except Invalid as error:
        raise invalid(str(error)) from None
