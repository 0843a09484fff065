# SPDX-License-Identifier: Apache-2.0
"""Where a frame goes on a switch, and what is said of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deuteron.engine.model import AddressPair, Ref, Switch, SwitchPort, Uplink
from deuteron.engine.simulator import Packet, SimulatedNetwork
from deuteron.engine.simulator.packet import BROADCAST, udp
from tests.engine.simulator.building import (
    A4,
    A_MAC,
    B4,
    B_MAC,
    C_MAC,
    NET,
    A,
    B,
    C,
    secured,
    unsecured,
)

STRANGER = "02:00:00:00:00:99"
HELLO = udp(A_MAC, B_MAC, A4, B4)
TO_ALL = udp(A_MAC, BROADCAST, A4, "255.255.255.255")
TO_NOBODY = udp(A_MAC, STRANGER, A4, "10.0.0.99")


def ends(packet: Packet, *objects: Switch | SwitchPort, at: str = "a") -> set[str]:
    return set(SimulatedNetwork(objects).passes(packet, at).delivered_to)


def last_reason(packet: Packet, *objects: Switch | SwitchPort, at: str = "a") -> str:
    return SimulatedNetwork(objects).passes(packet, at).reasons[-1]


def test_unicast_reaches_the_owner_of_the_mac_alone() -> None:
    verdict = SimulatedNetwork([NET, A, B, C]).passes(HELLO, "a")
    assert verdict.delivered_to == {"b"}
    assert verdict.reasons == [
        f"lookup at net: {B_MAC} belongs to port b",
        "delivery at b: delivered",
    ]


def test_broadcast_reaches_everybody_else() -> None:
    assert ends(TO_ALL, NET, A, B, C) == {"b", "c"}


def test_a_group_reaches_everybody_whatever_their_addresses() -> None:
    group = udp(A_MAC, "01:00:5e:00:00:09", A4, "224.0.0.9")
    assert ends(group, NET, A, B, C) == {"b", "c"}


def test_unknown_mac_goes_to_ports_without_security_and_uplinks() -> None:
    assert ends(TO_NOBODY, NET, A, B) == set()
    assert "no other port" in last_reason(TO_NOBODY, NET, A, B)
    assert ends(TO_NOBODY, NET, A, B, C) == {"c"}
    wired = replace(NET, uplinks=(Uplink("segment", "physnet", None),))
    assert ends(TO_NOBODY, wired, A, B) == {"segment"}


def test_a_mac_of_an_address_pair_is_known() -> None:
    pair = AddressPair(STRANGER, ("10.0.0.99",))
    assert ends(TO_NOBODY, NET, A, secured("b", B_MAC, B4, pairs=(pair,)), C) == {"b"}


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"enabled": False}, "delivery at b: the port is disabled"),
        ({"host": ""}, "delivery at b: no device is plugged"),
        ({"addresses": ("10.0.0.99",)}, "delivery at b: delivered"),
    ],
)
def test_why_the_receiver_gets_nothing(change: dict, why: str) -> None:
    assert last_reason(HELLO, NET, A, replace(B, **change)) == why


def test_reserved_port_moves_nothing() -> None:
    assert ends(HELLO, NET, A, replace(B, role="reserved")) == set()
    assert ends(TO_ALL, NET, A, replace(B, role="reserved")) == set()
    assert ends(HELLO, NET, replace(A, role="reserved"), B) == set()


def test_distributed_port_needs_no_host() -> None:
    assert ends(HELLO, NET, A, replace(B, role="distributed", host="")) == {"b"}


@pytest.mark.parametrize(
    ("network", "sender", "packet", "why"),
    [
        (replace(NET, enabled=False), A, HELLO, "the network is disabled"),
        (NET, replace(A, enabled=False), HELLO, "the port is disabled"),
        (NET, replace(A, host=""), HELLO, "no device is plugged"),
        (NET, A, replace(HELLO, vlan=5), "a VLAN tag on a network"),
        (NET, C, replace(HELLO, src_mac=BROADCAST), "the source MAC is a group address"),
        (NET, A, replace(HELLO, src_mac=STRANGER), f"source MAC {STRANGER} is not allowed"),
        (NET, A, replace(HELLO, src_ip="10.0.0.9"), "source address 10.0.0.9 is not allowed"),
    ],
)
def test_why_the_sender_may_not(
    network: Switch, sender: SwitchPort, packet: Packet, why: str
) -> None:
    verdict = SimulatedNetwork([network, sender, B]).passes(packet, sender.id)
    assert not verdict.delivered_to
    assert len(verdict.hops) == 1
    assert why in verdict.reasons[0]


def test_receiver_security_decides_on_the_destination_address() -> None:
    wrong = replace(HELLO, dst_ip="10.0.0.99")
    assert "destination address 10.0.0.99" in last_reason(wrong, NET, A, B)
    assert ends(replace(wrong, dst_mac=C_MAC), NET, A, C) == {"c"}


def test_a_port_without_security_may_send_anything() -> None:
    lie = replace(HELLO, src_mac=STRANGER, src_ip="192.0.2.1")
    assert ends(lie, NET, B, C, at="c") == {"b"}


def test_vlan_transparent_network_takes_tags() -> None:
    assert ends(replace(HELLO, vlan=5), replace(NET, vlan_transparent=True), A, B) == {"b"}


def test_nothing_goes_back_to_its_sender() -> None:
    assert ends(replace(HELLO, dst_mac=A_MAC), NET, A, B) == set()


def test_two_networks_with_one_plan_never_meet() -> None:
    other = replace(B, id="b2", network_id="net2")
    objects = [NET, replace(NET, id="net2"), A, other]
    assert ends(HELLO, *objects) == set()
    assert ends(TO_ALL, *objects) == set()


def test_what_comes_from_an_uplink() -> None:
    wired = replace(NET, uplinks=(Uplink("one", "x", None), Uplink("two", "y", 5)))
    incoming = udp(STRANGER, B_MAC, "192.0.2.1", B4)
    assert ends(incoming, wired, A, B, at="one") == {"b"}
    assert ends(replace(incoming, dst_mac=BROADCAST), wired, A, B, at="one") == {"a", "b", "two"}


def test_a_learned_mac_is_no_longer_flooded() -> None:
    second = unsecured("d", "fa:16:3e:00:00:0d")
    network = SimulatedNetwork([NET, A, C, second])
    assert network.passes(TO_NOBODY, "a").delivered_to == {"c", "d"}
    network.passes(replace(TO_ALL, src_mac=STRANGER), "d", learn=True)
    assert network.passes(TO_NOBODY, "a").delivered_to == {"d"}
    network.remove(Ref("port", "d"))
    assert network.passes(TO_NOBODY, "a").delivered_to == {"c"}


def test_unknown_places() -> None:
    assert "no such port" in last_reason(HELLO, NET, at="nowhere")
    assert "no network net" in last_reason(HELLO, A, B)
