# SPDX-License-Identifier: Apache-2.0
"""Subnets. The expected answers were taken from upstream 29.0.0."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from tests.api.conftest import PROJECT_A, PROJECT_B, Api

Body = dict[str, Any]


@pytest.fixture
def network(api: Api) -> str:
    return str(api.create("network")["id"])


def ask(api: Api, network: str, **given: Any) -> tuple[int, Any]:
    """Status, and the subnet or the error's type and message, of a create."""
    body = {"network_id": network, "ip_version": 6 if ":" in str(given.get("cidr")) else 4, **given}
    answer = api.call("POST", "/v2.0/subnets", {"subnet": body})
    if answer.status == 201:
        return 201, answer.body["subnet"]
    error = answer.body["NeutronError"]
    return answer.status, f"{error['type']}: {error['message']}"


def pools(*ends: tuple[str, str]) -> list[Body]:
    return [{"start": start, "end": end} for start, end in ends]


def routes(*pairs: tuple[str, str]) -> list[Body]:
    return [{"destination": to, "nexthop": by} for to, by in pairs]


def test_a_subnet_has_every_attribute_of_upstream(api: Api, network: str) -> None:
    made = api.create(
        "subnet",
        name="s",
        network_id=network,
        ip_version=4,
        cidr="10.77.0.0/24",
        dns_nameservers=["8.8.8.8"],
        host_routes=routes(("10.9.0.0/16", "10.77.0.9")),
        allocation_pools=pools(("10.77.0.10", "10.77.0.200")),
    )
    times = {made.pop(name) for name in ("created_at", "updated_at")}
    assert len(times) == 1
    assert made.pop("tenant_id") == made.pop("project_id")
    assert made.pop("id")
    assert made == {
        "name": "s",
        "network_id": network,
        "ip_version": 4,
        "subnetpool_id": None,
        "enable_dhcp": True,
        "ipv6_ra_mode": None,
        "ipv6_address_mode": None,
        "gateway_ip": "10.77.0.1",
        "cidr": "10.77.0.0/24",
        "allocation_pools": pools(("10.77.0.10", "10.77.0.200")),
        "host_routes": routes(("10.9.0.0/16", "10.77.0.9")),
        "dns_nameservers": ["8.8.8.8"],
        "description": "",
        "router:external": False,
        "service_types": [],
        "dns_publish_fixed_ip": False,
        "segment_id": None,
        "tags": [],
        "revision_number": 0,
    }


@pytest.mark.parametrize(
    ("given", "cidr", "gateway", "first", "last"),
    [
        ({"cidr": "10.0.0.5/24"}, "10.0.0.0/24", "10.0.0.1", "10.0.0.2", "10.0.0.254"),
        ({"cidr": "10.8.0.0/255.255.255.0"}, "10.8.0.0/24", "10.8.0.1", "10.8.0.2", "10.8.0.254"),
        ({"cidr": "FD00:0::1/126"}, "fd00::/126", "fd00::", "fd00::1", "fd00::3"),
        (
            {"cidr": "10.0.0.0/24", "gateway_ip": None},
            "10.0.0.0/24",
            None,
            "10.0.0.1",
            "10.0.0.254",
        ),
        (
            {"cidr": "10.0.0.0/24", "gateway_ip": "192.168.0.1"},
            "10.0.0.0/24",
            "192.168.0.1",
            "10.0.0.1",
            "10.0.0.254",
        ),
        (
            {"cidr": "10.0.0.0/24", "gateway_ip": "10.0.0.254"},
            "10.0.0.0/24",
            "10.0.0.254",
            "10.0.0.1",
            "10.0.0.253",
        ),
        (
            {"cidr": "fd00::/126", "gateway_ip": "fe80::1"},
            "fd00::/126",
            "fe80::1",
            "fd00::1",
            "fd00::3",
        ),
        (
            {"cidr": "10.9.0.2/32", "enable_dhcp": False},
            "10.9.0.2/32",
            "10.9.0.3",
            "10.9.0.2",
            "10.9.0.2",
        ),
        (
            {"cidr": "fd00::/127", "enable_dhcp": False},
            "fd00::/127",
            "fd00::",
            "fd00::1",
            "fd00::1",
        ),
        ({"cidr": "::1/128", "enable_dhcp": False}, "::1/128", "::1", "::1", "::1"),
        (
            {"cidr": "10.0.0.0/24", "allocation_pools": []},
            "10.0.0.0/24",
            "10.0.0.1",
            "10.0.0.2",
            "10.0.0.254",
        ),
    ],
)
def test_blocks_gateways_and_pools_that_follow(
    api: Api, network: str, given: Body, cidr: str, gateway: str | None, first: str, last: str
) -> None:
    status, made = ask(api, network, **given)
    assert status == 201, made
    assert (made["cidr"], made["gateway_ip"]) == (cidr, gateway)
    assert made["allocation_pools"] == pools((first, last))


