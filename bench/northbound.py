# SPDX-License-Identifier: Apache-2.0
"""The scenarios that need OVN: how fast an empty NB is filled, how soon a posted port is a row.

Invariant: the NB is watched through a monitor of its own, so the clock stops at the row itself and
not at a poll; a fill counts only when `deuteron drift` afterwards says there is no difference.
"""

import contextlib
import itertools
import json
import shutil
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.load import Address, Request, Result, call, run
from bench.ours import COMMAND
from bench.scenarios import Wrong
from bench.servers import free_port, running, wait_for

NAMES = ("northbound_fill", "northbound_latency")
SIZES = (1250, 2500, 5000)
PORTS_PER_NETWORK = 50
FILL_GOAL = 30.0  # seconds for the largest size
LATENCY_GOAL = 100.0  # ms, p99
SAMPLES = 200
WATCHED = {
    "Logical_Switch": ["name"],
    "Logical_Switch_Port": ["name", "addresses", "dhcpv4_options", "port_security", "enabled"],
    "DHCP_Options": ["cidr"],
    "DNS": ["records"],
    "Port_Group": ["ports"],
    "Address_Set": ["addresses"],
}


PROJECT = "00000000000000000000000000000001"  # of a caller without identity


class Northbound:
    """A monitor of the NB's rows: which ports are there, and when anything changed last."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(str(path))
        self._text = ""
        self._decoder = json.JSONDecoder()
        self.names: dict[str, str] = {}  # row uuid -> logical switch port name
        self.changed = time.perf_counter()
        tables = {table: {"columns": columns} for table, columns in WATCHED.items()}
        self._send("monitor", ["OVN_Northbound", None, tables])
        deadline = time.perf_counter() + 30
        while not self.read(deadline):
            pass

    def _send(self, method: str, params: list[Any]) -> None:
        self._socket.sendall(json.dumps({"method": method, "params": params, "id": 1}).encode())

    def read(self, deadline: float) -> bool:
        """Take in what the server says next, or nothing until the deadline: then False."""
        self._socket.settimeout(max(0.001, deadline - time.perf_counter()))
        try:
            data = self._socket.recv(1 << 20)
        except TimeoutError:
            return False
        if not data:
            raise Wrong("the NB closed its socket")
        self._text += data.decode()  # ovsdb-server writes ASCII: it escapes the rest
        taken = False
        while self._text:
            try:
                message, end = self._decoder.raw_decode(self._text)
            except json.JSONDecodeError:
                break
            self._text = self._text[end:].lstrip()
            taken = self._take(message) or taken
        return taken

    def _take(self, message: dict[str, Any]) -> bool:
        if message.get("method") == "echo":
            reply = {"id": message["id"], "result": message["params"], "error": None}
            self._socket.sendall(json.dumps(reply).encode())
            return False
        if message.get("error"):
            raise Wrong(f"the NB refused the monitor: {message['error']}")
        update = message["params"][1] if message.get("method") == "update" else message["result"]
        self.changed = time.perf_counter()
        for row, change in update.get("Logical_Switch_Port", {}).items():
            if "new" in change:
                self.names[row] = change["new"]["name"]
            else:
                self.names.pop(row, None)
        return True

    def wait_quiet(self, ports: set[str], seconds: float) -> float:
        """Wait until these ports are rows and nothing changes for 2 s; when the last change was."""
        deadline = time.perf_counter() + seconds
        while time.perf_counter() < deadline:
            arrived = self.read(time.perf_counter() + 2)
            if not arrived and ports <= set(self.names.values()):
                return self.changed
        missing = len(ports - set(self.names.values()))
        raise Wrong(f"after {seconds} s {missing} of {len(ports)} ports are not in the NB")

    def wait_row(self, port: str, seconds: float) -> float:
        """Wait for one port's row. Gives the moment it was seen."""
        deadline = time.perf_counter() + seconds
        while port not in self.names.values():
            if time.perf_counter() > deadline:
                raise Wrong(f"port {port} is not in the NB after {seconds} s")
            self.read(deadline)
        return self.changed


@contextlib.contextmanager
def _up(state: Path) -> Iterator[tuple[Address, Northbound]]:
    """`deuteron up` on an empty directory, and a monitor of its NB."""
    address = ("127.0.0.1", free_port())
    command = [str(COMMAND), "up", "--state", str(state), "--listen", f"127.0.0.1:{address[1]}"]
    log = state.parent / "up.log"
    with running(command, log) as process:
        wait_for(address, 60, process, log)
        unlimited = {"network": -1, "subnet": -1, "port": -1}
        call(address, "PUT", f"/v2.0/quotas/{PROJECT}", {"quota": unlimited})
        yield address, Northbound(state / "run" / "ovn" / "ovnnb.sock")


