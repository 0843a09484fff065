# SPDX-License-Identifier: Apache-2.0
"""What lies in a real northbound database after `apply`."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from deuteron.engine.model import EngineUnavailable, Intent, PortDhcp, Ref, Uplink
from deuteron.engine.ovn import OvnEngine
from tests.engine.ovn.private_ovn import PrivateOvn, golden_text
from tests.engine.ovn.scenarios import (
    DHCP4,
    NET,
    NET2,
    PORT_A,
    PORT_B,
    SCENARIOS,
    SUB4,
    SWITCH,
    A,
    B,
    intent,
)

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize("name", SCENARIOS)
def test_golden(name: str, ovn: PrivateOvn, engine: OvnEngine) -> None:
    """Set DEUTERON_WRITE_GOLDEN=1 to write the files anew, and read their diff."""
    engine.apply(intent(*SCENARIOS[name]))
    file = GOLDEN / f"{name}.txt"
    if os.environ.get("DEUTERON_WRITE_GOLDEN"):
        file.write_text(golden_text(ovn))
    assert golden_text(ovn) == file.read_text()


@pytest.mark.parametrize("name", SCENARIOS)
def test_second_apply_writes_nothing(name: str, engine: OvnEngine) -> None:
    wanted = intent(*SCENARIOS[name])
    assert list(engine.differences(wanted)) != []
    engine.apply(wanted)
    written = engine.transactions
    engine.apply(wanted)
    assert engine.transactions == written
    assert list(engine.differences(wanted)) == []


def test_from_every_scenario_to_every_other(ovn: PrivateOvn, engine: OvnEngine) -> None:
    """The result does not depend on what was there."""
    for before in SCENARIOS:
        for after in SCENARIOS:
            engine.apply(intent(*SCENARIOS[before]))
            engine.apply(intent(*SCENARIOS[after]))
            assert golden_text(ovn) == (GOLDEN / f"{after}.txt").read_text(), (before, after)


@pytest.mark.parametrize("name", ["two_ports", "dhcp_options", "security_and_dns"])
def test_order_of_partial_intents_does_not_matter(
    name: str, ovn: PrivateOvn, engine: OvnEngine
) -> None:
    things = SCENARIOS[name]
    for thing in reversed(things):
        engine.apply(intent(thing, complete=False))
    assert golden_text(ovn) == (GOLDEN / f"{name}.txt").read_text()
    assert list(engine.differences(intent(*things))) == []


def test_empty_complete_intent_leaves_only_what_is_foreign(
    ovn: PrivateOvn, engine: OvnEngine
) -> None:
    ovn.nbctl("ls-add", "foreign", "--", "lsp-add", "foreign", "foreign-port")
    ovn.nbctl("create", "DHCP_Options", "cidr=10.0.0.0/24", "external_ids:subnet_id=x")
    ovn.nbctl("create", "DNS", "records:a=10.0.0.1")
    ovn.nbctl("acl-add", "foreign", "to-lport", "7", "ip4", "drop")
    before = golden_text(ovn)
    engine.apply(intent(*SCENARIOS["two_ports"]))
    for name in SCENARIOS:
        engine.apply(intent(*SCENARIOS[name]))
    ovn.nbctl("lsp-add", f"neutron-{NET}", "guest")
    engine.apply(intent(SWITCH))
    assert [row["name"] for row in ovn.rows("nb", "Logical_Switch_Port")].count("guest") == 1
    ovn.nbctl("lsp-del", "guest")
    engine.apply(intent())
    assert golden_text(ovn) == before


def test_foreign_external_ids_survive(ovn: PrivateOvn, engine: OvnEngine) -> None:
    engine.apply(intent(SWITCH, A))
    ovn.nbctl("set", "Logical_Switch_Port", PORT_A, "external_ids:other=1")
    engine.apply(intent(SWITCH, replace(A, name="renamed", host="")))
    row = ovn.rows("nb", "Logical_Switch_Port")[0]
    assert row["external_ids"]["other"] == "1"
    assert row["external_ids"]["neutron:port_name"] == "renamed"
    assert "neutron:host_id" not in row["external_ids"]
    assert row["options"] == {}


def test_subnet_change_reaches_the_ports_own_options(ovn: PrivateOvn, engine: OvnEngine) -> None:
    port = replace(A, dhcp4=PortDhcp(SUB4, (("mtu", "1400"),)))
    engine.apply(intent(SWITCH, DHCP4, port))
    engine.apply(intent(replace(DHCP4, lease_time=60), complete=False))
    own = next(row for row in ovn.rows("nb", "DHCP_Options") if row["external_ids"].get("port_id"))
    assert own["options"]["lease_time"] == "60"
    assert own["options"]["mtu"] == "1400"
    engine.apply(Intent({DHCP4.ref: None}))
    assert ovn.rows("nb", "DHCP_Options") == []
    assert ovn.rows("nb", "Logical_Switch_Port")[0]["dhcpv4_options"] == []
    engine.apply(intent(DHCP4, complete=False))
    assert len(ovn.rows("nb", "DHCP_Options")) == 2


def test_a_new_process_keeps_dhcp_of_ports_it_is_told_of_first(
    ovn: PrivateOvn, engine: OvnEngine
) -> None:
    port = replace(A, dhcp4=PortDhcp(SUB4, (("mtu", "1400"),)))
    engine.apply(intent(SWITCH, DHCP4, port, B))
    before = golden_text(ovn)
    other = OvnEngine(ovn.remote("nb"), ovn.remote("sb"), "test")
    try:
        other.apply(intent(port, B, complete=False))
        assert other.transactions == 0
        assert golden_text(ovn) == before
    finally:
        other.close()


def test_network_removed_under_its_ports(ovn: PrivateOvn, engine: OvnEngine) -> None:
    engine.apply(intent(*SCENARIOS["security_and_dns"]))
    engine.apply(Intent({SWITCH.ref: None}))
    assert ovn.rows("nb", "Logical_Switch") == []
    assert ovn.rows("nb", "Logical_Switch_Port") == []
    engine.apply(intent(SWITCH, complete=False))
    assert golden_text(ovn) == (GOLDEN / "security_and_dns.txt").read_text()


def test_rows_of_an_upstream_cloud_are_taken_over(ovn: PrivateOvn, engine: OvnEngine) -> None:
    ovn.nbctl("ls-add", f"neutron-{NET}", "--", "lsp-add", f"neutron-{NET}", PORT_A)
    ovn.nbctl("set", "Logical_Switch_Port", PORT_A, 'external_ids:"neutron:revision_number"=7')
    before = {row["name"]: row["_uuid"] for row in ovn.rows("nb", "Logical_Switch_Port")}
    engine.apply(intent(*SCENARIOS["two_ports"]))
    after = {row["name"]: row["_uuid"] for row in ovn.rows("nb", "Logical_Switch_Port")}
    assert after[PORT_A] == before[PORT_A]
    assert golden_text(ovn) == (GOLDEN / "two_ports.txt").read_text()


def test_one_refused_object_does_not_stop_the_others(ovn: PrivateOvn, engine: OvnEngine) -> None:
    bad = replace(SWITCH, id=NET2, uplinks=(Uplink("s", "physnet1", 9999),))
    with pytest.raises(EngineUnavailable, match=NET2):
        engine.apply(intent(bad, *SCENARIOS["two_ports"]))
    assert golden_text(ovn) == (GOLDEN / "two_ports.txt").read_text()
    engine.apply(intent(replace(bad, uplinks=()), complete=False))
    assert len(ovn.rows("nb", "Logical_Switch")) == 2


def test_differences_say_what_and_change_nothing(ovn: PrivateOvn, engine: OvnEngine) -> None:
    engine.apply(intent(SWITCH, A))
    before = golden_text(ovn)
    found = list(engine.differences(intent(SWITCH, replace(A, mac="fa:16:3e:00:00:99"), B)))
    kinds = {(difference.ref, difference.kind) for difference in found}
    assert kinds == {(Ref("port", PORT_A), "altered"), (Ref("port", PORT_B), "missing")}
    assert "addresses" in next(d.what for d in found if d.kind == "altered")
    assert [d.kind for d in engine.differences(intent(SWITCH))] == ["surplus"]
    assert golden_text(ovn) == before
    assert list(engine.differences(intent(SWITCH, A))) == []
