# SPDX-License-Identifier: Apache-2.0
"""Address scopes. The expected answers were taken from upstream 29.0.0."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import PROJECT_A, PROJECT_B, Api


def scope(api: Api, **given: Any) -> dict[str, Any]:
    return api.create("address_scope", "address-scopes", **{"ip_version": 4, **given})


def pool(api: Api, prefix: str, **given: Any) -> dict[str, Any]:
    return api.create("subnetpool", name="p", prefixes=[prefix], default_prefixlen=24, **given)


def refused_pool(api: Api, prefix: str, **given: Any) -> tuple[int, str]:
    body = {"subnetpool": {"name": "p", "prefixes": [prefix], **given}}
    return api.refused("POST", "subnetpools", body)


def test_a_scope_has_every_attribute_of_upstream(api: Api) -> None:
    made = scope(api, name="s")
    assert made.pop("tenant_id") == made.pop("project_id")
    id_ = made.pop("id")
    assert made == {"name": "s", "shared": False, "ip_version": 4}
    shown = api.get(f"address-scopes/{id_}")["address_scope"]
    assert {name: shown[name] for name in made} == made


@pytest.mark.parametrize(
    "given",
    [{"ip_version": 5}, {"ip_version": None}, {"name": None}, {"description": "d"}, {"tags": []}],
)
def test_refused(api: Api, given: dict[str, Any]) -> None:
    body = {"address_scope": {"ip_version": 4, **given}}
    assert api.refused("POST", "address-scopes", body)[0] == 400


def test_a_shared_scope_stays_shared(api: Api) -> None:
    made = scope(api)
    path = f"address-scopes/{made['id']}"
    assert api.refused("PUT", path, {"address_scope": {"ip_version": 6}})[0] == 400
    for _ in range(2):
        answer = api.call("PUT", f"/v2.0/{path}", {"address_scope": {"shared": True}})
        assert answer.body["address_scope"]["shared"] is True
    body = {"address_scope": {"shared": False}}
    assert api.refused("PUT", path, body) == (400, "AddressScopeUpdateError")
    policies = api.get("rbac-policies", {"object_id": made["id"]})["rbac_policies"]
    assert [(p["object_type"], p["target_tenant"]) for p in policies] == [("address_scope", "*")]
    assert [s["id"] for s in api.get("address-scopes", "shared=true")["address_scopes"]] == [
        made["id"]
    ]
    seen = api.as_project(PROJECT_B).get("address-scopes")["address_scopes"]
    assert [s["id"] for s in seen] == [made["id"]]
    assert api.call("DELETE", f"/v2.0/{path}").status == 204
    assert api.get("rbac-policies", {"object_id": made["id"]})["rbac_policies"] == []


def test_pools_of_a_scope_have_no_address_in_common(api: Api) -> None:
    v4, v6 = scope(api)["id"], scope(api, ip_version=6)["id"]
    one = pool(api, "10.10.0.0/16", address_scope_id=v4)
    conflict = (409, "AddressScopePrefixConflict")
    assert refused_pool(api, "10.10.128.0/17", address_scope_id=v4) == conflict
    wrong = (400, "IllegalSubnetPoolIpVersionAssociationToAddressScope")
    assert refused_pool(api, "10.11.0.0/16", address_scope_id=v6) == wrong
    assert refused_pool(api, "10.11.0.0/16", address_scope_id="x") == (400, "HTTPBadRequest")
    missing = "00000000-0000-4000-8000-000000000000"
    refused = refused_pool(api, "10.11.0.0/16", address_scope_id=missing)
    assert refused == (404, "AddressScopeNotFound")
    several = [{"name": "p", "prefixes": ["10.12.0.0/16"], "address_scope_id": v4}] * 2
    assert api.refused("POST", "subnetpools", {"subnetpools": several}) == conflict
    two, free = pool(api, "10.11.0.0/16", address_scope_id=v4), pool(api, "10.10.5.0/24")
    path = f"subnetpools/{two['id']}"
    body = {"subnetpool": {"prefixes": ["10.11.0.0/16", "10.10.0.0/24"]}}
    assert api.refused("PUT", path, body) == conflict
    body = {"prefixes": ["10.10.0.0/24"]}
    assert api.refused("PUT", f"{path}/add_prefixes", body) == conflict
    body = {"subnetpool": {"address_scope_id": v4}}
    assert api.refused("PUT", f"subnetpools/{free['id']}", body) == conflict
    assert api.refused("DELETE", f"address-scopes/{v4}") == (409, "AddressScopeInUse")
    for made in (one, two):
        body = {"subnetpool": {"address_scope_id": None}}
        assert api.call("PUT", f"/v2.0/subnetpools/{made['id']}", body).status == 200
    assert api.call("DELETE", f"/v2.0/address-scopes/{v4}").status == 204


def test_subnets_of_a_network_are_in_one_scope(api: Api) -> None:
    network, id_ = api.create("network")["id"], scope(api)["id"]
    one, two = (pool(api, f"10.{n}.0.0/16", address_scope_id=id_) for n in (1, 2))
    outside = pool(api, "10.3.0.0/16", address_scope_id=scope(api)["id"])

    def refused(**given: Any) -> tuple[int, str]:
        body = {"network_id": network, "ip_version": 4, **given}
        return api.refused("POST", "subnets", {"subnet": body})

    for made in (one, two):
        api.create("subnet", network_id=network, ip_version=4, subnetpool_id=made["id"])
    shown = api.get(f"networks/{network}")["network"]
    assert (shown["ipv4_address_scope"], shown["ipv6_address_scope"]) == (id_, None)
    assert refused(subnetpool_id=outside["id"]) == (400, "NetworkAddressScopeAffinityError")
    assert refused(cidr="10.9.0.0/24") == (400, "NetworkSubnetPoolAffinityError")
    body = {"subnetpool": {"address_scope_id": outside["address_scope_id"]}}
    leaving = api.refused("PUT", f"subnetpools/{one['id']}", body)
    assert leaving == (400, "NetworkAddressScopeAffinityError")
    change = {"subnetpool": {"name": "renamed"}}
    assert api.call("PUT", f"/v2.0/subnetpools/{one['id']}", change).status == 200


def test_scopes_of_others(api: Api) -> None:
    a, b = api.as_project(PROJECT_A), api.as_project(PROJECT_B)
    mine, shared = scope(a)["id"], scope(api, shared=True)["id"]
    assert refused_pool(b, "10.1.0.0/16", address_scope_id=mine) == (404, "AddressScopeNotFound")
    made = pool(b, "10.1.0.0/16", address_scope_id=shared)
    body = {"subnetpool": {"name": "x"}}
    refused = b.refused("PUT", f"subnetpools/{made['id']}", body)
    assert refused == (400, "IllegalSubnetPoolUpdate")
    body = {"address_scope": {"ip_version": 4, "shared": True}}
    assert b.refused("POST", "address-scopes", body) == (403, "PolicyNotAuthorized")
    assert b.refused("PUT", f"address-scopes/{mine}", {"address_scope": {"name": "x"}})[0] == 404
