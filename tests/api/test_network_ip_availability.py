# SPDX-License-Identifier: Apache-2.0
"""How many addresses networks have left."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import PROJECT_A, Api

PATH = "network-ip-availabilities"
KEY = "network_ip_availabilities"


@pytest.fixture
def network(api: Api) -> dict[str, Any]:
    """A network with a /24 of which 191 can be allocated, a /64, and one port on each."""
    network = api.create("network", name="n", project_id=PROJECT_A)
    common = {"network_id": network["id"]}
    pools = [{"start": "10.77.0.10", "end": "10.77.0.200"}]
    four = api.create(
        "subnet", **common, ip_version=4, cidr="10.77.0.0/24", name="four", allocation_pools=pools
    )
    six = api.create("subnet", **common, ip_version=6, cidr="fd00:77::/64", name="six")
    api.create("port", **common)
    outside = {"subnet_id": four["id"], "ip_address": "10.77.0.5"}
    api.create("port", **common, fixed_ips=[outside])
    return {**network, "four": four["id"], "six": six["id"]}


def test_counts(api: Api, network: dict[str, Any]) -> None:
    found = api.get(f"{PATH}/{network['id']}")["network_ip_availability"]
    assert (found["network_name"], found["project_id"]) == ("n", PROJECT_A)
    assert found["tenant_id"] == PROJECT_A
    subnets = {s.pop("subnet_id"): s for s in found["subnet_ip_availability"]}
    assert subnets[network["four"]] == {
        "ip_version": 4,
        "cidr": "10.77.0.0/24",
        "subnet_name": "four",
        "used_ips": 2,
        "total_ips": 191,
        "ip_availability_details": {
            "total_ips_in_subnet": 254,
            "total_ips_in_allocation_pool": 191,
            "used_ips_in_subnet": 2,
            "used_ips_in_allocation_pool": 1,
        },
    }
    six = subnets[network["six"]]
    assert six["ip_availability_details"]["total_ips_in_subnet"] == 2**64
    assert found["used_ips"] == 3
    assert found["total_ips"] == 191 + six["total_ips"]
    assert found["ip_availability_details"]["total_ips_in_subnet"] == 254 + 2**64


def test_a_network_without_subnets(api: Api) -> None:
    network = api.create("network")
    found = api.get(PATH, {"network_id": network["id"]})[KEY]
    assert [(f["total_ips"], f["subnet_ip_availability"]) for f in found] == [(0, [])]


def test_filters(api: Api, network: dict[str, Any]) -> None:
    api.create("network", name="other")

    def names(**query: Any) -> list[str]:
        return sorted(f["network_name"] for f in api.get(PATH, query)[KEY])

    assert names() == ["n", "other"]
    assert names(network_id=network["id"]) == ["n"]
    assert names(network_name="other") == ["other"]
    assert names(project_id=PROJECT_A) == names(tenant_id=PROJECT_A) == ["n"]
    assert names(ip_version=4) == ["n"]
    only = api.get(PATH, {"ip_version": "6"})[KEY][0]
    assert [s["ip_version"] for s in only["subnet_ip_availability"]] == [6]
    assert len(api.get(PATH, {"limit": "1", "fields": "network_id"})[KEY]) == 1
    assert api.refused("GET", PATH, query={"used_ips": "1"}) == (400, "HTTPBadRequest")


def test_only_for_admins(api: Api, network: dict[str, Any]) -> None:
    member = api.as_project(PROJECT_A)
    assert member.get(PATH)[KEY] == []
    assert member.refused("GET", f"{PATH}/{network['id']}") == (404, "NetworkNotFound")


def test_missing(api: Api) -> None:
    assert api.refused("GET", f"{PATH}/nothing") == (404, "NetworkNotFound")
