# SPDX-License-Identifier: Apache-2.0
"""What can be said of a resource: where it is served, below what, with which verbs."""

from __future__ import annotations

from typing import Any

import pytest

from deuteron.declare.attribute import Attribute, Who, read_only
from deuteron.declare.resource import LBAAS, Action, Resource
from deuteron.declare.types import Integer, String, Uuid
from deuteron.errors import Conflict
from tests.api.conftest import PROJECT_A, PROJECT_B, Api
from tests.declare.conftest import Serve, World

NOWHERE = "00000000-0000-4000-8000-000000000000"
PLAIN: dict[str, Any] = {"doc": "Made up.", "named": False, "standard": False, "taggable": False}
FIREWALL = "/v2.0/fwaas"
BALANCER = {"prefix": "/v2.0/lbaas", "other_prefixes": ("/v2/lbaas",), "dialect": LBAAS}


def size(**said: Any) -> Attribute:
    return Attribute(name="size", type=Integer(), doc="Made up.", **{"default": 0, **said})


def parent_id(name: str, **said: Any) -> Attribute:
    said = {"references": name.removesuffix("_id"), **said}
    return read_only(name, Uuid(), "The parent.", visible=False, **said)


def _swap(tx: Any, row: Any, body: Any, _query: Any) -> Any:
    tx.update("policy", row, {**row, "size": body["size"]})
    return {"size": row["size"]}


def _replace_all(tx: Any, parent: Any, body: Any, _query: Any) -> None:
    """Put new members in the place of a pool's: an action of the collection itself."""
    tx.service.delete_in(tx, "member", tx.find("member", pool_id=parent["id"]))
    rows = [
        {"size": m["size"], **tx.parent, "project_id": parent["project_id"]}
        for m in body["members"]
    ]
    tx.service.create_in(tx, "member", rows)


POLICY = Resource(
    name="policy",
    collection="policies",
    prefix="/v2.0/qos",
    attributes=(size(),),
    actions=(
        Action("swap", _swap),
        Action(
            "peek",
            lambda _tx, row, _b, query: {"size": row["size"], "query": query},
            "GET",
            writes=False,
        ),
        Action(
            "count",
            lambda tx, row, _b, _q: {"count": len(tx.find("policy")), "row": row},
            "GET",
            "collection",
            writes=False,
        ),
        Action(
            "audit", lambda _tx, row, _b, _q: {"id": row["id"]}, "POST", status=202, who=Who.ADMIN
        ),
        Action("forget", lambda _tx, _row, _b, _q: None, "POST", "collection", status=204),
    ),
    **PLAIN,
)
LIMIT = Resource(
    name="bandwidth_limit_rule",
    collection="bandwidth_limit_rules",
    path="bandwidth_limit_rules",
    parent="policy",
    parent_key="policy_id",
    owned=False,
    attributes=(parent_id("policy_id"), size()),
    actions=(Action("peek", lambda _tx, row, _b, _q: {"size": row["size"]}, "GET", writes=False),),
    **PLAIN,
)
STEP = Resource(
    name="step",
    collection="steps",
    parent="bandwidth_limit_rule",
    parent_key="rule_id",
    owned=False,
    attributes=(parent_id("rule_id", references="bandwidth_limit_rule"), size()),
    **{**PLAIN, "taggable": True},
)
POOL = Resource(name="pool", collection="pools", attributes=(size(),), **BALANCER, **PLAIN)
MEMBER = Resource(
    name="member",
    collection="members",
    parent="pool",
    parent_key="pool_id",
    bulk=False,
    attributes=(parent_id("pool_id"), size()),
    actions=(Action("", _replace_all, "PUT", "collection", status=202),),
    **PLAIN,
)
RULE_OF_FIREWALL = Resource(
    name="firewall_rule",
    collection="firewall_rules",
    path="firewall_rules",
    prefix=FIREWALL,
    attributes=(size(),),
    **PLAIN,
)
VPN = Resource(
    name="vpnservice", collection="vpnservices", prefix="/v2.0/vpn", attributes=(size(),), **PLAIN
)
# Two APIs call something the same: each has a name of its own and shares the body's key.
FLAVOR = Resource(name="flavor", collection="flavors", attributes=(size(),), **PLAIN)
POOL_FLAVOR = Resource(
    name="pool_flavor", member="flavor", collection="flavors", attributes=(size(),),
    **BALANCER, **PLAIN,
)  # fmt: skip
ADDRESS = Resource(name="address_scope", collection="address_scopes", attributes=(size(),), **PLAIN)
ALL = (POLICY, LIMIT, STEP, POOL, MEMBER, RULE_OF_FIREWALL, VPN, FLAVOR, POOL_FLAVOR, ADDRESS)


