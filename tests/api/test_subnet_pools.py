# SPDX-License-Identifier: Apache-2.0
"""Subnet pools. The expected answers were taken from upstream 29.0.0."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import PROJECT_A, PROJECT_B, Api

Body = dict[str, Any]
SUFFICE = (409, "SubnetAllocationError")


def pool(api: Api, *prefixes: str, **more: Any) -> Body:
    return api.create("subnetpool", name="p", prefixes=list(prefixes), **more)


def cut(api: Api, network: str, **given: Any) -> Any:
    """A new subnet's (cidr, gateway), or (status, error type)."""
    body = {"network_id": network, "ip_version": 4, **given}
    answer = api.call("POST", "/v2.0/subnets", {"subnet": body})
    if answer.status == 201:
        made = answer.body["subnet"]
        return made["cidr"], made["gateway_ip"]
    return answer.status, answer.body["NeutronError"]["type"]


@pytest.fixture
def network(api: Api) -> str:
    return str(api.create("network")["id"])


def test_a_pool_has_every_attribute_of_upstream(api: Api) -> None:
    made = pool(api, "10.66.0.0/16", default_prefixlen=24)
    assert made.pop("created_at") == made.pop("updated_at")
    assert made.pop("tenant_id") == made.pop("project_id")
    id_ = made.pop("id")
    assert made == {
        "name": "p",
        "default_prefixlen": "24",
        "min_prefixlen": "8",
        "max_prefixlen": "32",
        "is_default": False,
        "shared": False,
        "prefixes": ["10.66.0.0/16"],
        "ip_version": 4,
        "default_quota": None,
        "address_scope_id": None,
        "description": "",
        "tags": [],
        "revision_number": 0,
    }
    shown = api.get(f"subnetpools/{id_}")["subnetpool"]
    assert {name: shown[name] for name in made} == made
    query = {"default_prefixlen": "24", "fields": "min_prefixlen"}
    assert api.get("subnetpools", query)["subnetpools"] == [{"min_prefixlen": "8"}]


@pytest.mark.parametrize(
    ("given", "prefixes", "lengths"),
    [
        (["10.0.0.5/16"], ["10.0.0.0/16"], ("8", "8", "32")),
        (
            ["10.0.1.0/24", "10.0.0.0/24", "10.0.3.0/24", "10.0.3.128/25"],
            ["10.0.0.0/23", "10.0.3.0/24"],
            ("8", "8", "32"),
        ),
        (["FD00::1/48"], ["fd00::/48"], ("64", "64", "128")),
        (["0.0.0.0/0"], ["0.0.0.0/0"], ("8", "8", "32")),
    ],
)
def test_prefixes_are_made_compact(
    api: Api, given: list[str], prefixes: list[str], lengths: tuple[str, str, str]
) -> None:
    made = pool(api, *given)
    assert made["prefixes"] == prefixes
    found = (made["default_prefixlen"], made["min_prefixlen"], made["max_prefixlen"])
    assert found == lengths


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"prefixes": []}, "EmptySubnetPoolPrefixList"),
        ({"prefixes": None}, "HTTPBadRequest"),
        ({"prefixes": ["10.0.0.0"]}, "HTTPBadRequest"),
        ({"prefixes": ["10.0.0.0/24", "10.0.0.0/24"]}, "HTTPBadRequest"),
        ({"prefixes": ["10.0.0.0/16", "fd00::/48"]}, "PrefixVersionMismatch"),
        ({"default_prefixlen": 33}, "IllegalSubnetPoolPrefixBounds"),
        ({"default_prefixlen": 4}, "IllegalSubnetPoolPrefixBounds"),
        ({"max_prefixlen": 33}, "IllegalSubnetPoolPrefixBounds"),
        ({"min_prefixlen": 25, "max_prefixlen": 24}, "IllegalSubnetPoolPrefixBounds"),
        ({"min_prefixlen": -1}, "HTTPBadRequest"),
        ({"min_prefixlen": None}, "InvalidInput"),
        ({"min_prefixlen": "x"}, "InvalidInput"),
        ({"default_quota": -1}, "HTTPBadRequest"),
        ({"default_quota": 10**12}, "HTTPBadRequest"),
        ({"ip_version": 4}, "HTTPBadRequest"),
        ({"name": " "}, "HTTPBadRequest"),
        ({"name": None}, "HTTPBadRequest"),
        ({"is_default": "x"}, "InvalidInput"),
    ],
)
def test_refused(api: Api, given: Body, error: str) -> None:
    body = {"name": "p", "prefixes": ["10.0.0.0/16"], **given}
    assert api.refused("POST", "subnetpools", {"subnetpool": body}) == (400, error)