def _drift(state: Path) -> None:
    command = [str(COMMAND), "drift", "--state", str(state)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    if done.returncode:
        raise Wrong(f"drift after the fill: {(done.stdout + done.stderr)[-500:]}")


def _add_networks(address: Address, count: int) -> set[str]:
    """That many networks with a subnet and 50 ports each; the ids of the ports."""
    bodies = []
    for _ in range(count):
        network = call(address, "POST", "/v2.0/networks", {"network": {"name": "bench"}})
        owner = {"network_id": network["network"]["id"]}
        subnet = {**owner, "cidr": "10.0.0.0/24", "ip_version": 4}
        call(address, "POST", "/v2.0/subnets", {"subnet": subnet})
        bodies.append(json.dumps({"ports": [owner] * PORTS_PER_NETWORK}).encode())
    result = run(address, (Request("POST", "/v2.0/ports", body) for body in bodies), 4, 600)
    if any(status != 201 for status, _ in result.answers):
        raise Wrong(f"a bulk create failed: {result.answers[-1]}")
    return {port["id"] for _, body in result.answers for port in json.loads(body)["ports"]}


def _empty(state: Path) -> None:
    """Delete every row of the NB that the loop writes."""
    command = ["ovn-nbctl", "--no-leader-only", f"--db=unix:{state.absolute()}/run/ovn/ovnnb.sock"]
    for table in ("Logical_Switch", "DHCP_Options", "DNS", "Port_Group", "Address_Set"):
        command += ["--", "--all", "destroy", table]
    subprocess.run(command, check=True, timeout=120)


def _fill(address: Address, northbound: Northbound, state: Path) -> dict[str, float]:
    ports: set[str] = set()
    figures: dict[str, float] = {}
    for size in SIZES:
        ports |= _add_networks(address, (size - len(ports)) // PORTS_PER_NETWORK)
        northbound.wait_quiet(ports, 600)
        begin = time.perf_counter()
        _empty(state)
        # The loop may be at work before the deletion is seen here: wait for the deletion first.
        while ports <= set(northbound.names.values()):
            northbound.read(time.perf_counter() + 10)
        figures[str(size)] = northbound.wait_quiet(ports, 600) - begin
        _drift(state)
    return figures


def _latency(address: Address, northbound: Northbound) -> dict[str, float]:
    body = {"network": {"name": f"latency-{uuid.uuid4().hex[:8]}"}}
    network = call(address, "POST", "/v2.0/networks", body)["network"]["id"]
    subnet = {"network_id": network, "cidr": "10.3.0.0/16", "ip_version": 4}
    call(address, "POST", "/v2.0/subnets", {"subnet": subnet})
    post = Request("POST", "/v2.0/ports", json.dumps({"port": {"network_id": network}}).encode())
    result = Result()
    for _ in itertools.repeat(None, SAMPLES):
        begin = time.perf_counter()
        status, answer = run(address, iter([post]), 1, 1.0).answers[0]
        if status != 201:
            raise Wrong(f"status {status}: {answer[:300]!r}")
        seen = northbound.wait_row(json.loads(answer)["port"]["id"], 10)
        result.latencies.append(seen - begin)
        time.sleep(0.05)  # idle: one change at a time
    return {f"p{p}_ms": result.percentile(p) * 1000 for p in (50, 95, 99)}


def measure(only: list[str] | None, directory: Path) -> dict[str, Any]:
    """Run the chosen scenarios on one `deuteron up`, print their rows, give their figures."""
    chosen = [name for name in NAMES if not only or name in only]
    if not chosen:
        return {}
    if shutil.which("ovn-nbctl") is None:
        print("northbound scenarios not run: OVN is not installed")
        return {}
    results: dict[str, Any] = {}
    state = directory / "state"
    with _up(state) as (address, northbound):
        if "northbound_latency" in chosen:
            figures = results["northbound_latency"] = _latency(address, northbound)
            text = "/".join(f"{figures[f'p{p}_ms']:.1f}" for p in (50, 95, 99))
            late = "" if figures["p99_ms"] <= LATENCY_GOAL else "NOT REACHED"
            print(f"POST to row in NB  p50/p95/p99 {text} ms (goal p99 {LATENCY_GOAL:.0f}) {late}")
        if "northbound_fill" in chosen:
            figures = results["northbound_fill"] = _fill(address, northbound, state)
            text = ", ".join(f"{size} ports {took:.1f} s" for size, took in figures.items())
            late = "" if figures[str(SIZES[-1])] <= FILL_GOAL else "NOT REACHED"
            print(f"empty NB to equal  {text} (goal {FILL_GOAL:.0f}) {late}")
    return results
