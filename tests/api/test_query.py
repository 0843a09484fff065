# SPDX-License-Identifier: Apache-2.0
"""Filters, fields and sorting of lists."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import PROJECT_A, PROJECT_B, Api


@pytest.fixture
def networks(api: Api) -> list[dict[str, Any]]:
    return [
        api.create("network", name="a", admin_state_up=True, description="one"),
        api.create("network", name="b", admin_state_up=False, project_id=PROJECT_A),
        api.create("network", name="a,b", admin_state_up=True, project_id=PROJECT_B),
    ]


def names(api: Api, query: Any) -> list[str]:
    found = api.get("networks", query)["networks"]
    return sorted(network["name"] for network in found)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["a", "a,b", "b"]),
        ("name=a", ["a"]),
        ("name=a&name=b", ["a", "b"]),
        ("name=a,b", ["a,b"]),
        ("name=A", []),
        ("name=", []),
        ("name", []),
        ("description=", ["a,b", "b"]),
        ("admin_state_up=true", ["a", "a,b"]),
        ("admin_state_up=0", ["b"]),
        ("admin_state_up=True&admin_state_up=False", ["a", "a,b", "b"]),
        ("admin_state_up=false&name=a", []),
        ("shared=false", ["a", "a,b", "b"]),
        ("shared=True", []),
        (f"tenant_id={PROJECT_A}", ["b"]),
        (f"project_id={PROJECT_A}&project_id={PROJECT_B}", ["a,b", "b"]),
        ("project_id=nobody", []),
        ("id=nothing", []),
        ("revision_number=1", ["a", "a,b", "b"]),
        ("revision_number=99999999999999999999999", []),
        ("marker=nothing", ["a", "a,b", "b"]),
        ("limit=0", ["a", "a,b", "b"]),
    ],
)
@pytest.mark.usefixtures("networks")
def test_filters(api: Api, query: str, expected: list[str]) -> None:
    assert names(api, query) == expected


def test_filter_by_ids(api: Api, networks: list[dict[str, Any]]) -> None:
    wanted = [networks[0]["id"], networks[2]["id"]]
    assert names(api, {"id": wanted}) == ["a", "a,b"]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("bogus=1", "['bogus'] is invalid attribute for filtering"),
        ("bogus=1&zip=2&name=a", "['bogus', 'zip'] is invalid attribute for filtering"),
        ("subnets=x", "['subnets'] is invalid attribute for filtering"),
        ("created_at=x", "['created_at'] is invalid attribute for filtering"),
        (
            "changed_since=2020-01-01T00:00:00Z",
            "['changed_since'] is invalid attribute for filtering",
        ),
        ("=1", "[''] is invalid attribute for filtering"),
        (
            "admin_state_up=maybe",
            "Invalid input for operation: 'maybe' cannot be converted to boolean.",
        ),
        ("sort_key=name", "The number of sort_keys and sort_dirs must be same"),
        ("sort_dir=asc", "The number of sort_keys and sort_dirs must be same"),
        ("sort_key=x&sort_dir=asc", "['x'] is invalid attribute for sort_keys"),
        ("sort_key=shared&sort_dir=asc", "['shared'] is invalid attribute for sort_keys"),
        ("sort_key=tags&sort_dir=asc", "['tags'] is invalid attribute for sort_keys"),
        (
            "sort_key=name&sort_dir=up",
            "['up'] is invalid value for sort_dirs, valid value is 'asc' and 'desc'",
        ),
        ("limit=-1", "Bad limit request: Limit must be an integer 0 or greater and not '-1'."),
        ("limit=", "Bad limit request: Limit must be an integer 0 or greater and not ''."),
    ],
)
def test_refused(api: Api, query: str, message: str) -> None:
    answer = api.call("GET", "/v2.0/networks", query=query)
    assert (answer.status, answer.body["NeutronError"]["message"]) == (400, message)


@pytest.mark.usefixtures("networks")
def test_fields(api: Api, networks: list[dict[str, Any]]) -> None:
    for network in api.get("networks", "fields=name&fields=id&fields=bogus")["networks"]:
        assert network.keys() == {"name", "id"}
    for query in ("fields=bogus", "fields=", "fields=id,name"):
        assert api.get("networks", query) == {"networks": [{}, {}, {}]}
    path = f"networks/{networks[0]['id']}"
    assert api.get(path, "fields=tenant_id&fields=subnets") == {
        "network": {"tenant_id": networks[0]["project_id"], "subnets": []}
    }
    assert api.get(path, "fields=bogus") == {"network": {}}
    assert api.refused("GET", path, query="bogus=1") == (400, "HTTPBadRequest")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("sort_key=name&sort_dir=asc", ["a", "a,b", "b"]),
        ("sort_key=name&sort_dir=desc", ["b", "a,b", "a"]),
        ("sort_key=admin_state_up&sort_key=name&sort_dir=asc&sort_dir=desc", ["b", "a,b", "a"]),
        ("sort_key=tenant_id&sort_dir=desc", ["a,b", "b", "a"]),
        ("sort_key=&sort_dir=&sort_key=name&sort_dir=asc", ["a", "a,b", "b"]),
        ("sort_key=name&sort_dir=asc&page_reverse=true", ["b", "a,b", "a"]),
    ],
)
@pytest.mark.usefixtures("networks")
def test_sorting(api: Api, query: str, expected: list[str]) -> None:
    assert [n["name"] for n in api.get("networks", query)["networks"]] == expected


@pytest.mark.usefixtures("networks")
def test_projects_see_their_own(api: Api) -> None:
    assert names(api.as_project(PROJECT_A), "") == ["b"]
    assert names(api.as_project(PROJECT_A), f"project_id={PROJECT_B}") == []
    assert names(api.as_project(PROJECT_A, "admin"), "") == ["a", "a,b", "b"]