def test_a_gateway_within_splits_the_pool(api: Api, network: str) -> None:
    _, made = ask(api, network, cidr="10.0.0.0/29", gateway_ip="10.0.0.4")
    assert made["allocation_pools"] == pools(("10.0.0.1", "10.0.0.3"), ("10.0.0.5", "10.0.0.6"))


INPUT = "InvalidInput: Invalid input for operation: "


REFUSALS = json.loads((Path(__file__).parent / "subnet_refusals.json").read_text())


@pytest.mark.parametrize("refusal", REFUSALS, ids=[str(r["given"]) for r in REFUSALS])
def test_refused(api: Api, network: str, refusal: Body) -> None:
    error = f"{refusal['type']}: {refusal['message']}"
    assert ask(api, network, **refusal["given"]) == (refusal["status"], error)


@pytest.mark.parametrize(
    "bad",
    [
        {"cidr": {"a": 1}},
        {"cidr": "10.0.0.0/24\x00"},
        {"allocation_pools": 5},
        {"allocation_pools": [None]},
        {"allocation_pools": [{"start": None, "end": []}]},
        {"dns_nameservers": ["8.8.8.8", "8.8.8.8"]},
        {"dns_nameservers": {"a": 1}},
        {"host_routes": [{"destination": "10.1.0.5/16", "nexthop": "10.0.0.9"}]},
        {"host_routes": routes(*[("10.1.0.0/16", "10.0.0.9")] * 2)},
        {"host_routes": ["x"]},
        {"ip_version": 5},
        {"ip_version": None},
        {"enable_dhcp": "x"},
        {"ipv6_ra_mode": "SLAAC"},
        {"prefixlen": -1},
        {"prefixlen": 10**30},
        {"name": "x" * 256},
        {"gateway_ip": 10**40},
        {"network_id": "x"},
        {"segment_id": "x"},
        {"service_types": [None]},
        {"dns_publish_fixed_ip": []},
        {"use_default_subnetpool": "x"},
    ],
)
def test_bad_values_are_the_callers_fault(api: Api, network: str, bad: Body) -> None:
    body = {"network_id": network, "ip_version": 4, "cidr": "10.0.0.0/24", **bad}
    answer = api.call("POST", "/v2.0/subnets", {"subnet": body})
    assert answer.status == 400, answer.body


@pytest.mark.parametrize("ra", [None, "slaac", "dhcpv6-stateful", "dhcpv6-stateless"])
@pytest.mark.parametrize("address", [None, "slaac", "dhcpv6-stateful", "dhcpv6-stateless"])
def test_ipv6_modes_agree(api: Api, network: str, ra: str | None, address: str | None) -> None:
    given = {"cidr": "fd00::/64", "ipv6_ra_mode": ra, "ipv6_address_mode": address}
    status, _ = ask(api, network, **given)
    assert status == (400 if ra and address and ra != address else 201)


