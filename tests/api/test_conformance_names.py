# SPDX-License-Identifier: Apache-2.0
"""Names that clients of upstream write in more than one way."""

from __future__ import annotations

import pytest

from tests.api.conftest import Api


@pytest.mark.parametrize("path", ["network-segment-ranges", "network_segment_ranges"])
def test_words_of_a_collection_are_parted_by_hyphens_or_underscores(api: Api, path: str) -> None:
    given = {"network_type": "geneve", "minimum": 70001, "maximum": 70002}
    made = api.create("network_segment_range", path, **given)
    answer = api.get(f"{path}/{made['id']}/tags")
    assert answer == {"tags": []}
    assert made["id"] in {r["id"] for r in api.get(path)["network_segment_ranges"]}


@pytest.mark.parametrize("path", ["address_scopes", "rbac_policies", "availability-zones"])
def test_either_spelling_lists_the_same(api: Api, path: str) -> None:
    other = path.translate(str.maketrans("-_", "_-"))
    assert api.get(path) == api.get(other)


def test_a_hyphen_does_not_make_another_name(api: Api) -> None:
    assert api.refused("GET", "net-works") == (404, "HTTPNotFound")
    assert api.refused("GET", "segment-ranges") == (404, "HTTPNotFound")


@pytest.mark.parametrize("owner", ["network:dhcp", "neutron:x", "compute:nova", "test:web", ":x"])
def test_whom_a_subnet_may_serve(api: Api, owner: str) -> None:
    network = api.create("network")["id"]
    given = {"network_id": network, "ip_version": 4, "cidr": "10.0.0.0/24"}
    subnet = api.create("subnet", **given, service_types=[owner])
    assert subnet["service_types"] == [owner]
    port = api.create("port", network_id=network, device_owner=owner)
    assert [ip["subnet_id"] for ip in port["fixed_ips"]] == [subnet["id"]]


@pytest.mark.parametrize("owner", ["baremetal:none", "zcompute:nova", ""])
def test_whom_no_subnet_may_serve(api: Api, owner: str) -> None:
    network = api.create("network")["id"]
    given = {"network_id": network, "ip_version": 4, "cidr": "10.0.0.0/24"}
    body = {"subnet": {**given, "service_types": [owner]}}
    assert api.refused("POST", "subnets", body) == (400, "InvalidSubnetServiceType")
