# SPDX-License-Identifier: Apache-2.0
"""The thinnest whole path through the API: a network, a subnet, a port."""

from __future__ import annotations

import ipaddress

from tests.api.conftest import PROJECT_A, PROJECT_B, Api


def test_port_gets_mac_and_address(api: Api) -> None:
    network = api.create("network", name="n")
    subnet = api.create("subnet", network_id=network["id"], ip_version=4, cidr="10.0.0.0/24")
    port = api.create("port", network_id=network["id"])
    [ip] = port["fixed_ips"]
    assert ip["subnet_id"] == subnet["id"]
    assert ipaddress.ip_address(ip["ip_address"]) in ipaddress.ip_network(subnet["cidr"])
    assert port["mac_address"].startswith("fa:16:3e:")
    assert api.get(f"ports/{port['id']}")["port"] == port
    assert api.get("networks")["networks"][0]["subnets"] == [subnet["id"]]


def test_projects_do_not_see_each_other(api: Api) -> None:
    a, b = api.as_project(PROJECT_A), api.as_project(PROJECT_B)
    network = a.create("network", name="mine")
    assert b.get("networks")["networks"] == []
    assert b.refused("GET", f"networks/{network['id']}") == (404, "NetworkNotFound")
    assert b.refused("DELETE", f"networks/{network['id']}") == (404, "NetworkNotFound")
    assert [n["id"] for n in api.get("networks")["networks"]] == [network["id"]]


def test_network_in_use_is_kept(api: Api) -> None:
    network = api.create("network")
    port = api.create("port", network_id=network["id"])
    assert api.refused("DELETE", f"networks/{network['id']}") == (409, "NetworkInUse")
    assert api.call("DELETE", f"/v2.0/ports/{port['id']}").status == 204
    assert api.call("DELETE", f"/v2.0/networks/{network['id']}").status == 204
    assert api.refused("GET", f"networks/{network['id']}") == (404, "NetworkNotFound")
