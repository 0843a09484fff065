# SPDX-License-Identifier: Apache-2.0
"""RBAC policies: who may share what with whom, and what keeps a policy."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import PROJECT_A, PROJECT_B, Api

OTHER = "d" * 32
NOWHERE = "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa"
EXTERNAL_DEFAULT: dict[str, Any] = {"router:external": True, "is_default": True}
SHARED, EXTERNAL = "access_as_shared", "access_as_external"


@pytest.fixture
def owner(api: Api) -> Api:
    return api.as_project(PROJECT_A)


@pytest.fixture
def guest(api: Api) -> Api:
    return api.as_project(PROJECT_B)


@pytest.fixture
def network(owner: Api) -> dict[str, Any]:
    return owner.create("network")


def policy(network: dict[str, Any], target: str = PROJECT_B, **given: Any) -> dict[str, Any]:
    common = {"object_type": "network", "object_id": network["id"], "action": SHARED}
    return {"rbac_policy": {**common, "target_tenant": target, **given}}


def grant(api: Api, *args: Any, **given: Any) -> dict[str, Any]:
    answer = api.call("POST", "/v2.0/rbac-policies", policy(*args, **given))
    assert answer.status == 201, answer.body
    found: dict[str, Any] = answer.body["rbac_policy"]
    return found


def sees(api: Api, network: dict[str, Any]) -> bool:
    return api.call("GET", f"/v2.0/networks/{network['id']}").status == 200


def test_an_owner_lets_one_project_in(owner: Api, guest: Api, network: dict[str, Any]) -> None:
    assert not sees(guest, network)
    made = grant(owner, network)
    assert set(made) == {
        "id",
        "project_id",
        "tenant_id",
        "object_type",
        "object_id",
        "target_tenant",
        "action",
    }
    path = f"networks/{network['id']}"
    assert guest.get(path)["network"]["shared"] is True
    assert owner.get(path)["network"]["shared"] is False
    assert guest.create("port", network_id=network["id"])["project_id"] == PROJECT_B
    assert guest.refused("PUT", path, {"network": {"name": "x"}})[0] == 403
    assert guest.refused("GET", f"rbac-policies/{made['id']}") == (404, "RbacPolicyNotFound")
    assert guest.get("rbac-policies")["rbac_policies"] == []


def test_changes_of_sharing_are_changes_of_the_network(
    api: Api, owner: Api, network: dict[str, Any]
) -> None:
    made = grant(owner, network)
    api.call("DELETE", f"/v2.0/rbac-policies/{made['id']}")
    seen = api.get(f"networks/{network['id']}")["network"]
    assert seen["revision_number"] == network["revision_number"] + 2


@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        ({"object_type": "cat"}, (400, "InvalidInput")),
        ({"object_type": 3}, (400, "HTTPBadRequest")),
        ({"action": "eat"}, (400, "InvalidActionForType")),
        ({"object_id": NOWHERE}, (400, "InvalidInput")),
        ({"object_id": "x"}, (400, "HTTPBadRequest")),
        ({"target_tenant": "x"}, (400, "InvalidInput")),
        ({"target_tenant": None}, (400, "HTTPBadRequest")),
        ({"target_project": PROJECT_B}, (400, "HTTPBadRequest")),
    ],
)
def test_refused(
    api: Api, network: dict[str, Any], given: dict[str, Any], refusal: tuple[int, str]
) -> None:
    assert api.refused("POST", "rbac-policies", policy(network, **given)) == refusal


def test_only_admins_share_with_everyone(api: Api, owner: Api, network: dict[str, Any]) -> None:
    refusal = owner.refused("POST", "rbac-policies", policy(network, "*"))
    assert refusal == (403, "PolicyNotAuthorized")
    made = grant(owner, network)
    body = {"rbac_policy": {"target_tenant": "*"}}
    refusal = owner.refused("PUT", f"rbac-policies/{made['id']}", body)
    assert refusal == (403, "PolicyNotAuthorized")
    assert grant(api, network, "*")["target_tenant"] == "*"


def test_only_owners_share(guest: Api, owner: Api, network: dict[str, Any]) -> None:
    body = policy(network, OTHER)
    assert guest.refused("POST", "rbac-policies", body) == (400, "InvalidInput")
    grant(owner, network)
    assert guest.refused("POST", "rbac-policies", body) == (400, "InvalidInput")


def test_no_policy_twice(owner: Api, network: dict[str, Any]) -> None:
    grant(owner, network)
    body = policy(network)
    assert owner.refused("POST", "rbac-policies", body) == (409, "DuplicateRbacPolicy")


def test_a_port_keeps_its_policy(api: Api, owner: Api, guest: Api, network: dict[str, Any]) -> None:
    path = f"rbac-policies/{grant(owner, network)['id']}"
    port = guest.create("port", network_id=network["id"])
    assert owner.refused("DELETE", path) == (409, "RbacPolicyInUse")
    elsewhere = {"rbac_policy": {"target_tenant": OTHER}}
    assert owner.refused("PUT", path, elsewhere) == (409, "RbacPolicyInUse")
    everyone = grant(api, network, "*")
    assert owner.call("DELETE", f"/v2.0/{path}").status == 204
    refusal = api.refused("DELETE", f"rbac-policies/{everyone['id']}")
    assert refusal == (409, "RbacPolicyInUse")
    guest.call("DELETE", f"/v2.0/ports/{port['id']}")
    assert api.call("DELETE", f"/v2.0/rbac-policies/{everyone['id']}").status == 204
    assert not sees(guest, network)


def test_a_policy_may_move(owner: Api, guest: Api, network: dict[str, Any]) -> None:
    path = f"/v2.0/rbac-policies/{grant(owner, network)['id']}"
    answer = owner.call("PUT", path, {"rbac_policy": {"target_tenant": OTHER}})
    assert answer.body["rbac_policy"]["target_tenant"] == OTHER
    assert not sees(guest, network)
    body = {"rbac_policy": {"action": EXTERNAL}}
    assert owner.refused("PUT", path[6:], body) == (400, "HTTPBadRequest")


def test_external_access_makes_a_network_external(
    owner: Api, guest: Api, network: dict[str, Any]
) -> None:
    made = grant(owner, network, action=EXTERNAL)
    seen = guest.get(f"networks/{network['id']}")["network"]
    assert (seen["router:external"], seen["shared"]) == (True, False)
    assert not sees(guest.as_project(OTHER), network)
    owner.call("DELETE", f"/v2.0/rbac-policies/{made['id']}")
    assert owner.get(f"networks/{network['id']}")["network"]["router:external"] is False


def test_the_default_external_network_is_for_everyone(api: Api) -> None:
    network = api.create("network", **EXTERNAL_DEFAULT)
    made = api.get("rbac-policies", {"object_id": network["id"]})["rbac_policies"][0]
    refusal = api.refused("DELETE", f"rbac-policies/{made['id']}")
    assert refusal == (409, "RbacPolicyInUse")


def test_filters(owner: Api, network: dict[str, Any]) -> None:
    made = [grant(owner, network), grant(owner, network, action=EXTERNAL)]

    def found(**query: str) -> list[str]:
        return [p["id"] for p in owner.get("rbac-policies", query)["rbac_policies"]]

    assert set(found(object_type="network")) == {p["id"] for p in made}
    assert found(action=SHARED) == [made[0]["id"]]
    assert found(object_type="subnetpool") == []
    refusal = owner.refused("GET", "rbac-policies", query={"object_type": "cat"})
    assert refusal == (400, "InvalidInput")


def test_pools_and_scopes(owner: Api, guest: Api) -> None:
    scope = owner.create("address_scope", "address-scopes", name="s", ip_version=4)
    pool = owner.create(
        "subnetpool", name="p", prefixes=["10.0.0.0/8"], address_scope_id=scope["id"]
    )
    of_scope = {"object_type": "address_scope", "object_id": scope["id"]}
    of_pool = {"object_type": "subnetpool", "object_id": pool["id"]}
    refusal = owner.refused("POST", "rbac-policies", policy(scope, **of_scope, action=EXTERNAL))
    assert refusal == (400, "InvalidActionForType")
    refusal = owner.refused("POST", "rbac-policies", policy(pool, **of_pool))
    assert refusal == (400, "RbacPolicyInitError")
    grant(owner, scope, **of_scope)
    made = grant(owner, pool, **of_pool)
    assert guest.get(f"subnetpools/{pool['id']}")["subnetpool"]["shared"] is True
    network = guest.create("network")
    given = {"network_id": network["id"], "ip_version": 4, "subnetpool_id": pool["id"]}
    guest.create("subnet", **given, prefixlen=24)
    refusal = owner.refused("DELETE", f"rbac-policies/{made['id']}")
    assert refusal == (409, "RbacPolicyInUse")
    seen = guest.get(f"networks/{network['id']}")["network"]
    assert (seen["ipv4_address_scope"], seen["ipv6_address_scope"]) == (scope["id"], None)
