# SPDX-License-Identifier: Apache-2.0
"""What `wait` tells: ports that come up, chassis, file descriptors, the lock."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from deuteron.engine.model import EngineUnavailable, Intent, Observed, PortState, SwitchPort
from deuteron.engine.ovn import OvnEngine, chassis
from tests.engine.ovn.private_ovn import PrivateOvn
from tests.engine.ovn.scenarios import MAC_A, MAC_B, PORT_A, PORT_B, SCENARIOS, SWITCH, A, intent

TWO_PORTS = intent(*SCENARIOS["two_ports"])


def watch(
    engine: OvnEngine, done: Callable[[Observed], bool], seconds: float = 10
) -> list[Observed]:
    """Everything observed until one observation is `done`; the deadline is a failure."""
    seen: list[Observed] = []
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        seen.append(engine.wait(0.5))
        if done(seen[-1]):
            return seen
    raise AssertionError(f"not observed in time: {seen}")


def told(port_id: str, up: bool, host: str = "") -> Callable[[Observed], bool]:
    return lambda observed: PortState(port_id, up, host) in observed.ports


@pytest.fixture
def bound(ovn: PrivateOvn, engine: OvnEngine) -> Iterator[OvnEngine]:
    """TWO_PORTS applied, with northd, and two chassis of which one hosts PORT_A."""
    ovn.start_northd()
    ovn.sbctl("chassis-add", "ch1", "geneve", "127.0.0.1")
    ovn.sbctl("set", "Chassis", "ch1", "hostname=compute-1")
    ovn.sbctl("chassis-add", "ch2", "geneve", "127.0.0.2")
    ovn.sbctl("set", "Chassis", "ch2", "hostname=compute-2")
    assert engine.acquire()
    watch(engine, lambda o: o.everything)
    engine.apply(TWO_PORTS)
    ovn.nbctl("--wait=sb", "sync")
    plug(ovn, PORT_A, "ch1")
    watch(engine, told(PORT_A, True, "compute-1"))
    return engine


def plug(ovn: PrivateOvn, port_id: str, name: str) -> None:
    ovn.sbctl("lsp-bind", port_id, name, "--", "set", "Port_Binding", port_id, "up=true")


def unplug(ovn: PrivateOvn, port_id: str) -> None:
    ovn.sbctl("lsp-unbind", port_id, "--", "set", "Port_Binding", port_id, "up=false")


def test_up_and_down_within_a_second(ovn: PrivateOvn, bound: OvnEngine) -> None:
    plug(ovn, PORT_B, "ch2")
    watch(bound, told(PORT_B, True, "compute-2"), seconds=1)
    unplug(ovn, PORT_B)
    seen = watch(bound, told(PORT_B, False), seconds=1)
    assert PORT_A not in {state.id for observed in seen for state in observed.ports}


def test_move_to_another_host_is_told(ovn: PrivateOvn, bound: OvnEngine) -> None:
    unplug(ovn, PORT_A)
    watch(bound, told(PORT_A, False))
    plug(ovn, PORT_A, "ch2")
    watch(bound, told(PORT_A, True, "compute-2"))


def test_up_is_not_a_difference(ovn: PrivateOvn, bound: OvnEngine) -> None:
    assert list(bound.differences(TWO_PORTS)) == []
    written = bound.transactions
    bound.apply(TWO_PORTS)
    assert bound.transactions == written
    assert bound.wait(0.3).healed == set()


def test_states_are_told_again_after_a_reconnection(ovn: PrivateOvn, bound: OvnEngine) -> None:
    ovn.stop("nb")
    ovn.start("nb")
    seen = watch(bound, lambda o: o.everything)
    assert {state.id for state in seen[-1].ports} == {PORT_A, PORT_B}
    assert told(PORT_A, True, "compute-1")(seen[-1])


def test_removed_port_is_forgotten(ovn: PrivateOvn, bound: OvnEngine) -> None:
    bound.apply(Intent({A.ref: None}))
    bound.wait(0.3)
    bound.apply(intent(A, complete=False))
    ovn.nbctl("--wait=sb", "sync")
    plug(ovn, PORT_A, "ch1")
    watch(bound, told(PORT_A, True, "compute-1"))


def test_chassis_with_their_facts(ovn: PrivateOvn, bound: OvnEngine) -> None:
    ovn.sbctl(
        *("set", "Chassis", "ch2", "other_config:ovn-bridge-mappings=public:br-ex"),
        'other_config:ovn-cms-options="enable-chassis-as-gw,availability-zones=az1:az2"',
    )
    seen = watch(bound, lambda o: any(c.gateway for c in o.chassis or ()))
    found = {c.host: c for c in seen[-1].chassis or ()}
    assert found.keys() == {"compute-1", "compute-2"}
    assert found["compute-2"].id == "ch2"
    assert found["compute-2"].availability_zones == ("az1", "az2")
    assert found["compute-2"].bridge_mappings == ("public:br-ex",)
    assert not found["compute-1"].gateway
    ovn.sbctl("chassis-del", "ch2")
    seen = watch(bound, lambda o: o.chassis is not None and len(o.chassis) == 1)


def test_a_chassis_that_does_not_answer_heartbeats_dies_and_comes_back(
    ovn: PrivateOvn, engine: OvnEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chassis, "DOWN_SECONDS", 1.0)
    ovn.start_northd()
    ovn.nbctl("--wait=sb", "sync")
    for name in ("ch1", "ch2"):
        ovn.sbctl("chassis-add", name, "geneve", "127.0.0.1" if name == "ch1" else "127.0.0.2")
        ovn.sbctl("create", "Chassis_Private", f"name={name}")
    ovn.sbctl("set", "Chassis_Private", "ch1", "nb_cfg=1000", "nb_cfg_timestamp=1700000000123")

    def alive(observed: Observed) -> dict[str, bool]:
        return {c.id: c.alive for c in observed.chassis or ()}

    engine.acquire()
    first = watch(engine, lambda o: o.chassis is not None)
    assert alive(first[-1]) == {"ch1": True, "ch2": True}
    seen = watch(engine, lambda o: alive(o).get("ch2") is False)
    assert alive(seen[-1]) == {"ch1": True, "ch2": False}
    assert {c.seen_at for c in seen[-1].chassis or () if c.id == "ch1"} == {1700000000.123}
    ovn.sbctl("set", "Chassis_Private", "ch2", "nb_cfg=1000")
    watch(engine, lambda o: alive(o) == {"ch1": True, "ch2": True})


def test_an_fd_wakes(engine: OvnEngine) -> None:
    watch(engine, lambda o: o.everything)
    while engine.wait(0.2) != Observed():
        pass
    reader, writer = os.pipe()
    try:
        began = time.monotonic()
        engine.wait(0.3, [reader])
        assert time.monotonic() - began > 0.25
        os.write(writer, b"x")
        began = time.monotonic()
        assert engine.wait(5, [reader]) == Observed()
        assert time.monotonic() - began < 0.5
    finally:
        os.close(reader)
        os.close(writer)


def test_one_active_loop(ovn: PrivateOvn, engine: OvnEngine) -> None:
    other = OvnEngine(ovn.remote("nb"), ovn.remote("sb"), "test")
    stranger = OvnEngine(ovn.remote("nb"), ovn.remote("sb"), "another cloud")
    try:
        assert engine.acquire()
        assert engine.acquire()
        assert not other.acquire()
        assert stranger.acquire()
        with pytest.raises(EngineUnavailable, match="another loop"):
            other.apply(TWO_PORTS)
        engine.apply(TWO_PORTS)
        watch(other, lambda o: o.everything)
        engine.apply(intent(SWITCH))
        assert other.wait(0.3).healed == set()
        engine.close()
        watch(other, lambda o: o.everything)
        assert other.acquire()
        other.apply(TWO_PORTS)
        assert list(other.differences(TWO_PORTS)) == []
    finally:
        other.close()
        stranger.close()


def test_the_lock_is_taken_again_after_a_restart(ovn: PrivateOvn, engine: OvnEngine) -> None:
    assert engine.acquire()
    engine.apply(TWO_PORTS)
    ovn.stop("nb")
    ovn.start("nb")
    engine.apply(intent(SWITCH))
    assert engine.acquire()


# What northd and OVN's pipeline make of our rows.


def test_packets_pass_unless_the_switch_or_a_port_is_disabled(
    ovn: PrivateOvn, engine: OvnEngine
) -> None:
    ovn.start_northd()
    flow = (
        f'inport == "{PORT_A}" && eth.src == {MAC_A} && eth.dst == {MAC_B} && ip4.src == 10.0.0.10'
        " && ip4.dst == 10.0.0.11 && ip.ttl == 64 && icmp4.type == 8"
    )
    request = (
        f'inport == "{PORT_A}" && eth.src == {MAC_A} && eth.dst == ff:ff:ff:ff:ff:ff'
        " && ip4.src == 0.0.0.0 && ip4.dst == 255.255.255.255 && ip.ttl == 64"
        " && udp.src == 68 && udp.dst == 67"
    )
    spoofed = flow.replace("10.0.0.10", "10.0.0.66")

    def trace(what: str) -> str:
        ovn.nbctl("--wait=sb", "sync")
        return ovn.trace(f"neutron-{SWITCH.id}", what)

    things = {thing.ref: thing for thing in SCENARIOS["two_ports"]}
    engine.apply(Intent(dict(things), complete=True))
    assert f'output("{PORT_B[:6]}")' in trace(flow)
    assert "put_dhcp_opts" in trace(request)
    assert "output" not in trace(spoofed)
    disabled = [replace(t, enabled=False) for t in things.values() if isinstance(t, SwitchPort)]
    for change in (SCENARIOS["flat_and_disabled"][1:2], disabled):
        engine.apply(Intent({**things, **{t.ref: t for t in change}}, complete=True))
        assert "output" not in trace(flow)
        assert "put_dhcp_opts" not in trace(request)
    engine.apply(Intent(dict(things), complete=True))
    assert f'output("{PORT_B[:6]}")' in trace(flow)


def test_a_ports_own_dhcp_options_parse(ovn: PrivateOvn, engine: OvnEngine) -> None:
    """A value that OVN cannot parse would cost the port the whole flow."""
    ovn.start_northd()
    engine.apply(intent(*SCENARIOS["dhcp_options"]))
    ovn.nbctl("--wait=sb", "sync")
    flow = (
        f'inport == "{PORT_A}" && eth.src == {MAC_A} && eth.dst == ff:ff:ff:ff:ff:ff'
        " && ip4.src == 0.0.0.0 && ip4.dst == 255.255.255.255 && ip.ttl == 64"
        " && udp.src == 68 && udp.dst == 67"
    )
    reply = ovn.trace(f"neutron-{SWITCH.id}", flow)
    assert "put_dhcp_opts" in reply
    for option in ('bootfile_name = "pxe linux.0"', "mtu = 1400", "10.0.0.8"):
        assert option in reply


def test_every_dhcp_option_is_one_of_ovns(ovn: PrivateOvn, engine: OvnEngine) -> None:
    """Names, codes and types agree with the tables that northd fills for ovn-controller."""
    from deuteron.engine.ovn.dhcp_options import OPTIONS_4, OPTIONS_6

    ovn.start_northd()
    ovn.nbctl("--wait=sb", "sync")
    for table, ours in (("DHCP_Options", OPTIONS_4), ("DHCPv6_Options", OPTIONS_6)):
        theirs = {row["name"]: (str(row["code"]), row["type"]) for row in ovn.rows("sb", table)}
        assert {name: (code, kind) for code, (name, kind) in ours.items()}.items() <= theirs.items()


def test_uplink_tag_stays_as_written_with_northd(ovn: PrivateOvn, engine: OvnEngine) -> None:
    ovn.start_northd()
    wanted = intent(*SCENARIOS["provider"])
    engine.apply(wanted)
    ovn.nbctl("--wait=sb", "sync")
    assert list(engine.differences(wanted)) == []
    binding = next(row for row in ovn.rows("sb", "Port_Binding") if row["type"] == "localnet")
    assert binding["tag"] == 101
    assert binding["options"]["network_name"] == "physnet1"
