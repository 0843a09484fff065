# SPDX-License-Identifier: Apache-2.0
"""Reads the rows that some refs need and compiles them.

Invariant: the same statements and the same functions serve one dirty port and a full resync;
the number of statements does not depend on the number of refs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from deuteron.declare.resource import Row
from deuteron.engine.compile.network import compile_network
from deuteron.engine.compile.port import compile_port
from deuteron.engine.compile.subnet import compile_subnet
from deuteron.engine.model import Intent, ModelObject, Ref
from deuteron.store.transaction import mapping

if TYPE_CHECKING:
    from deuteron.store.transaction import Transaction

KINDS = ("network", "subnet", "port")


def compile_everything(tx: Transaction) -> Intent:
    """All there is: the intent of a full resync."""
    rows = {kind: mapping(tx.find(kind)) for kind in KINDS}
    found = _compile(tx, rows, rows["network"], rows["subnet"], tx.find("segment"))
    return Intent({ref: item for ref, item in found.items() if item is not None}, complete=True)


def compile_refs(tx: Transaction, refs: Iterable[Ref]) -> Intent:
    """What these objects are to be now; None for those that are gone."""
    asked: dict[str, set[str]] = defaultdict(set)
    for ref in refs:
        asked[ref.kind].add(ref.id)
    rows = {kind: mapping(tx.find(kind, id=sorted(asked[kind]))) for kind in KINDS}
    ports, subnets = rows["port"].values(), dict(rows["subnet"])
    needed = {ip["subnet_id"] for port in ports for ip in port["fixed_ips"]} - subnets.keys()
    subnets |= mapping(tx.find("subnet", id=sorted(needed)))
    networks = dict(rows["network"])
    wanted = {row["network_id"] for row in (*ports, *rows["subnet"].values())} - networks.keys()
    networks |= mapping(tx.find("network", id=sorted(wanted)))
    segments = tx.find("segment", network_id=sorted(rows["network"]))
    found = _compile(tx, rows, networks, subnets, segments)
    gone = {Ref(kind, id_): None for kind in KINDS for id_ in asked[kind] - rows[kind].keys()}
    return Intent({**gone, **found})


def _compile(
    tx: Transaction,
    rows: Mapping[str, Mapping[str, Row]],
    networks: Mapping[str, Row],
    subnets: Mapping[str, Row],
    segments: Iterable[Row],
) -> dict[Ref, ModelObject | None]:
    by_network: dict[str, list[Row]] = defaultdict(list)
    for segment in segments:
        by_network[segment["network_id"]].append(segment)
    found: dict[Ref, ModelObject | None] = {}
    for id_, row in rows["network"].items():
        switch = compile_network(row, by_network[id_])
        found[Ref("network", id_)] = _extended(tx, "network", row, switch)
    for id_, row in rows["subnet"].items():
        dhcp = compile_subnet(row, networks[row["network_id"]], tx.settings)
        found[Ref("subnet", id_)] = _extended(tx, "subnet", row, dhcp)
    for id_, row in rows["port"].items():
        port = compile_port(row, networks[row["network_id"]], subnets, tx.settings)
        found[Ref("port", id_)] = _extended(tx, "port", row, port)
    return found


def _extended(tx: Transaction, kind: str, row: Row, item: Any) -> Any:
    """The object after every extension's compile function had its say."""
    for extend in tx.registry[kind].compile:
        item = extend(row, item) if item is not None else None
    return item
