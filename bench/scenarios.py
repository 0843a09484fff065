# SPDX-License-Identifier: Apache-2.0
"""The scenarios over HTTP: each makes its own data, gives requests, and judges the answers.

Invariant: a figure is printed only for a run whose every answer was right; a wrong status, a
missing item, a port without an address or an address given twice raises `Wrong`.
"""

import collections
import ipaddress
import itertools
import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from bench.load import Address, Request, Result, call, run

PORTS = 2000  # ports in the listing data set
DECOYS = 10  # of these, so many belong to another project and network
BATCH = 100  # ports in one bulk create
FILL_SECONDS = 1500  # upstream makes 3 to 20 ports a second
JSON = dict[str, Any]


class Wrong(Exception):
    """A server answered something that is not right; its figures mean nothing."""


def _must(condition: object, why: str) -> None:
    if not condition:
        raise Wrong(why)


@dataclass
class Data:
    """What a server was filled with: the listing's project, network and port ids."""

    address: Address
    project: str = field(default_factory=lambda: uuid.uuid4().hex)
    network: str = ""
    ports: list[str] = field(default_factory=list)
    filtered: set[str] = field(default_factory=set)  # those on `network`
    filled: Callable[[], None] = lambda: None  # told when the listing was made anew
    target: str = ""  # the network that the create scenarios write to

    def fill(self) -> None:
        """Make the 2,000 ports of the listing, once, or adopt them from an earlier run."""
        if self.ports:
            return
        path = "/v2.0/ports?fields=id&fields=network_id&fields=project_id"
        ports = call(self.address, "GET", path)["ports"]
        if not ports:
            ports = self._make_ports()
            self.filled()
        _must(len(ports) == PORTS, f"{len(ports)} ports in a server that should be fresh")
        owners = collections.Counter((port["network_id"], port["project_id"]) for port in ports)
        (self.network, self.project), count = owners.most_common(1)[0]
        _must(count == PORTS - DECOYS, f"{count} ports on the network of the listing")
        self.ports = [port["id"] for port in ports]
        self.filtered = {port["id"] for port in ports if port["network_id"] == self.network}

    def _make_ports(self) -> list[JSON]:
        other = uuid.uuid4().hex
        network = _network(self.address, self.project, "10.1.0.0/20")
        decoy = _network(self.address, other, "10.1.0.0/20")
        wanted = [(network, self.project)] * (PORTS - DECOYS) + [(decoy, other)] * DECOYS
        bodies = (json.dumps({"port": _port(*owner)}).encode() for owner in wanted)
        requests = (Request("POST", "/v2.0/ports", body) for body in bodies)
        result = run(self.address, requests, 8, FILL_SECONDS)
        _statuses(result, 201)
        return [json.loads(body)["port"] for _, body in result.answers]

    def fill_target(self) -> None:
        """Make the empty /16 network that the create scenarios write to, once."""
        self.target = self.target or _network(self.address, self.project, "10.2.0.0/16")


def _port(network: str, project: str) -> JSON:
    return {"network_id": network, "project_id": project}


def _network(address: Address, project: str, cidr: str) -> str:
    unlimited = {"network": -1, "subnet": -1, "port": -1}
    call(address, "PUT", f"/v2.0/quotas/{project}", {"quota": unlimited})
    body: JSON = {"network": {"name": "bench", "project_id": project}}
    network: str = call(address, "POST", "/v2.0/networks", body)["network"]["id"]
    subnet = {"network_id": network, "project_id": project, "cidr": cidr, "ip_version": 4}
    call(address, "POST", "/v2.0/subnets", {"subnet": {**subnet, "enable_dhcp": False}})
    return network


def _statuses(result: Result, status: int) -> None:
    _must(result.answers, "no request was answered")
    for got, body in result.answers:
        _must(got == status, f"status {got} instead of {status}: {body[:500]!r}")