@pytest.fixture
def world(serve: Serve) -> World:
    return serve(*ALL)


def post(api: Api, path: str, member: str, status: int = 201, **given: Any) -> Any:
    answer = api.call("POST", path, {member: given})
    assert answer.status == status, answer.body
    return answer.body[member] if status == 201 else answer.body


def error_type(answer: Any) -> tuple[int, str]:
    return answer.status, answer.body["NeutronError"]["type"]


@pytest.mark.parametrize(
    ("path", "member", "collection"),
    [
        ("/v2.0/qos/policies", "policy", "policies"),
        ("/v2.0/fwaas/firewall_rules", "firewall_rule", "firewall_rules"),
        ("/v2.0/vpn/vpnservices", "vpnservice", "vpnservices"),
        ("/v2.0/lbaas/pools", "pool", "pools"),
        ("/v2/lbaas/pools", "pool", "pools"),
        ("/v2.0/flavors", "flavor", "flavors"),
        ("/v2.0/lbaas/flavors", "flavor", "flavors"),
        ("/v2/lbaas/flavors", "flavor", "flavors"),
        ("/v2.0/address-scopes", "address_scope", "address_scopes"),
    ],
)
def test_every_verb_at_its_path(world: World, path: str, member: str, collection: str) -> None:
    id_ = post(world, path, member, size=1)["id"]
    assert world.call("GET", f"{path}/{id_}").body[member]["size"] == 1
    changed = world.call("PUT", f"{path}/{id_}", {member: {"size": 2}})
    assert changed.body[member]["size"] == 2
    assert [o["id"] for o in world.call("GET", path).body[collection]] == [id_]
    assert world.call("DELETE", f"{path}/{id_}").status == 204
    assert world.call("GET", f"{path}/{id_}").status == 404


def test_two_prefixes_are_one_collection(world: World) -> None:
    id_ = post(world, "/v2.0/lbaas/pools", "pool")["id"]
    assert world.call("GET", f"/v2/lbaas/pools/{id_}").status == 200
    assert post(world, f"/v2/lbaas/pools/{id_}/members", "member")["id"]
    assert len(world.call("GET", f"/v2.0/lbaas/pools/{id_}/members").body["members"]) == 1


def test_resources_with_one_body_key_are_apart(world: World) -> None:
    post(world, "/v2.0/flavors", "flavor")
    assert world.call("GET", "/v2/lbaas/flavors").body == {"flavors": []}


def test_only_declared_verbs(serve: Serve) -> None:
    seen = Resource(
        name="sight", collection="sights", attributes=(), verbs=frozenset({"list", "show"}), **PLAIN
    )
    world = serve(seen)
    assert world.call("GET", "/v2.0/sights").status == 200
    refused = world.call("POST", "/v2.0/sights", {"sight": {}})
    assert refused.status == 405
    assert refused.headers["allow"] == "GET"