def test_prefixes_only_grow(api: Api) -> None:
    path = f"subnetpools/{pool(api, '10.10.0.0/16', default_prefixlen=24)['id']}"

    def put(**given: Any) -> Any:
        answer = api.call("PUT", f"/v2.0/{path}", {"subnetpool": given})
        if answer.status != 200:
            return answer.body["NeutronError"]["type"]
        return {name: answer.body["subnetpool"][name] for name in given}

    assert put(prefixes=["10.10.0.0/24"]) == "IllegalSubnetPoolPrefixUpdate"
    assert put(prefixes=[]) == "IllegalSubnetPoolPrefixUpdate"
    wider = ["10.10.0.0/16", "10.11.0.0/16"]
    assert put(prefixes=wider) == {"prefixes": ["10.10.0.0/15"]}
    assert put(prefixes=["10.10.0.0/15", "fd00::/48"]) == "PrefixVersionMismatch"
    assert put(min_prefixlen=27) == "IllegalSubnetPoolPrefixBounds"
    assert put(min_prefixlen=20, max_prefixlen=30) == {"min_prefixlen": "20", "max_prefixlen": "30"}
    assert put(min_prefixlen=None) == put(default_quota=None) == "InvalidInput"
    assert put(shared=True) == put(ip_version=6) == "HTTPBadRequest"


def test_blocks_are_cut_from_the_smallest_room(api: Api, network: str) -> None:
    id_ = pool(
        api, "10.40.0.0/22", default_prefixlen=24, min_prefixlen=23, max_prefixlen=28
    )["id"]  # fmt: skip

    def get(**given: Any) -> Any:
        return cut(api, network, subnetpool_id=id_, **given)

    assert get() == ("10.40.0.0/24", "10.40.0.1")
    assert get(prefixlen=22) == (400, "MinPrefixSubnetAllocationError")
    assert get(prefixlen=29) == (400, "MaxPrefixSubnetAllocationError")
    assert get(prefixlen=28) == ("10.40.1.0/28", "10.40.1.1")
    assert get(prefixlen=25, gateway_ip=None) == ("10.40.1.128/25", None)
    assert get(cidr="10.40.2.0/24") == ("10.40.2.0/24", "10.40.2.1")
    assert get(cidr="10.40.2.128/25") == get(cidr="10.41.0.0/24") == SUFFICE
    assert get(cidr="10.40.0.0/21") == (400, "MinPrefixSubnetAllocationError")
    assert get(ip_version=6) == (400, "BadRequest")
    assert get(prefixlen=26, gateway_ip="10.40.3.70") == ("10.40.3.64/26", "10.40.3.70")
    assert get(prefixlen=28, gateway_ip="1.1.1.1") == SUFFICE
    some = [{"start": "10.40.1.5", "end": "10.40.1.9"}]
    assert get(allocation_pools=some) == (400, "BadRequest")
    assert get(prefixlen=24) == SUFFICE
    refused = api.refused("DELETE", f"subnetpools/{id_}")
    assert refused == (400, "SubnetPoolDeleteError")
    missing = "00000000-0000-4000-8000-000000000000"
    assert cut(api, network, subnetpool_id=missing) == (404, "SubnetPoolNotFound")


def test_ipv6_blocks(api: Api, network: str) -> None:
    id_ = pool(api, "fd60::/48")["id"]
    given = {"subnetpool_id": id_, "ip_version": 6}
    assert cut(api, network, **given) == ("fd60::/64", "fd60::1")
    named = cut(api, network, **given, cidr="fd60:0:0:5::/64")
    assert named == ("fd60:0:0:5::/64", "fd60:0:0:5::")
    modes = {"ipv6_ra_mode": "slaac", "ipv6_address_mode": "slaac"}
    assert cut(api, network, **given, **modes, prefixlen=65) == (400, "InvalidInput")