@pytest.mark.parametrize("other", ["10.0.0.0/24", "10.0.0.128/25", "10.0.0.0/16"])
def test_subnets_of_a_network_do_not_overlap(api: Api, network: str, other: str) -> None:
    ask(api, network, cidr="10.0.0.0/24")
    refused = f"Requested subnet with cidr: {other} for network: {network} overlaps with another"
    assert ask(api, network, cidr=other) == (400, f"{INPUT}{refused} subnet.")
    assert ask(api, str(api.create("network")["id"]), cidr=other)[0] == 201
    assert ask(api, network, cidr="fd00::/64")[0] == 201


def test_bulk_is_all_or_nothing_and_checks_within_itself(api: Api, network: str) -> None:
    def body(*cidrs: str) -> Body:
        return {"subnets": [{"network_id": network, "ip_version": 4, "cidr": c} for c in cidrs]}

    assert api.refused("POST", "subnets", body("10.0.0.0/24", "10.0.0.0/25"))[0] == 400
    assert api.get("subnets")["subnets"] == []
    answer = api.call("POST", "/v2.0/subnets", body("10.0.0.0/24", "10.0.1.0/24"))
    assert [s["cidr"] for s in answer.body["subnets"]] == ["10.0.0.0/24", "10.0.1.0/24"]


def test_a_subnet_counts_as_a_change_of_its_network(api: Api, network: str) -> None:
    def revision() -> int:
        return int(api.get(f"networks/{network}")["network"]["revision_number"])

    before = revision()
    _, made = ask(api, network, cidr="10.0.0.0/24")
    assert revision() == before + 1
    api.call("PUT", f"/v2.0/subnets/{made['id']}", {"subnet": {"gateway_ip": None}})
    assert revision() == before + 2
    api.call("DELETE", f"/v2.0/subnets/{made['id']}")
    assert revision() == before + 3


def test_mtu_must_carry_the_ip_version(api: Api) -> None:
    network = str(api.create("network", mtu=1200)["id"])
    assert ask(api, network, cidr="fd00::/64")[0] == 409
    assert ask(api, network, cidr="10.0.0.0/24")[0] == 201


def test_update(api: Api, network: str) -> None:
    _, made = ask(api, network, cidr="10.0.0.0/24")

    def put(**given: Any) -> tuple[int, Any]:
        answer = api.call("PUT", f"/v2.0/subnets/{made['id']}", {"subnet": given})
        if answer.status != 200:
            return answer.status, answer.body["NeutronError"]["type"]
        return 200, {name: answer.body["subnet"][name] for name in given}

    for name in ("cidr", "network_id", "ip_version", "subnetpool_id", "ipv6_ra_mode", "prefixlen"):
        assert put(**{name: made.get(name)}) == (400, "HTTPBadRequest")
    assert put(gateway_ip="10.0.0.5") == (409, "GatewayConflictWithAllocationPools")
    both = {"gateway_ip": "10.0.0.5", "allocation_pools": pools(("10.0.0.10", "10.0.0.20"))}
    assert put(**both) == (200, both)
    assert put(gateway_ip=None) == (200, {"gateway_ip": None})
    assert put(gateway_ip="10.0.0.0") == (400, "InvalidInput")
    assert put(gateway_ip="10.0.0.1") == (200, {"gateway_ip": "10.0.0.1"})
    assert put(allocation_pools=pools(("10.0.0.1", "10.0.0.9")))[0] == 409
    assert put(allocation_pools=pools(("10.1.0.1", "10.1.0.9"))) == (
        400,
        "OutOfBoundsAllocationPool",
    )
    assert put(allocation_pools=[]) == (200, {"allocation_pools": []})
    assert put(dns_nameservers=["9.9.9.9", "8.8.8.8"])[0] == 200
    assert put(dns_nameservers=None) == (200, {"dns_nameservers": []})
    assert api.get(f"subnets/{made['id']}")["subnet"]["dns_nameservers"] == []
    assert put(host_routes=routes(("10.1.0.0/16", "10.0.0.9")))[0] == 200
    assert put(host_routes=routes(("fd00::/64", "fd00::1"))) == (400, "InvalidInput")
    assert put(enable_dhcp=False) == (200, {"enable_dhcp": False})
    assert put(enable_dhcp=None) == (400, "InvalidInput")
    assert put(service_types=["compute:x"]) == (200, {"service_types": ["compute:x"]})
    assert put(dns_publish_fixed_ip=True) == (200, {"dns_publish_fixed_ip": True})


