# SPDX-License-Identifier: Apache-2.0
"""`python -m bench`: runs the scenarios on ours and upstream in turn and prints one table.

Invariant: the servers of a run are all up at once and take turns, round by round, so a ratio
compares the same minutes of the same machine.
"""

import argparse
import contextlib
import itertools
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench import northbound, ours, upstream
from bench.load import Result, run
from bench.scenarios import SCENARIOS, Data, Scenario
from bench.servers import Server

RESULTS = Path(__file__).parent / "results"
MEMORY_GOAL = 120.0  # MB of one API worker


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    names = [scenario.name for scenario in SCENARIOS]
    parser.add_argument("--only", action="append", choices=[*names, *northbound.NAMES])
    parser.add_argument("--database", action="append", choices=ours.DATABASES)
    parser.add_argument("--lab", type=Path, default=os.environ.get("DEUTERON_LAB"))
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=5.0, help="of one scenario's one round")
    parser.add_argument("--no-ours", action="store_true", help="measure upstream alone")
    return parser.parse_args()


def _measure(
    scenario: Scenario, servers: list[Server], data: dict[str, Data], options: argparse.Namespace
) -> dict[str, Result]:
    requests = {server.name: scenario.requests(data[server.name]) for server in servers}
    totals = {server.name: Result() for server in servers}
    for server in servers:  # off the clock: caches, connections, lazy imports
        run(server.address, itertools.islice(requests[server.name], 4), 2, 60)
    for _ in range(scenario.rounds):
        for server in servers:
            before = server.processor()
            took = run(server.address, requests[server.name], options.clients, options.seconds)
            took.processor = server.processor() - before
            totals[server.name].add(took)
    for server in servers:
        scenario.check(data[server.name], totals[server.name])
    return totals


def _figures(result: Result) -> dict[str, float]:
    milliseconds = {f"p{p}_ms": result.percentile(p) * 1000 for p in (50, 95, 99)}
    count = len(result.latencies)
    computed = result.processor * 1000 / count
    return {"per_second": result.rate, "requests": count, "cpu_ms": computed, **milliseconds}


def _print_row(name: str, goal: float, figures: dict[str, dict[str, float]]) -> None:
    peer = figures.get("upstream")
    for server, mine in figures.items():
        latency = "/".join(f"{mine[f'p{p}_ms']:.1f}" for p in (50, 95, 99))
        row = f"{name:<16} {server:<11} {mine['per_second']:>9.1f}/s {latency:>24}"
        row += f" {mine['cpu_ms']:>8.2f}"
        if peer and server != "upstream":
            ratio = mine["per_second"] / peer["per_second"]
            row += f" {ratio:>7.1f} x (goal {goal:.0f}) {'' if ratio >= goal else 'NOT REACHED'}"
        print(row, flush=True)


def _http(options: argparse.Namespace, directory: Path) -> dict[str, Any]:
    chosen = [s for s in SCENARIOS if not options.only or s.name in options.only]
    results: dict[str, Any] = {}
    if not chosen:
        return results
    with contextlib.ExitStack() as stack:
        servers = []
        if missing := upstream.installed(options.lab):
            print(f"upstream column absent: {missing}")
        else:
            servers.append(stack.enter_context(upstream.started(options.lab)))
        for database in [] if options.no_ours else options.database or ours.DATABASES:
            place = directory / database
            place.mkdir()
            servers.append(stack.enter_context(ours.started(database, place)))
        data = {server.name: Data(server.address, filled=server.filled) for server in servers}
        head = f"{'scenario':<16} {'server':<11} {'requests':>11} {'p50/p95/p99 ms':>24}"
        print(f"{head} {'cpu ms':>8} {'ratio':>9}")
        for scenario in chosen:
            totals = _measure(scenario, servers, data, options)
            figures = {name: _figures(result) for name, result in totals.items()}
            results[scenario.name] = figures
            _print_row(scenario.name, scenario.goal, figures)
        results["resident_mb"] = {server.name: server.resident() for server in servers}
    for name, sizes in results["resident_mb"].items():
        late = "" if name == "upstream" or sizes[0] <= MEMORY_GOAL else "NOT REACHED"
        text = ", ".join(f"{size:.0f}" for size in sizes)
        print(f"{'resident memory':<16} {name:<11} {text} MB (goal {MEMORY_GOAL:.0f}) {late}")
    return results


def main() -> int:
    """Run what was asked for. Gives the exit status."""
    options = _arguments()
    with tempfile.TemporaryDirectory(prefix="deuteron-bench-") as name:
        results = _http(options, Path(name))
        if not options.no_ours:
            results |= northbound.measure(options.only, Path(name))
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / time.strftime("%Y%m%dT%H%M%SZ.json", time.gmtime())
    path.write_text(json.dumps(results, indent=1))
    print(f"written to {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