class TestBelowAParent:
    PATH = "/v2.0/qos/policies/{}/bandwidth_limit_rules"

    def test_verbs(self, world: World) -> None:
        policy = post(world, "/v2.0/qos/policies", "policy")["id"]
        other = post(world, "/v2.0/qos/policies", "policy")["id"]
        path = self.PATH.format(policy)
        rule = post(world, path, "bandwidth_limit_rule", size=3)
        assert rule.keys() == {"id", "size"}
        one = f"{path}/{rule['id']}"
        assert world.call("GET", one).body == {"bandwidth_limit_rule": rule}
        assert world.call("GET", f"{one}/peek").body == {"size": 3}
        assert world.call("PUT", one, {"bandwidth_limit_rule": {"size": 4}}).status == 200
        assert world.call("GET", self.PATH.format(other)).body == {"bandwidth_limit_rules": []}
        listed = world.call("GET", path, query="size=4").body["bandwidth_limit_rules"]
        assert [r["id"] for r in listed] == [rule["id"]]
        for method in ("GET", "PUT", "DELETE"):
            body = {"bandwidth_limit_rule": {}} if method == "PUT" else None
            found = world.call(method, f"{self.PATH.format(other)}/{rule['id']}", body)
            assert error_type(found) == (404, "BandwidthLimitRuleNotFound")
        elsewhere = f"{self.PATH.format(other)}/{rule['id']}/peek"
        assert world.call("GET", elsewhere).status == 404
        assert world.call("DELETE", one).status == 204

    def test_missing_parent_is_its_own_404(self, world: World) -> None:
        path = self.PATH.format(NOWHERE)
        body = {"bandwidth_limit_rule": {}}
        for method, below, given in (
            ("GET", "", None),
            ("POST", "", body),
            ("GET", f"/{NOWHERE}", None),
            ("PUT", f"/{NOWHERE}", body),
            ("DELETE", f"/{NOWHERE}", None),
            ("GET", f"/{NOWHERE}/peek", None),
        ):
            found = world.call(method, path + below, given)
            assert error_type(found) == (404, "PolicyNotFound"), method

    def test_parent_in_the_body_is_refused(self, world: World) -> None:
        policy = post(world, "/v2.0/qos/policies", "policy")["id"]
        given = {"bandwidth_limit_rule": {"policy_id": policy}}
        assert world.call("POST", self.PATH.format(policy), given).status == 400

    def test_children_belong_to_the_owner_of_the_parent(self, world: World) -> None:
        a, b = world.as_project(PROJECT_A), world.as_project(PROJECT_B)
        path = self.PATH.format(post(a, "/v2.0/qos/policies", "policy")["id"])
        rule = post(a, path, "bandwidth_limit_rule")["id"]
        for method, below in (
            ("GET", ""),
            ("POST", ""),
            ("GET", f"/{rule}"),
            ("DELETE", f"/{rule}"),
        ):
            body = {"bandwidth_limit_rule": {}} if method == "POST" else None
            assert error_type(b.call(method, path + below, body)) == (404, "PolicyNotFound")

    def test_seeing_a_parent_is_not_owning_its_children(self, serve: Serve) -> None:
        public = Resource(
            name="board", collection="boards", attributes=(), **PLAIN, visible=lambda _t, _c: None
        )
        note = Resource(
            name="note", collection="notes", parent="board", parent_key="board_id", owned=False,
            attributes=(parent_id("board_id"), size()), **PLAIN,
            actions=(Action("burn", lambda *_: None, "POST", status=204),),
        )  # fmt: skip
        line = Resource(
            name="line", collection="lines", parent="note", parent_key="note_id", owned=False,
            attributes=(parent_id("note_id"),), **PLAIN,
        )  # fmt: skip
        world = serve(public, note, line)
        a, b = world.as_project(PROJECT_A), world.as_project(PROJECT_B)
        notes = f"/v2.0/boards/{post(a, '/v2.0/boards', 'board')['id']}/notes"
        mine = f"{notes}/{post(a, notes, 'note')['id']}"
        post(a, f"{mine}/lines", "line")
        assert b.call("GET", mine).status == 200
        assert len(b.call("GET", f"{mine}/lines").body["lines"]) == 1
        for method, path, body in (
            ("POST", notes, {"note": {}}),
            ("PUT", mine, {"note": {"size": 1}}),
            ("POST", f"{mine}/burn", None),
            ("POST", f"{mine}/lines", {"line": {}}),
            ("DELETE", mine, None),
        ):
            assert error_type(b.call(method, path, body)) == (403, "PolicyNotAuthorized"), path
        assert a.call("POST", f"{mine}/burn").status == 204

    def test_nested(self, world: World) -> None:
        rules = self.PATH.format(post(world, "/v2.0/qos/policies", "policy")["id"])
        rule = post(world, rules, "bandwidth_limit_rule")["id"]
        steps = f"{rules}/{rule}/steps"
        step = post(world, steps, "step", size=9)
        assert world.call("GET", f"{steps}/{step['id']}").body == {"step": step}
        assert world.call("PUT", f"{steps}/{step['id']}/tags/t").status == 201
        assert world.call("GET", f"{steps}/{step['id']}/tags").body == {"tags": ["t"]}
        other = self.PATH.format(post(world, "/v2.0/qos/policies", "policy")["id"])
        found = world.call("GET", f"{other}/{rule}/steps/{step['id']}")
        assert error_type(found) == (404, "BandwidthLimitRuleNotFound")
        found = world.call("GET", f"{self.PATH.format(NOWHERE)}/{rule}/steps")
        assert error_type(found) == (404, "PolicyNotFound")
        assert world.call("DELETE", f"{steps}/{step['id']}").status == 204