def test_dhcp_and_ipv6_modes_on_update(api: Api, network: str) -> None:
    given = {"cidr": "fd00::/64", "ipv6_ra_mode": "slaac", "ipv6_address_mode": "slaac"}
    _, made = ask(api, network, **given)
    path = f"subnets/{made['id']}"
    body = {"subnet": {"enable_dhcp": False}}
    assert api.refused("PUT", path, body) == (400, "InvalidInput")
    _, small = ask(api, network, cidr="10.0.0.0/31", enable_dhcp=False, gateway_ip=None)
    body = {"subnet": {"enable_dhcp": True}}
    assert api.refused("PUT", f"subnets/{small['id']}", body) == (400, "InvalidInput")


def test_only_the_networks_owner_adds_subnets(api: Api) -> None:
    a, b = api.as_project(PROJECT_A), api.as_project(PROJECT_B)
    network = a.create("network")["id"]
    api.create("network", shared=True, project_id=PROJECT_A)
    [shared] = b.get("networks", {"shared": "true"})["networks"]
    body = {"network_id": shared["id"], "ip_version": 4, "cidr": "10.0.0.0/24"}
    assert b.refused("POST", "subnets", {"subnet": body}) == (403, "PolicyNotAuthorized")
    mine = a.create("subnet", network_id=network, ip_version=4, cidr="10.0.0.0/24")
    assert "segment_id" not in mine
    seen = a.create("subnet", **body)
    assert [s["id"] for s in b.get("subnets")["subnets"]] == [seen["id"]]
    assert b.refused("GET", f"subnets/{mine['id']}") == (404, "SubnetNotFound")
    assert b.refused("DELETE", f"subnets/{mine['id']}") == (404, "SubnetNotFound")
    assert b.refused("DELETE", f"subnets/{seen['id']}")[0] in (403, 404)
    body |= {"cidr": "10.0.1.0/24", "service_types": ["network:dhcp"]}
    assert a.create("subnet", **body)["service_types"] == ["network:dhcp"]


def test_filters_by_what_the_network_is(api: Api, network: str) -> None:
    ask(api, network, cidr="10.0.0.0/24")
    outside = str(api.create("network", **{"router:external": True})["id"])
    _, external = ask(api, outside, cidr="10.0.0.0/24")
    assert external["router:external"] is True
    shared = str(api.create("network", shared=True)["id"])
    ask(api, shared, cidr="10.0.0.0/24")

    def networks(**filters: str) -> set[str]:
        return {s["network_id"] for s in api.get("subnets", filters)["subnets"]}

    assert networks(**{"router:external": "true"}) == {outside}
    assert networks(**{"router:external": "false"}) == {network, shared}
    assert networks(shared="true") == {shared}
    assert networks(shared="false") == {network, outside}
    for name in ("service_types", "dns_nameservers", "prefixlen", "use_default_subnetpool"):
        assert api.refused("GET", "subnets", query={name: "x"})[0] == 400


@pytest.fixture
def statements() -> Iterator[list[str]]:
    seen: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    yield seen
    sa.event.remove(sa.Engine, "before_cursor_execute", note)


def test_statements_do_not_grow_with_rows(api: Api, network: str, statements: list[str]) -> None:
    def cost(method: str, body: Any = None) -> int:
        statements.clear()
        assert api.call(method, "/v2.0/subnets", body).status in (200, 201)
        return len(statements)

    def several(start: int, count: int) -> Body:
        wanted = [f"10.{start}.{i}.0/24" for i in range(count)]
        return {"subnets": [{"network_id": network, "ip_version": 4, "cidr": c} for c in wanted]}

    cost("POST", several(0, 1))  # a new connection asks its server a few things
    few, few_listed = cost("POST", several(1, 2)), cost("GET")
    assert cost("POST", several(2, 50)) == few
    assert cost("GET") == few_listed
    assert few_listed <= 3, statements
    assert few <= 12, statements