def _check_created(data: Data, result: Result) -> None:
    """Every answered port has one address of its own, inside the subnet, and is in the listing."""
    _statuses(result, 201)
    made: list[JSON] = []
    for _, body in result.answers:
        document = json.loads(body)
        made += document.get("ports") or [document["port"]]
    for port in made:
        _must(len(port["fixed_ips"]) == 1, f"port without exactly one address: {port}")
    addresses = {port["fixed_ips"][0]["ip_address"] for port in made}
    _must(len(addresses) == len(made), "two ports were given one address")
    _must(len({port["mac_address"] for port in made}) == len(made), "two ports with one MAC")
    inside = ipaddress.ip_network("10.2.0.0/16")
    _must(all(ipaddress.ip_address(a) in inside for a in addresses), "address outside the subnet")
    path = f"/v2.0/ports?network_id={data.target}"
    stored = {port["id"]: port for port in call(data.address, "GET", path)["ports"]}
    for port in made:
        same = stored.get(port["id"], {}).get("fixed_ips") == port["fixed_ips"]
        _must(same, f"answered port is not stored as answered: {port['id']}")


def _create_port(data: Data) -> Iterator[Request]:
    data.fill_target()
    body = json.dumps({"port": _port(data.target, data.project)}).encode()
    return itertools.repeat(Request("POST", "/v2.0/ports", body))


def _bulk_create(data: Data) -> Iterator[Request]:
    data.fill_target()
    body = json.dumps({"ports": [_port(data.target, data.project)] * BATCH}).encode()
    return itertools.repeat(Request("POST", "/v2.0/ports", body))


def _check_bulk(data: Data, result: Result) -> None:
    _check_created(data, result)
    for _, body in result.answers:
        _must(len(json.loads(body)["ports"]) == BATCH, "a bulk answer has not 100 ports")


def _show_port(data: Data) -> Iterator[Request]:
    data.fill()
    requests = [Request("GET", f"/v2.0/ports/{port}") for port in data.ports]
    return itertools.cycle(requests)


def _check_show(data: Data, result: Result) -> None:
    _statuses(result, 200)
    known = set(data.ports)
    for _, body in result.answers:
        port = json.loads(body)["port"]
        _must(port["id"] in known and port["fixed_ips"], f"not a port of ours: {port}")


def _list(query: str) -> Callable[[Data], Iterator[Request]]:
    def requests(data: Data) -> Iterator[Request]:
        data.fill()
        path = "/v2.0/ports" + query.format(project=data.project, network=data.network)
        return itertools.repeat(Request("GET", path))

    return requests


def _check_list(filtered: bool) -> Callable[[Data, Result], None]:
    def check(data: Data, result: Result) -> None:
        _statuses(result, 200)
        wanted = data.filtered if filtered else set(data.ports)
        sizes = {len(body): body for _, body in result.answers}
        for body in sizes.values():  # equal lengths: the same listing, read once
            ports = json.loads(body)["ports"]
            _must(len(ports) == len(wanted), f"{len(ports)} ports instead of {len(wanted)}")
            _must({port["id"] for port in ports} == wanted, "not the ports that were made")
            _must(all(port["fixed_ips"] for port in ports), "a port without an address")
            _must(all("binding:vnic_type" in port for port in ports), "not all fields")

    return check


@dataclass(frozen=True)
class Scenario:
    """A row of the table. `goal` is the ratio to upstream that the project wants."""

    name: str
    goal: float
    requests: Callable[[Data], Iterator[Request]]
    check: Callable[[Data, Result], None]
    rounds: int = 3


# The listing comes before the creates: it counts every port of the server.
SCENARIOS = (
    Scenario("list_2000", 50, _list(""), _check_list(False)),
    Scenario("list_project_id", 50, _list("?project_id={project}"), _check_list(True)),
    Scenario("list_tenant_id", 50, _list("?tenant_id={project}"), _check_list(True)),
    Scenario("list_network_id", 50, _list("?network_id={network}"), _check_list(True)),
    Scenario("show_port", 30, _show_port, _check_show),
    Scenario("create_port", 30, _create_port, _check_created),
    Scenario("bulk_create_100", 50, _bulk_create, _check_bulk, rounds=1),
)
