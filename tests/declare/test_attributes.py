# SPDX-License-Identifier: Apache-2.0
"""What can be said of an attribute, on a made-up resource: every word has its effect."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import pytest

from deuteron.declare.attribute import UNSET, Attribute, Stored, Who, read_only
from deuteron.declare.resource import Change, Extension, Resource, rule
from deuteron.declare.types import Boolean, Integer, List, Mac, Nullable, String, Uuid
from tests.api.conftest import PROJECT_A, PROJECT_B, Api
from tests.declare.conftest import Serve, World

COUNTER = itertools.count(1)


def _number(_tx: Any, rows: list[Any]) -> None:
    for row in rows:
        if row["label"] is UNSET:
            row["label"] = f"rack of {row['mac']}"


def attribute(name: str, type_: Any = None, **said: Any) -> Attribute:
    return Attribute(name=name, type=type_ or String(64), doc="Made up.", **said)


RACK = Resource(
    name="rack",
    collection="racks",
    doc="A made-up thing.",
    attributes=(
        attribute("mac", Mac()),
        attribute("serial", Integer(1, 10**6), default=lambda: next(COUNTER)),
        attribute("labels", List(String(8), unique=True), default=[], filter=False, sort=False),
        attribute("label", default=UNSET, put=False),
        attribute("door", Boolean(), default=True, post=False),
        attribute("secret", default="none", visible=False, stored=Stored.EXT),
        attribute("colour", default="grey", stored=Stored.EXT),
        attribute("weight", Nullable(Integer(0, 99)), default=None, stored=Stored.EXT),
        attribute("cost", Integer(0), default=0, read=Who.ADMIN, write=Who.ADMIN),
        attribute("plain", default="", filter=False, sort=False),
        read_only(
            "heavy",
            Boolean(),
            "Made up.",
            stored=Stored.COMPUTED,
            sort=False,
            sql=lambda table, _context: table.c.cost > 100,
        ),
        read_only(
            "double", Integer(), "Made up.", stored=Stored.COMPUTED, filter=False, sort=False
        ),
    ),
    rules=(
        rule("create", _number),
        rule(
            "expand",
            lambda _tx, rows, _w: [r.update(double=2 * r["serial"]) for r in rows],
            "double",
        ),
    ),
)
FIRST = "aa:bb:cc:dd:ee:01"


@pytest.fixture
def world(serve: Serve) -> World:
    return serve(RACK)


def create(api: Api, **given: Any) -> dict[str, Any]:
    return api.create("rack", **{"mac": FIRST, **given})


def refused(api: Api, method: str, path: str, given: Any) -> tuple[int, str]:
    status, _ = api.refused(method, path, {"rack": given})
    return status, api.call(method, f"/v2.0/{path}", {"rack": given}).body["NeutronError"][
        "message"
    ]


def test_standard_attributes_are_there(world: World) -> None:
    rack = create(world, name="r", description="d")
    standard = {"id", "project_id", "tenant_id", "name", "description", "created_at", "updated_at"}
    assert standard | {"revision_number", "tags"} < rack.keys()
    assert rack["project_id"] == rack["tenant_id"]
    assert (rack["name"], rack["description"], rack["tags"]) == ("r", "d", [])


def test_standard_attributes_can_be_left_out(serve: Serve) -> None:
    bare = Resource(
        name="bolt",
        collection="bolts",
        doc="Made up.",
        attributes=(attribute("size"),),
        owned=False,
        named=False,
        standard=False,
        taggable=False,
    )
    bolt = serve(bare).create("bolt", size="M8")
    assert bolt.keys() == {"id", "size"}


def test_conversion(world: World) -> None:
    assert create(world, mac="AA-BB-CC-DD-EE-FF")["mac"] == "aa:bb:cc:dd:ee:ff"
    status, message = refused(world, "POST", "racks", {"mac": "nonsense"})
    assert (status, message) == (
        400,
        "Invalid input for mac. Reason: 'nonsense' is not a valid MAC address.",
    )


def test_default_required(world: World) -> None:
    assert refused(world, "POST", "racks", {}) == (
        400,
        "Failed to parse request. Required attribute 'mac' not specified",
    )


def test_default_made_by_a_function_is_made_for_each(world: World) -> None:
    first, second = create(world), create(world)
    assert first["serial"] != second["serial"]
    assert create(world, serial=7)["serial"] == 7


def test_default_list_is_not_shared(world: World) -> None:
    create(world)["labels"].append("x")
    assert create(world)["labels"] == []


def test_default_left_to_a_rule(world: World) -> None:
    assert create(world)["label"] == f"rack of {FIRST}"
    assert create(world, label="mine")["label"] == "mine"


def test_null_is_what_the_type_makes_of_it(world: World) -> None:
    assert create(world, weight=None, labels=None)["labels"] == []
    for name in ("serial", "label", "colour"):
        assert world.refused("POST", "racks", {"rack": {"mac": FIRST, name: None}})[0] == 400


def test_not_settable_on_create(world: World) -> None:
    assert refused(world, "POST", "racks", {"mac": FIRST, "door": False}) == (
        400,
        "Attribute 'door' not allowed in POST",
    )
    rack = create(world)
    assert rack["door"] is True
    changed = world.call("PUT", f"/v2.0/racks/{rack['id']}", {"rack": {"door": False}})
    assert changed.body["rack"]["door"] is False


def test_not_settable_on_update(world: World) -> None:
    path = f"racks/{create(world)['id']}"
    assert refused(world, "PUT", path, {"label": "x"}) == (
        400,
        "Cannot update read-only attribute label",
    )


def test_unknown(world: World) -> None:
    assert refused(world, "POST", "racks", {"mac": FIRST, "zeal": 1}) == (
        400,
        "Unrecognized attribute(s) 'zeal'",
    )


def test_not_visible(world: World) -> None:
    rack = create(world, secret="s")
    assert "secret" not in rack
    assert "secret" not in world.get(f"racks/{rack['id']}")["rack"]
    assert [r["id"] for r in world.get("racks", "secret=s")["racks"]] == [rack["id"]]


@pytest.mark.parametrize(
    "query", ["mac=AABBCCDDEE01", "serial=5", "colour=red", "weight=3", "door=true", "heavy=True"]
)
def test_filters_wherever_stored(world: World, query: str) -> None:
    rack = create(world, serial=5, colour="red", weight=3, cost=200)
    other = create(world, serial=6, mac="aa:bb:cc:dd:ee:02")
    world.call("PUT", f"/v2.0/racks/{other['id']}", {"rack": {"door": False}})
    assert [r["id"] for r in world.get("racks", query)["racks"]] == [rack["id"]]


def test_not_filterable(world: World) -> None:
    create(world)
    assert world.refused("GET", "racks", query="plain=x")[0] == 400
    assert world.refused("GET", "racks", query="labels=x")[0] == 400


def test_sorting(world: World) -> None:
    for serial in (2, 3, 1):
        create(world, serial=serial)
    query = "sort_key=serial&sort_dir=desc"
    assert [r["serial"] for r in world.get("racks", query)["racks"]] == [3, 2, 1]
    for name in ("plain", "colour", "heavy"):
        assert world.refused("GET", "racks", query=f"sort_key={name}&sort_dir=asc")[0] == 400


def test_stored_in_ext_keeps_types_and_changes(world: World) -> None:
    rack = create(world, weight="7")
    assert (rack["weight"], rack["colour"]) == (7, "grey")
    body = {"rack": {"colour": "red", "weight": None}}
    world.call("PUT", f"/v2.0/racks/{rack['id']}", body)
    shown = world.get(f"racks/{rack['id']}")["rack"]
    assert (shown["weight"], shown["colour"]) == (None, "red")


def test_rows_older_than_an_extension_have_its_default(serve: Serve) -> None:
    rack = create(serve(RACK, name="old"))
    added = attribute("shape", default="round", stored=Stored.EXT)
    shapes = Extension(
        alias="shapes", name="Shapes", description="", updated="", attributes={"rack": (added,)}
    )
    world = serve(RACK, shapes, name="old")
    assert "shape" not in rack
    assert world.get(f"racks/{rack['id']}")["rack"]["shape"] == "round"
    assert world.get("racks")["racks"][0]["shape"] == "round"


def test_computed_by_sql_and_by_rule(world: World) -> None:
    rack = create(world, serial=4, cost=101)
    assert (rack["heavy"], rack["double"]) == (True, 8)
    listed = world.get("racks")["racks"][0]
    assert (listed["heavy"], listed["double"]) == (True, 8)
    assert world.get("racks", "fields=double")["racks"] == [{"double": 8}]
    assert world.refused("POST", "racks", {"rack": {"mac": FIRST, "double": 1}})[0] == 400


def test_only_admin_sees(world: World) -> None:
    member = world.as_project(PROJECT_A)
    rack = create(member)
    assert "cost" not in rack
    assert "cost" not in member.get("racks", "fields=cost&fields=id")["racks"][0]
    assert world.get(f"racks/{rack['id']}")["rack"]["cost"] == 0


def test_only_admin_writes(world: World) -> None:
    member = world.as_project(PROJECT_A)
    assert member.refused("POST", "racks", {"rack": {"mac": FIRST, "cost": 1}}) == (
        403,
        "PolicyNotAuthorized",
    )
    path = f"racks/{create(member, cost=0)['id']}"
    assert member.refused("PUT", path, {"rack": {"cost": 1}}) == (403, "PolicyNotAuthorized")
    assert world.call("PUT", f"/v2.0/{path}", {"rack": {"cost": 1}}).status == 200


NETWORK = Resource(
    name="network",
    collection="networks",
    doc="Made up.",
    attributes=(),
    visible=lambda _table, _context: None,
)
CABLE = Resource(
    name="cable",
    collection="cables",
    doc="Made up.",
    create_who=Who.OWNER,
    attributes=(
        attribute("network_id", Uuid(), references="network", put=False),
        attribute("pin", default="", write=Who.NETWORK_OWNER),
    ),
)


def test_only_the_network_owner_writes(serve: Serve) -> None:
    admin = serve(NETWORK, CABLE)
    a, b = admin.as_project(PROJECT_A), admin.as_project(PROJECT_B)
    network = a.create("network")["id"]
    given = {"network_id": network, "pin": "7"}
    assert a.create("cable", **given)["pin"] == "7"
    assert b.refused("POST", "cables", {"cable": given}) == (403, "PolicyNotAuthorized")
    cable = b.create("cable", network_id=network)
    assert b.refused("PUT", f"cables/{cable['id']}", {"cable": {"pin": "1"}})[0] == 403
    assert admin.create("cable", **given)["pin"] == "7"


def test_a_rule_waits_for_its_attributes(serve: Serve) -> None:
    seen: list[str] = []

    def note(_tx: Any, change: Change) -> None:
        seen.append(change.new["colour"])

    world = serve(replace(RACK, rules=(*RACK.rules, rule("update", note, "colour"))))
    path = f"/v2.0/racks/{create(world)['id']}"
    world.call("PUT", path, {"rack": {"name": "n"}})
    assert seen == []
    world.call("PUT", path, {"rack": {"colour": "red"}})
    assert seen == ["red"]


def test_every_attribute_is_documented(world: World) -> None:
    """One sentence each, and it is in the OpenAPI document."""
    schemas = world.call("GET", "/openapi.json").body["components"]["schemas"]
    properties = schemas["rack"]["properties"]
    assert all(p.get("description") for p in properties.values())
    assert "secret" not in properties
    assert "secret" in schemas["rack_create"]["properties"]
