# SPDX-License-Identifier: Apache-2.0
"""Where values live: parts kept in another table cost a constant number of statements."""

from __future__ import annotations

from typing import Any

import pytest

from deuteron.declare.attribute import UNSET, Attribute, Stored, read_only
from deuteron.declare.resource import Change, Resource, rule
from deuteron.declare.types import Integer, List, Object, String, Uuid
from tests.declare.conftest import Serve, World

PLAIN: dict[str, Any] = {"doc": "Made up.", "named": False, "standard": False, "taggable": False}
PARTS = List(Object({"size": Integer(0)}, required=("size",)))


def _keep(tx: Any, rows: list[Any]) -> None:
    tx.service.create_in(
        tx,
        "drawer",
        [
            {"desk_id": row["id"], "project_id": row["project_id"], **part}
            for row in rows
            for part in row["drawers"]
        ],
    )


def _replace(tx: Any, change: Change) -> None:
    tx.service.delete_in(tx, "drawer", tx.find("drawer", desk_id=change.old["id"]))
    _keep(tx, [{**change.new, "drawers": change.given["drawers"]}])


def _show(tx: Any, rows: list[Any], _wanted: Any) -> None:
    parts: dict[str, list[Any]] = {row["id"]: [] for row in rows}
    for drawer in tx.find("drawer", desk_id=list(parts)):
        parts[drawer["desk_id"]].append({"size": drawer["size"]})
    for row in rows:
        row["drawers"] = sorted(parts[row["id"]], key=lambda part: part["size"])


def _remove(tx: Any, row: Any) -> None:
    tx.service.delete_in(tx, "drawer", tx.find("drawer", desk_id=row["id"]))


def _with_size(table: Any, context: Any, values: list[str]) -> Any:
    drawers = context.tables["drawer"]
    same = drawers.c.size.in_([int(v) for v in values])
    return table.c.id.in_(drawers.select().with_only_columns(drawers.c.desk_id).where(same))


DESK = Resource(
    name="desk",
    collection="desks",
    attributes=(
        Attribute(name="wood", type=String(9), default="oak", doc="Made up."),
        Attribute(
            name="drawers",
            type=PARTS,
            default=[],
            stored=Stored.COMPUTED,
            filter_sql=_with_size,
            sort=False,
            doc="Kept in a table of their own.",
        ),
    ),
    rules=(
        rule("created", _keep),
        rule("updated", _replace, "drawers"),
        rule("expand", _show, "drawers"),
        rule("delete", _remove),
    ),
    **PLAIN,
)
DRAWER = Resource(
    name="drawer",
    collection="drawers",
    attributes=(
        Attribute(name="desk_id", type=Uuid(), references="desk", index=True, doc="Made up."),
        Attribute(name="size", type=Integer(0), doc="Made up."),
    ),
    **PLAIN,
)


@pytest.fixture
def world(serve: Serve) -> World:
    return serve(DESK, DRAWER)


def sizes(desk: dict[str, Any]) -> list[int]:
    return [part["size"] for part in desk["drawers"]]


def test_parts_of_a_table_of_their_own(world: World) -> None:
    desk = world.create("desk", drawers=[{"size": 2}, {"size": 1}])
    assert sizes(desk) == [1, 2]
    path = f"desks/{desk['id']}"
    assert sizes(world.get(path)["desk"]) == [1, 2]
    changed = world.call("PUT", f"/v2.0/{path}", {"desk": {"drawers": [{"size": 7}]}})
    assert sizes(changed.body["desk"]) == [7]
    world.call("PUT", f"/v2.0/{path}", {"desk": {"wood": "fir"}})
    assert sizes(world.get(path)["desk"]) == [7]
    world.create("desk")
    assert [d["id"] for d in world.get("desks", "drawers=7")["desks"]] == [desk["id"]]
    assert world.refused("POST", "desks", {"desk": {"drawers": [{"height": 1}]}})[0] == 400
    assert world.call("DELETE", f"/v2.0/{path}").status == 204
    assert world.get("drawers") == {"drawers": []}


def test_statements_do_not_grow_with_rows(world: World) -> None:
    def bulk(number: int) -> int:
        desks = [{"drawers": [{"size": n}, {"size": n + 1}]} for n in range(number)]
        return world.count(lambda: world.call("POST", "/v2.0/desks", {"desks": desks}))

    few, many = bulk(2), bulk(60)
    assert few == many
    assert world.count(lambda: world.get("desks")) == world.count(
        lambda: world.get("desks", "limit=1")
    )
    assert world.count(lambda: world.get("desks", "fields=wood")) == 1
    assert world.count(lambda: world.get("desks")) == 2


def test_a_rule_fills_what_was_not_given(serve: Serve) -> None:
    """A value that no rule fills is null; null in a request can mean that it was not given."""

    def fill(_tx: Any, rows: list[Any]) -> None:
        for row in rows:
            if row["level"] is UNSET:
                row["level"] = 1

    lamp = Resource(
        name="lamp",
        collection="lamps",
        attributes=(
            Attribute(
                name="level", type=Integer(0), default=UNSET, null_is_default=True, doc="Made up."
            ),
            read_only("status", String(8), "Made up."),
        ),
        rules=(rule("create", fill),),
        **PLAIN,
    )
    world = serve(lamp)
    for given in ({}, {"level": None}):
        made = world.create("lamp", **given)
        assert (made["level"], made["status"]) == (1, None)