def test_a_network_has_one_pool_for_each_ip_version(api: Api, network: str) -> None:
    one, two = pool(api, "10.1.0.0/16", default_prefixlen=24), pool(api, "10.2.0.0/16")
    assert cut(api, network, subnetpool_id=one["id"])[0] == "10.1.0.0/24"
    alone = (400, "NetworkSubnetPoolAffinityError")
    assert cut(api, network, subnetpool_id=two["id"], prefixlen=24) == alone
    assert cut(api, network, cidr="10.3.0.0/24") == alone
    assert cut(api, network, cidr="fd00::/64", ip_version=6)[0] == "fd00::/64"


def test_quota_counts_what_a_project_has(api: Api, network: str) -> None:
    id_ = pool(api, "10.70.0.0/16", default_prefixlen=24, default_quota=512)["id"]

    def get(**given: Any) -> Any:
        return cut(api, network, subnetpool_id=id_, **given)

    assert [get()[0], get()[0]] == ["10.70.0.0/24", "10.70.1.0/24"]
    full = (409, "SubnetPoolQuotaExceeded")
    assert get() == get(cidr="10.70.9.0/24") == full
    change = {"subnetpool": {"default_quota": 0}}
    assert api.call("PUT", f"/v2.0/subnetpools/{id_}", change).status == 200
    assert get()[0] == "10.70.2.0/24"


def test_one_default_pool_for_each_ip_version(api: Api, network: str) -> None:
    assert cut(api, network, use_default_subnetpool=True) == (400, "BadRequest")
    first = pool(api, "10.20.0.0/16", is_default=True, default_prefixlen=26)
    other = pool(api, "10.21.0.0/16")
    pool(api, "fd20::/48", is_default=True)
    body = {"subnetpool": {"name": "p", "prefixes": ["10.22.0.0/16"], "is_default": True}}
    assert api.refused("POST", "subnetpools", body) == (400, "InvalidInput")
    body = {"subnetpool": {"is_default": True}}
    assert api.refused("PUT", f"subnetpools/{other['id']}", body) == (400, "InvalidInput")
    assert api.call("PUT", f"/v2.0/subnetpools/{first['id']}", body).status == 200
    assert cut(api, network, use_default_subnetpool=True)[0] == "10.20.0.0/26"
    v6 = cut(api, network, use_default_subnetpool=True, ip_version=6)
    assert v6 == ("fd20::/64", "fd20::1")
    both = {"use_default_subnetpool": True, "subnetpool_id": other["id"]}
    assert cut(api, network, **both) == (400, "BadRequest")


def test_prefix_delegation_is_refused_with_words(api: Api, network: str) -> None:
    body = {"network_id": network, "subnetpool_id": "prefix_delegation"}
    modes = {"ipv6_ra_mode": "slaac", "ipv6_address_mode": "slaac"}
    for given in ({"ip_version": 4}, {"ip_version": 6}, {"ip_version": 6, **modes}):
        answer = api.call("POST", "/v2.0/subnets", {"subnet": {**body, **given}})
        assert answer.status == 400
        assert "Prefix Delegation" in answer.body["NeutronError"]["message"]
    named = cut(api, network, subnetpool_id="prefix_delegation", cidr="10.0.0.0/24")
    assert named == ("10.0.0.0/24", "10.0.0.1")


