# SPDX-License-Identifier: Apache-2.0
"""Costs: linear in what is applied, and of one port independent of what is there."""

from __future__ import annotations

import time

import pytest

from deuteron.engine.model import Intent
from deuteron.engine.ovn import OvnEngine
from deuteron.engine.ovn.database import Database, Operation
from tests.engine.ovn.private_ovn import PrivateOvn
from tests.engine.ovn.scenarios import DHCP4, NET, SUB4, SWITCH, intent, large, port


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[list[Operation]]:
    """The transactions as they are sent."""
    sent: list[list[Operation]] = []
    transact = Database.transact

    def record(self: Database, operations: list[Operation]) -> None:
        sent.append(operations)
        transact(self, operations)

    monkeypatch.setattr(Database, "transact", record)
    return sent


def test_full_resync_is_linear(ovn: PrivateOvn, engine: OvnEngine) -> None:
    seconds: dict[int, float] = {}
    for ports in (1250, 2500, 5000):
        wanted = intent(*large(100, ports))
        began = time.monotonic()
        engine.apply(wanted)
        seconds[ports] = time.monotonic() - began
        began = time.monotonic()
        observed = engine.wait(0)
        looked = time.monotonic() - began
        assert observed.healed == set()
        began = time.monotonic()
        before = engine.transactions
        engine.apply(wanted)
        assert engine.transactions == before
        print(
            f"{ports} ports on 100 networks: written in {seconds[ports]:.2f} s,"
            f" echo checked in {looked:.2f} s, compared again in {time.monotonic() - began:.2f} s"
        )
        assert len(ovn.rows("nb", "Logical_Switch_Port")) == ports
        engine.apply(intent())
    assert seconds[5000] < 15
    # Four times the ports; twice as much again is left for the noise of a shared machine.
    assert seconds[5000] < 8 * seconds[1250]


def test_one_port_on_a_large_switch(
    ovn: PrivateOvn, engine: OvnEngine, written: list[list[Operation]]
) -> None:
    ports = [port(number, NET, SUB4) for number in range(5000)]
    engine.apply(intent(SWITCH, DHCP4, *ports))
    engine.wait(0)
    written.clear()
    one = port(5001, NET, SUB4)
    spent: list[float] = []
    for wanted in (one, None):
        began = time.monotonic()
        engine.apply(Intent({one.ref: wanted}))
        spent.append(time.monotonic() - began)
    print(f"one port onto a switch with 5,000: {spent[0]:.4f} s, off it: {spent[1]:.4f} s")
    assert [[op["op"] for op in ops] for ops in written] == [["insert", "mutate"], ["mutate"]]
    mutation = written[0][1]["mutations"][0]
    assert mutation[:2] == ["ports", "insert"]
    assert len(mutation[2][1]) == 1
    assert len(str(written)) < 4000
    assert max(spent) < 0.5
    assert engine.wait(0).healed == set()