class TestActions:
    def test_on_a_member(self, world: World) -> None:
        one = f"/v2.0/qos/policies/{post(world, '/v2.0/qos/policies', 'policy', size=1)['id']}"
        assert world.call("PUT", f"{one}/swap", {"size": 5}).body == {"size": 1}
        peeked = world.call("GET", f"{one}/peek", query="a=b").body
        assert peeked == {"size": 5, "query": [["a", "b"]]}
        assert world.call("POST", f"{one}/peek").status == 405
        assert world.call("GET", f"/v2.0/qos/policies/{NOWHERE}/peek").status == 404

    def test_on_a_collection(self, world: World) -> None:
        post(world, "/v2.0/qos/policies", "policy")
        counted = world.call("GET", "/v2.0/qos/policies/count")
        assert counted.body == {"count": 1, "row": None}
        assert world.call("POST", "/v2.0/qos/policies/forget").status == 204

    def test_on_a_collection_below_a_parent(self, world: World) -> None:
        path = f"/v2/lbaas/pools/{post(world, '/v2/lbaas/pools', 'pool')['id']}/members"
        post(world, path, "member", size=1)
        put = world.call("PUT", path, {"members": [{"size": 7}, {"size": 8}]})
        assert put.status == 202
        listed = world.call("GET", path).body["members"]
        assert sorted(m["size"] for m in listed) == [7, 8]
        assert (
            world.call("PUT", f"/v2/lbaas/pools/{NOWHERE}/members", {"members": []}).status == 404
        )

    def test_who_may(self, world: World) -> None:
        member = world.as_project(PROJECT_A)
        reader = world.as_project(PROJECT_A, "reader")
        stranger = world.as_project(PROJECT_B)
        one = f"/v2.0/qos/policies/{post(member, '/v2.0/qos/policies', 'policy')['id']}"
        assert error_type(member.call("POST", f"{one}/audit")) == (403, "PolicyNotAuthorized")
        assert world.call("POST", f"{one}/audit").status == 202
        assert member.call("PUT", f"{one}/swap", {"size": 5}).status == 200
        assert reader.call("GET", f"{one}/peek").status == 200
        assert reader.call("PUT", f"{one}/swap", {"size": 5}).status == 403
        assert reader.call("POST", "/v2.0/qos/policies/forget").status == 403
        assert stranger.call("PUT", f"{one}/swap", {"size": 5}).status == 404


class TestBulk:
    def test_all_or_nothing(self, serve: Serve) -> None:
        unique = Resource(
            name="seat", collection="seats", attributes=(size(),), unique=(("size",),), **PLAIN,
            conflict=lambda row, _group: Conflict("SeatTaken", f"Seat {row['size']} is taken."),
        )  # fmt: skip
        world = serve(unique)
        made = world.call("POST", "/v2.0/seats", {"seats": [{"size": 1}, {"size": 2}]})
        assert [s["size"] for s in made.body["seats"]] == [1, 2]
        refused = world.call("POST", "/v2.0/seats", {"seats": [{"size": 3}, {"size": 1}]})
        assert error_type(refused) == (409, "SeatTaken")
        assert len(world.get("seats")["seats"]) == 2

    def test_not_where_declared_so(self, world: World) -> None:
        path = f"/v2/lbaas/pools/{post(world, '/v2/lbaas/pools', 'pool')['id']}/members"
        assert world.call("POST", path, {"members": [{"size": 1}]}).status == 400


def test_quota_has_the_name_of_the_resource(serve: Serve) -> None:
    bounded = Resource(
        name="pool_flavor", member="flavor", collection="flavors", attributes=(), quota=1, **PLAIN
    )
    api = serve(bounded).as_project(PROJECT_A)
    post(api, "/v2.0/flavors", "flavor")
    refused = api.call("POST", "/v2.0/flavors", {"flavor": {}})
    assert error_type(refused) == (409, "OverQuota")
    assert "pool_flavor" in refused.body["NeutronError"]["message"]
    post(serve(bounded, quotas={"pool_flavor": 2}), "/v2.0/flavors", "flavor")