def test_add_and_remove_prefixes(api: Api, network: str) -> None:
    id_ = pool(api, "10.70.0.0/16", default_prefixlen=24)["id"]
    cut(api, network, subnetpool_id=id_)

    def act(name: str, body: Any) -> Any:
        answer = api.call("PUT", f"/v2.0/subnetpools/{id_}/{name}_prefixes", body)
        if answer.status != 200:
            return answer.status, answer.body["NeutronError"]["type"]
        return answer.body["prefixes"]

    assert act("add", {"prefixes": ["10.71.0.0/16"]}) == ["10.70.0.0/15"]
    assert act("add", {"prefixes": ["10.72.0.9/16"]}) == ["10.70.0.0/15", "10.72.0.0/16"]
    assert act("add", {"prefixes": ["fd00::/48"]}) == (400, "PrefixVersionMismatch")
    for bad in ({}, {"prefixes": []}, {"prefixes": ["x"]}, {"prefixes": [5]}, [], None, "x"):
        assert act("add", bad) == act("remove", bad) == (400, "HTTPBadRequest")
    assert act("remove", {"prefixes": ["10.71.0.0/16"]}) == ["10.70.0.0/16", "10.72.0.0/16"]
    in_use = (400, "IllegalSubnetPoolPrefixUpdate")
    assert act("remove", {"prefixes": ["10.70.0.0/24"]}) == in_use
    same = ["10.70.0.0/16", "10.72.0.0/16"]
    assert act("remove", {"prefixes": ["10.99.0.0/16"]}) == same
    assert act("remove", {"prefixes": ["fd00::/48"]}) == same
    assert act("remove", {"prefixes": ["10.70.128.0/17"]}) == ["10.70.0.0/17", "10.72.0.0/16"]


def test_onboard_network_subnets(api: Api, network: str) -> None:
    id_ = pool(api, "10.70.0.0/16")["id"]
    cidrs = ["10.80.0.0/24", "10.80.1.0/24"]
    subnets = [api.create("subnet", network_id=network, ip_version=4, cidr=cidr) for cidr in cidrs]
    cut(api, network, cidr="fd80::/64", ip_version=6)
    path = f"subnetpools/{id_}/onboard_network_subnets"
    for bad, error in (
        ({}, (400, "InvalidInput")),
        ({"network_id": "x"}, (404, "NetworkNotFound")),
        ({"network_id": {"a": 1}}, (404, "NetworkNotFound")),
    ):
        assert api.refused("PUT", path, bad) == error
    answer = api.call("PUT", f"/v2.0/{path}", {"network_id": network})
    assert answer.status == 200
    assert sorted(found["cidr"] for found in answer.body) == cidrs
    assert api.get(f"subnetpools/{id_}")["subnetpool"]["prefixes"] == [
        "10.70.0.0/16",
        "10.80.0.0/23",
    ]
    after = api.get(f"subnets/{subnets[0]['id']}")["subnet"]
    assert after["subnetpool_id"] == id_
    assert after["revision_number"] == subnets[0]["revision_number"] + 1
    body = {"network_id": network}
    assert api.refused("PUT", path, body) == (400, "IllegalSubnetPoolUpdate")


def test_pools_of_others(api: Api, network: str) -> None:
    a, b = api.as_project(PROJECT_A), api.as_project(PROJECT_B)
    mine, shared = pool(a, "10.1.0.0/16"), pool(api, "10.2.0.0/16", shared=True)
    assert shared["shared"] is True
    [policy] = api.get("rbac-policies", {"object_id": shared["id"]})["rbac_policies"]
    found = (policy["object_type"], policy["action"], policy["target_tenant"])
    assert found == ("subnetpool", "access_as_shared", "*")
    assert [p["id"] for p in b.get("subnetpools")["subnetpools"]] == [shared["id"]]
    own = b.create("network")["id"]
    given = {"prefixlen": 24}
    assert cut(b, own, subnetpool_id=mine["id"], **given) == (404, "SubnetPoolNotFound")
    assert cut(b, own, subnetpool_id=shared["id"], **given)[0] == "10.2.0.0/24"
    for name in ("shared", "is_default"):
        body = {"subnetpool": {"name": "p", "prefixes": ["10.9.0.0/16"], name: True}}
        assert b.refused("POST", "subnetpools", body) == (403, "PolicyNotAuthorized")
    b_pool = pool(b, "10.5.0.0/16")["id"]
    path, body = f"subnetpools/{b_pool}/onboard_network_subnets", {"network_id": network}
    assert b.refused("PUT", path, body)[0] in (403, 404)
    body = {"prefixes": ["10.3.0.0/16"]}
    assert b.refused("PUT", f"subnetpools/{mine['id']}/add_prefixes", body)[0] == 404
    free = pool(api, "10.4.0.0/16", shared=True)["id"]
    assert api.call("DELETE", f"/v2.0/subnetpools/{free}").status == 204
    assert api.get("rbac-policies", {"object_id": free})["rbac_policies"] == []
