# SPDX-License-Identifier: Apache-2.0
"""What holds for the simulator over any small topology."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from deuteron.engine.model import Intent
from deuteron.engine.simulator import SimulatedNetwork, SimulatorEngine
from tests.engine.topology import STRANGE_MAC, packets_for, topologies


@given(st.data())
def test_order_of_objects_does_not_matter(data: st.DataObject) -> None:
    topology = data.draw(topologies())
    sent = data.draw(packets_for(topology))
    shuffled = data.draw(st.permutations(topology.objects))
    one = SimulatedNetwork(topology.objects).passes(sent.packet, sent.port.id)
    two = SimulatedNetwork(shuffled).passes(sent.packet, sent.port.id)
    assert (one.delivered_to, one.answer) == (two.delivered_to, two.answer)


@given(st.data())
def test_removing_leaves_what_never_having_been_added_leaves(data: st.DataObject) -> None:
    topology = data.draw(topologies())
    sent = data.draw(packets_for(topology))
    gone = data.draw(st.sets(st.sampled_from([item.ref for item in topology.objects])))
    changed = SimulatedNetwork(topology.objects)
    for ref in gone:
        changed.remove(ref)
    fresh = SimulatedNetwork([item for item in topology.objects if item.ref not in gone])
    assert changed.objects == fresh.objects
    assert changed.passes(sent.packet, sent.port.id) == fresh.passes(sent.packet, sent.port.id)


@given(st.data())
def test_a_packet_stays_on_its_switch_and_says_why_it_dies(data: st.DataObject) -> None:
    topology = data.draw(topologies())
    sent = data.draw(packets_for(topology))
    verdict = SimulatedNetwork(topology.objects).passes(sent.packet, sent.port.id)
    ports = {port.id: port for port in topology.ports}
    for port_id in verdict.delivered_to:
        assert ports[port_id].network_id == sent.port.network_id
        assert ports[port_id].enabled
        assert ports[port_id].host
        assert port_id != sent.port.id
    assert verdict.reasons
    if not verdict.delivered_to and verdict.answer is None:
        assert "delivered" not in {hop.what for hop in verdict.hops}


@given(st.data())
def test_a_spoofed_mac_dies_at_a_secured_port(data: st.DataObject) -> None:
    topology = data.draw(topologies(plugged=True))
    sent = data.draw(packets_for(topology))
    verdict = SimulatedNetwork(topology.objects).passes(sent.packet, sent.port.id)
    if sent.port.security is not None and sent.packet.src_mac == STRANGE_MAC:
        assert not verdict.delivered_to
        assert verdict.answer is None


@settings(max_examples=50)
@given(st.lists(topologies(), min_size=1, max_size=3))
def test_the_engine_ends_at_the_last_complete_intent(rounds: list) -> None:
    engine = SimulatorEngine()
    for topology in rounds:
        intent = Intent({item.ref: item for item in topology.objects}, complete=True)
        engine.apply(intent)
        assert list(engine.differences(intent)) == []
    assert set(engine.network.objects.values()) == set(rounds[-1].objects)
    reported = {state.id: state for state in engine.wait(0).ports}
    assert {port.id: bool(port.host) for port in rounds[-1].ports} == {
        port_id: state.up for port_id, state in reported.items()
    }
