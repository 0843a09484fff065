# SPDX-License-Identifier: Apache-2.0
"""A network's rows as a switch."""

from __future__ import annotations

from deuteron.engine.compile.network import compile_network
from deuteron.engine.model import Switch, Uplink
from tests.compile.rows import network, segment

BLUE = Switch(id="net", name="blue", project_id="acme", mtu=1442, enabled=True)


def test_an_overlay_network_has_no_uplink() -> None:
    assert compile_network(network(), [segment()]) == BLUE


def test_provider_segments_are_uplinks_in_a_stable_order() -> None:
    segments = [
        segment(id="b", network_type="vlan", physical_network="phys", segmentation_id=101),
        segment(id="a", network_type="flat", physical_network="other", segmentation_id=None),
        segment(id="c"),
    ]
    uplinks = (Uplink("a", "other", None), Uplink("b", "phys", 101))
    for order in (segments, segments[::-1]):
        assert compile_network(network(), order).uplinks == uplinks


def test_what_a_network_says_of_itself() -> None:
    row = network(
        admin_state_up=False, mtu=9000, vlan_transparent=True, availability_zone_hints=["nova"]
    )
    switch = compile_network(row, [])
    assert not switch.enabled
    assert (switch.mtu, switch.vlan_transparent) == (9000, True)
    assert switch.availability_zone_hints == ("nova",)
