# SPDX-License-Identifier: Apache-2.0
"""Tags: the operations under /tags, the filters, and tags given with new ports."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import PROJECT_A, PROJECT_B, REGISTRY, Api

TAGGABLE = sorted(a.resource.url for a in REGISTRY.resources.values() if a.resource.taggable)


@pytest.fixture
def network(api: Api) -> str:
    return str(api.create("network")["id"])


def state(api: Api, network: str) -> tuple[list[str], int]:
    found = api.get(f"networks/{network}")["network"]
    return found["tags"], found["revision_number"]


def call(api: Api, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    answer = api.call(method, f"/v2.0/networks/{path}", body)
    return answer.status, answer.body


def test_one_by_one(api: Api, network: str) -> None:
    tags = f"{network}/tags"
    assert call(api, "GET", tags) == (200, {"tags": []})
    assert call(api, "PUT", f"{tags}/red") == (201, None)
    assert call(api, "PUT", f"{tags}/red") == (201, None)
    assert state(api, network) == (["red"], 2)
    assert call(api, "PUT", f"{tags}/blue") == (201, None)
    assert state(api, network) == (["blue", "red"], 3)
    assert call(api, "GET", f"{tags}/red") == (204, None)
    assert api.refused("GET", f"networks/{tags}/green") == (404, "TagNotFound")
    assert api.refused("DELETE", f"networks/{tags}/green") == (404, "TagNotFound")
    assert call(api, "DELETE", f"{tags}/red") == (204, None)
    assert state(api, network) == (["blue"], 4)


def test_all_at_once(api: Api, network: str) -> None:
    tags = f"{network}/tags"
    assert call(api, "PUT", tags, {"tags": ["b", "a"]}) == (200, {"tags": ["b", "a"]})
    assert state(api, network) == (["a", "b"], 2)
    assert call(api, "PUT", tags, {"tags": ["a", "b"]}) == (200, {"tags": ["a", "b"]})
    assert state(api, network) == (["a", "b"], 2)
    assert call(api, "POST", tags, {"tags": ["c", "a"]}) == (200, {"tags": ["c", "a"]})
    assert state(api, network) == (["a", "b", "c"], 3)
    assert call(api, "DELETE", tags) == (204, None)
    assert call(api, "DELETE", tags) == (204, None)
    assert state(api, network) == ([], 4)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "Invalid tags body"),
        ({"tag": ["a"]}, "Invalid tags body"),
        ({"tags": None}, "'None' is not a list"),
        ({"tags": "a"}, "'a' is not a list"),
        ({"tags": [5]}, "'5' is not a valid string"),
        ({"tags": ["a", "b", "a"]}, "Duplicate items in the list: 'a'"),
        ({"tags": ["x" * 256]}, f"'{'x' * 256}' exceeds maximum length of 255"),
        (None, "Invalid tags body"),
    ],
)
def test_bodies(api: Api, network: str, body: Any, message: str) -> None:
    for method in ("PUT", "POST"):
        status, answer = call(api, method, f"{network}/tags", body)
        assert status == 400
        assert answer["NeutronError"]["type"] == "InvalidInput"
        assert answer["NeutronError"]["message"] == f"Invalid input for operation: {message}."


def test_limit(api: Api, network: str) -> None:
    fifty = [str(number) for number in range(50)]
    tags = f"networks/{network}/tags"
    too_many = {"tags": [*fifty, "one more"]}
    assert api.refused("PUT", tags, too_many) == (400, "BadRequest")
    assert call(api, "PUT", f"{network}/tags", {"tags": fifty})[0] == 200
    answer = api.call("PUT", f"/v2.0/{tags}/more")
    assert answer.body["NeutronError"]["message"] == (
        "Bad networks request: The number of tags exceed the per-resource limit of 50."
    )
    assert api.refused("PUT", f"{tags}/{'x' * 256}") == (400, "InvalidInput")


def test_odd_tags_are_found_only_as_themselves(api: Api) -> None:
    odd = ["", " ", 'a"x', "x", "[x", "\u2603", "a\\", "%", "x/y"]
    for tag in odd:
        made = api.create("network", description=tag)["id"]
        assert call(api, "PUT", f"{made}/tags", {"tags": [tag, "all"]})[0] == 200
    for tag in odd:
        found = api.get("networks", {"tags": tag})["networks"]
        assert [n["description"] for n in found] == [tag]
    assert len(api.get("networks", "tags=all")["networks"]) == len(odd)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("tags=a", "ab abc"),
        ("tags=a,c", "abc"),
        ("tags=a&tags=c", "abc"),
        ("tags-any=c,d", "abc d"),
        ("not-tags=a,c", "ab d none"),
        ("not-tags-any=a,c", "d none"),
        ("tags=b&not-tags=c", "ab"),
        ("tags=a,", ""),
        ("tags=zzz", ""),
    ],
)
def test_filters(api: Api, query: str, expected: str) -> None:
    for tags in ("ab", "abc", "d", "none"):
        made = api.create("network", name=tags)["id"]
        given = [] if tags == "none" else [*tags]
        assert call(api, "PUT", f"{made}/tags", {"tags": given})[0] == 200
    found = api.get("networks", query)["networks"]
    assert sorted(n["name"] for n in found) == expected.split()


@pytest.mark.parametrize("url", TAGGABLE)
def test_every_taggable_resource(api: Api, url: str) -> None:
    missing = f"{url}/00000000-0000-0000-0000-000000000000/tags"
    for method, path in (("GET", ""), ("PUT", "/a"), ("DELETE", ""), ("DELETE", "/a")):
        assert api.refused(method, missing + path)[0] == 404
    assert api.refused("PUT", missing, {"tags": []})[0] == 404


def test_others(api: Api, network: str) -> None:
    owner, other = api.as_project(PROJECT_A), api.as_project(PROJECT_B)
    own = owner.create("network")["id"]
    assert call(owner, "PUT", f"{own}/tags/a") == (201, None)
    assert call(owner.as_project(PROJECT_A, "reader"), "GET", f"{own}/tags")[0] == 200
    reader = owner.as_project(PROJECT_A, "reader")
    answer = reader.call("PUT", f"/v2.0/networks/{own}/tags/b")
    assert answer.status == 403
    assert answer.body["NeutronError"]["message"] == (
        "rule:update_network:tags is disallowed by policy"
    )
    assert other.refused("GET", f"networks/{own}/tags") == (404, "NetworkNotFound")
    assert other.refused("PUT", f"networks/{own}/tags/b") == (404, "NetworkNotFound")
    assert api.refused("GET", "agents/x/tags") == (404, "HTTPNotFound")


def test_tags_of_new_ports(api: Api, network: str) -> None:
    port = api.create("port", network_id=network, tags=["b", "a"])
    assert port["tags"] == ["a", "b"]
    body = {"ports": [{"network_id": network, "tags": ["c"]}, {"network_id": network}]}
    made = api.call("POST", "/v2.0/ports", body).body["ports"]
    assert [p["tags"] for p in made] == [["c"], []]
    found = api.get("ports", "tags-any=a,c")["ports"]
    assert {p["id"] for p in found} == {port["id"], made[0]["id"]}
    for wrong in (None, "x", [1], ["a", "a"]):
        body = {"port": {"network_id": network, "tags": wrong}}
        assert api.refused("POST", "ports", body) == (400, "HTTPBadRequest")
    body = {"port": {"tags": ["z"]}}
    assert api.refused("PUT", f"ports/{port['id']}", body) == (400, "HTTPBadRequest")
    assert api.refused("POST", "networks", {"network": {"tags": []}}) == (400, "HTTPBadRequest")
