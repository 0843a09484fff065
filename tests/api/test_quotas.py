# SPDX-License-Identifier: Apache-2.0
"""Quotas: limits, usage, who may see and change them, and that they hold under load."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.api.conftest import PROJECT_A, PROJECT_B, REGISTRY, Api

TRACKED = {
    name: a.resource.quota
    for name, a in REGISTRY.resources.items()
    if a.resource.quota is not None and a.resource.stored
}


def put(api: Api, project: str, **limits: Any) -> dict[str, Any]:
    answer = api.call("PUT", f"/v2.0/quotas/{project}", {"quota": limits})
    assert answer.status == 200, answer.body
    found: dict[str, Any] = answer.body["quota"]
    return found


def test_defaults(api: Api) -> None:
    for path in ("default", "defaults", f"{PROJECT_A}/default", PROJECT_A):
        assert api.get(f"quotas/{path}")["quota"] == TRACKED
    assert api.get("quotas") == {"quotas": []}
    assert TRACKED["network"] == 100


def test_own_limits(api: Api) -> None:
    assert put(api, PROJECT_A, network=5, port="7") == {**TRACKED, "network": 5, "port": 7}
    assert put(api, PROJECT_A, network=-1)["network"] == -1
    assert put(api, PROJECT_A) == {**TRACKED, "network": -1, "port": 7}
    ids = {"project_id": PROJECT_A, "tenant_id": PROJECT_A}
    own = {**TRACKED, "network": -1, "port": 7}
    assert api.get("quotas") == {"quotas": [{**own, **ids}]}
    assert api.get(f"quotas/{PROJECT_A}/default")["quota"] == TRACKED
    assert api.get(f"quotas/{PROJECT_B}")["quota"] == TRACKED
    assert api.call("DELETE", f"/v2.0/quotas/{PROJECT_A}").status == 204
    assert api.get(f"quotas/{PROJECT_A}")["quota"] == TRACKED
    answer = api.call("DELETE", f"/v2.0/quotas/{PROJECT_A}")
    assert answer.status == 404
    assert answer.body["NeutronError"]["type"] == "TenantQuotaNotFound"


@pytest.mark.parametrize(
    ("given", "type_"),
    [
        ({"network": -2}, "HTTPBadRequest"),
        ({"network": 2**31}, "HTTPBadRequest"),
        ({"network": "x"}, "InvalidInput"),
        ({"network": None}, "InvalidInput"),
        ({"bogus": 1}, "HTTPBadRequest"),
        ({"project_id": PROJECT_A}, "HTTPBadRequest"),
    ],
)
def test_refused(api: Api, given: dict[str, Any], type_: str) -> None:
    assert api.refused("PUT", f"quotas/{PROJECT_A}", {"quota": given}) == (400, type_)
    assert api.get("quotas") == {"quotas": []}


def test_limits_below_usage(api: Api) -> None:
    owner = api.as_project(PROJECT_A)
    for _ in range(2):
        owner.create("network")
    answer = api.call("PUT", f"/v2.0/quotas/{PROJECT_A}", {"quota": {"network": 1}})
    assert (answer.status, answer.body["NeutronError"]["message"]) == (
        400,
        "Quota limit 1 for network must be greater than or equal to already used 2",
    )
    assert put(api, PROJECT_A, network=2, check_limit=True)["network"] == 2
    assert put(api, PROJECT_A, network=1, force=True)["network"] == 1
    details = api.get(f"quotas/{PROJECT_A}/details.json")["quota"]
    assert details["network"] == {"limit": 1, "used": 2, "reserved": 0}
    assert details.keys() == TRACKED.keys()
    assert owner.refused("POST", "networks", {"network": {}}) == (409, "OverQuota")


def test_who_may(api: Api) -> None:
    put(api, PROJECT_A, network=5)
    member = api.as_project(PROJECT_A)
    denied = (403, "PolicyNotAuthorized")
    assert member.get(f"quotas/{PROJECT_A}")["quota"]["network"] == 5
    assert member.get(f"quotas/{PROJECT_A}/details")["quota"]["network"]["limit"] == 5
    assert member.get("quotas/tenant") == {"tenant": {"tenant_id": PROJECT_A}}
    assert member.get("quotas/project") == {"project": {"project_id": PROJECT_A}}
    assert member.refused("GET", "quotas") == denied
    assert member.refused("GET", f"quotas/{PROJECT_B}") == denied
    assert member.refused("GET", f"quotas/{PROJECT_B}/details") == denied
    assert member.refused("PUT", f"quotas/{PROJECT_A}", {"quota": {"network": 9}}) == denied
    assert member.refused("DELETE", f"quotas/{PROJECT_A}") == denied


def test_bulk_counts_all(api: Api) -> None:
    put(api, PROJECT_A, network=3)
    owner = api.as_project(PROJECT_A)
    owner.create("network")
    answer = owner.call("POST", "/v2.0/networks", {"networks": [{}, {}, {}]})
    assert (answer.status, answer.body["NeutronError"]["message"]) == (
        409,
        "Quota exceeded for resources: ['network'].",
    )
    assert owner.call("POST", "/v2.0/networks", {"networks": [{}, {}]}).status == 201
    put(api, PROJECT_A, network=0, force=True)
    assert owner.refused("POST", "networks", {"network": {}}) == (409, "OverQuota")
    put(api, PROJECT_A, network=-1)
    assert owner.call("POST", "/v2.0/networks", {"networks": [{}] * 5}).status == 201


def test_parallel_creators_stay_below_the_limit(api: Api) -> None:
    put(api, PROJECT_A, network=10)
    owner = api.as_project(PROJECT_A)

    def create(count: int) -> int:
        answer = owner.call("POST", "/v2.0/networks", {"networks": [{}] * count})
        assert answer.status in (201, 409), answer.body
        return count if answer.status == 201 else 0

    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(create, [1, 2] * 12))
    assert sum(made) == 10
    assert len(owner.get("networks")["networks"]) == 10