class TestSingletons:
    """There is one for each project, or one for each parent."""

    ONE: dict[str, Any] = {
        **PLAIN, "owned": False, "stored": False, "singleton": True, "attributes": (size(),)
    }  # fmt: skip

    def test_of_a_project(self, serve: Serve) -> None:
        kept: dict[str, dict[str, Any]] = {}
        share = Resource(
            name="share", collection="shares", **self.ONE,
            verbs=frozenset({"show", "update", "delete", "list"}),
            handlers={
                "show": lambda _tx, project: kept.get(project, {"size": 10}),
                "update": lambda _tx, project, given: kept.setdefault(project, given),
                "delete": lambda _tx, project: kept.pop(project),
                "list": lambda _tx: list(kept.values()),
            },
        )  # fmt: skip
        world = serve(share)
        path = f"/v2.0/shares/{PROJECT_A}"
        assert world.call("GET", path).body == {"share": {"size": 10}}
        assert world.call("PUT", path, {"share": {"size": 3}}).body == {"share": {"size": 3}}
        assert world.call("GET", "/v2.0/shares").body == {"shares": [{"size": 3}]}
        assert world.call("DELETE", path).status == 204
        assert world.call("GET", path).body == {"share": {"size": 10}}
        assert world.call("POST", "/v2.0/shares", {"share": {}}).status == 405

    def test_of_a_parent(self, serve: Serve) -> None:
        def update(tx: Any, pool: str, given: Any) -> Any:
            row = tx.get("pool", pool)
            tx.service.update_in(tx, "pool", row, given)
            return given

        stats = Resource(
            name="pool_stats", member="stats", collection="stats", parent="pool",
            parent_key="pool_id", verbs=frozenset({"show", "update"}), **self.ONE,
            handlers={"show": lambda tx, pool: {"size": tx.get("pool", pool)["size"]},
                      "update": update},
        )  # fmt: skip
        world = serve(POOL, stats)
        a, b = world.as_project(PROJECT_A), world.as_project(PROJECT_B)
        path = f"/v2/lbaas/pools/{post(a, '/v2/lbaas/pools', 'pool', size=5)['id']}/stats"
        assert a.call("GET", path).body == {"stats": {"size": 5}}
        assert a.call("PUT", path, {"stats": {"size": 6}}).body == {"stats": {"size": 6}}
        assert a.call("GET", path).body == {"stats": {"size": 6}}
        assert a.call("DELETE", path).status == 405
        assert b.call("GET", path).status == 404
        assert b.call("PUT", path, {"stats": {"size": 1}}).status == 404


class TestDialects:
    """Errors below a prefix look as its API says, whatever answers."""

    @pytest.mark.parametrize("prefix", ["/v2.0/lbaas", "/v2/lbaas"])
    @pytest.mark.parametrize(
        ("method", "path", "raw", "status"),
        [
            ("GET", f"/pools/{NOWHERE}", None, 404),
            ("GET", f"/pools/{NOWHERE}/members", None, 404),
            ("GET", "/nothing/here", None, 404),
            ("GET", "", None, 404),
            ("POST", "/pools", b"{", 400),
            ("POST", "/pools", b'{"pool": {"zeal": 1}}', 400),
            ("GET", "/pools?zeal=1", None, 400),
            ("PATCH", "/pools", None, 405),
        ],
    )
    def test_of_the_load_balancer(
        self, world: World, prefix: str, method: str, path: str, raw: bytes | None, status: int
    ) -> None:
        path, _, query = path.partition("?")
        answer = world.call(method, prefix + path, query=query, raw=raw or b"")
        assert answer.status == status
        assert answer.body.keys() == {"faultcode", "faultstring", "debuginfo"}
        assert (answer.body["faultcode"], answer.body["debuginfo"]) == ("Client", None)
        assert answer.body["faultstring"]

    @pytest.mark.parametrize("path", ["/v2.0/nothing", "/v2.0/lbaasx", "/v2/lbaasx", "/nothing"])
    def test_elsewhere(self, world: World, path: str) -> None:
        answer = world.call("GET", path)
        assert answer.status == 404
        assert answer.body.keys() == {"NeutronError"}

    def test_a_fault_of_ours(self, serve: Serve) -> None:
        def fail(*_: Any) -> None:
            raise RuntimeError("made up")

        broken = Resource(
            name="pool", collection="pools", attributes=(), **BALANCER, **PLAIN,
            actions=(Action("fail", fail, "GET", "collection"),),
        )  # fmt: skip
        answer = serve(broken).call("GET", "/v2/lbaas/pools/fail")
        assert (answer.status, answer.body["faultcode"]) == (500, "Server")
        assert "made up" not in answer.body["faultstring"]


def test_attributes_of_a_name_with_colon(serve: Serve) -> None:
    odd = Attribute(name="made:up-key", type=String(9), default="", doc="Made up.")
    thing = Resource(name="thing", collection="things", attributes=(odd,), **PLAIN)
    world = serve(thing)
    post(world, "/v2.0/things", "thing", **{"made:up-key": "x"})
    assert len(world.get("things", "made:up-key=x")["things"]) == 1
