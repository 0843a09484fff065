# SPDX-License-Identifier: Apache-2.0
"""The largest packet of each kind of segment."""

from __future__ import annotations

from typing import Any

import pytest

from deuteron.domain.mtu import check_subnets, largest, network_mtu
from deuteron.errors import ApiError
from deuteron.settings import Settings


def settings(**given: Any) -> Settings:
    return Settings(database="sqlite:///unused", **given)


@pytest.mark.parametrize(
    ("network_type", "mtu"),
    [("flat", 1500), ("vlan", 1500), ("geneve", 1442), ("vxlan", 1450), ("gre", 1458)],
)
def test_defaults(network_type: str, mtu: int) -> None:
    assert largest(settings(), network_type, "foo") == mtu


def test_local_has_no_limit_of_its_own() -> None:
    assert largest(settings(), "local", None) is None
    local = {"network_type": "local", "physical_network": None}
    assert network_mtu(settings(), [local], 0) == 1500


def test_a_physical_network_may_be_narrower() -> None:
    narrow = settings(physical_network_mtus={"foo": 1400})
    assert largest(narrow, "vlan", "foo") == 1400
    assert largest(narrow, "vlan", "bar") == 1500


def test_tunnels_follow_the_path_and_the_outer_header() -> None:
    assert largest(settings(path_mtu=1400), "vxlan", None) == 1350
    assert largest(settings(overlay_ip_version=6), "geneve", None) == 1422
    assert largest(settings(global_physnet_mtu=9000), "geneve", None) == 8942


def test_the_narrowest_segment_decides() -> None:
    segments: list[dict[str, Any]] = [
        {"network_type": "vlan", "physical_network": "foo"},
        {"network_type": "vxlan", "physical_network": None},
    ]
    assert network_mtu(settings(), segments, 0) == 1450
    assert network_mtu(settings(), segments, 1300) == 1300
    with pytest.raises(ApiError) as refused:
        network_mtu(settings(), segments, 1451)
    assert refused.value.type == "InvalidInput"
    assert "maximum is 1450" in refused.value.message


@pytest.mark.parametrize(
    ("mtu", "versions", "least"),
    [(67, [4], 68), (1279, [4, 6], 1280), (67, [6], 68)],
)
def test_subnets_need_room(mtu: int, versions: list[int], least: int) -> None:
    with pytest.raises(ApiError) as refused:
        check_subnets("n", mtu, versions)
    assert refused.value.type == "NetworkMTUSubnetConflict"
    assert refused.value.message.endswith(f"minimum of {least}")


@pytest.mark.parametrize(("mtu", "versions"), [(68, [4]), (1280, [6]), (20, [])])
def test_enough_room(mtu: int, versions: list[int]) -> None:
    check_subnets("n", mtu, versions)
