# SPDX-License-Identifier: Apache-2.0
"""The network as an engine sees it: what the compiler produces and every engine makes true.

The model is a flat set of immutable objects. Each belongs to exactly one API object, named by
its `Ref`; an API object that no longer exists has no model object. Objects refer to each other
by id only, so that one can be compiled and applied without its neighbours. Nothing here knows
OVN, SQL or HTTP.

Invariant: two equal sets of model objects describe the same network, whatever the order in which
they were applied.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol


class Ref(NamedTuple):
    """The API object that a model object comes from: `kind` is the resource name (`port`)."""

    kind: str
    id: str


@dataclass(frozen=True, slots=True)
class Uplink:
    """A switch's connection to a physical network through the host's bridge for it.

    `vlan` is the 802.1Q tag on that network, None for untagged (flat).
    """

    segment_id: str
    physical_network: str
    vlan: int | None


@dataclass(frozen=True, slots=True)
class Switch:
    """A network: one Ethernet broadcast domain over all hosts.

    `mtu` is in bytes of IP packet.
    """

    id: str
    name: str
    project_id: str
    mtu: int
    enabled: bool
    uplinks: tuple[Uplink, ...] = ()
    vlan_transparent: bool = False
    availability_zone_hints: tuple[str, ...] = ()

    @property
    def ref(self) -> Ref:
        return Ref("network", self.id)


@dataclass(frozen=True, slots=True)
class Dhcp4:
    """What the DHCPv4 server of a subnet answers. One per IPv4 subnet with `enable_dhcp`.

    `server_mac` is stable per subnet. `router` is None for a subnet without gateway. `routes` are
    (destination CIDR, next hop). `lease_time` is in seconds.
    """

    subnet_id: str
    network_id: str
    cidr: str
    server_ip: str
    server_mac: str
    router: str | None
    mtu: int
    lease_time: int
    dns_servers: tuple[str, ...] = ()
    domain_name: str = ""
    routes: tuple[tuple[str, str], ...] = ()

    @property
    def ref(self) -> Ref:
        return Ref("subnet", self.subnet_id)


@dataclass(frozen=True, slots=True)
class Dhcp6:
    """What the DHCPv6 server of a subnet answers. One per IPv6 subnet with a DHCPv6 address mode.

    `stateless` answers options only, no addresses.
    """

    subnet_id: str
    network_id: str
    cidr: str
    server_mac: str
    stateless: bool
    dns_servers: tuple[str, ...] = ()
    domain_search: str = ""

    @property
    def ref(self) -> Ref:
        return Ref("subnet", self.subnet_id)


@dataclass(frozen=True, slots=True)
class PortDhcp:
    """A port's use of its subnet's DHCP server.

    `overrides` are the port's own options (`extra_dhcp_opts`), by the API's option name or number
    as text, value as the API has it; the engine ignores, and reports, those it cannot serve.
    """

    subnet_id: str
    overrides: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class AddressPair:
    """Source addresses a port may send from: a MAC with IP addresses or CIDRs."""

    mac: str
    ips: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SwitchPort:
    """A port on a switch.

    `enabled` is false also where the network is disabled. `addresses` are the fixed IPs.
    `security` lists what the port may send as source, its own address first; None means port
    security is off: it may send and receive anything, and frames to unknown MACs are flooded to
    it. `host` is where the device is bound, "" when it is not.
    `role` is `vif` for a device of a user, `reserved` for an address that no device serves (such
    a port moves no packets), `distributed` for a service that answers on every host.
    `dns` are (name, addresses) that the switch's resolver answers.
    The remaining fields are facts about the owner that operators and Nova look up in the engine.
    """

    id: str
    network_id: str
    mac: str
    enabled: bool
    addresses: tuple[str, ...] = ()
    security: tuple[AddressPair, ...] | None = ()
    role: str = "vif"
    host: str = ""
    dhcp4: PortDhcp | None = None
    dhcp6: PortDhcp | None = None
    dns: tuple[tuple[str, tuple[str, ...]], ...] = ()
    name: str = ""
    project_id: str = ""
    device_id: str = ""
    device_owner: str = ""
    cidrs: tuple[str, ...] = ()
    vnic_type: str = "normal"
    network_name: str = ""

    @property
    def ref(self) -> Ref:
        return Ref("port", self.id)


ModelObject = Switch | Dhcp4 | Dhcp6 | SwitchPort


@dataclass(frozen=True, slots=True)
class Intent:
    """What is to be made true: for each ref, its object, or None where it must not exist.

    `complete` says that the refs are all there are: whatever else of ours the engine holds goes.
    Objects may refer to objects outside a partial intent, which were applied earlier; a reference
    to one that does not exist is left out by the engine and mended when that one is applied.
    """

    objects: Mapping[Ref, ModelObject | None]
    complete: bool = False


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as intended. `kind` is missing, surplus or altered."""

    ref: Ref
    kind: str
    what: str


@dataclass(frozen=True, slots=True)
class PortState:
    """What the engine observes of a port: `up` when a device is plugged and passes packets."""

    id: str
    up: bool
    host: str = ""


@dataclass(frozen=True, slots=True)
class Chassis:
    """A host that carries packets, as the engine sees it. `alive` by its own heartbeat."""

    id: str
    host: str
    alive: bool
    seen_at: float
    availability_zones: tuple[str, ...] = ()
    bridge_mappings: tuple[str, ...] = ()
    gateway: bool = False
    details: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Observed:
    """What changed since the last look.

    `healed` are refs of which something was altered behind our back and that need to be
    converged again; `everything` asks for a full resync (connected anew, or emptied).
    """

    ports: list[PortState] = field(default_factory=list)
    chassis: list[Chassis] | None = None
    healed: set[Ref] = field(default_factory=set)
    everything: bool = False


class Engine(Protocol):
    """Makes the network equal a model, and tells what it sees. One loop owns it, one thread."""

    def apply(self, intent: Intent) -> None:
        """Make the intent true.

        Raises `EngineUnavailable` if it could not (nothing is lost), `ObjectsRefused` if all but
        some objects was applied.
        """

    def differences(self, intent: Intent) -> Iterator[Difference]:
        """What `apply` would change now."""

    def wait(self, timeout: float, fds: Iterable[int] = ()) -> Observed:
        """Sleep until the engine saw something, one of `fds` is readable, or `timeout` seconds."""

    def acquire(self) -> bool:
        """Try to become (or confirm being) the one active loop of this cloud."""

    def close(self) -> None:
        """Let go of connections; the network stays as it is."""


class EngineUnavailable(Exception):
    """The engine cannot be reached or did not accept a change; to be tried again."""


class ObjectsRefused(EngineUnavailable):
    """All was applied but these objects, which the engine refuses as they are."""

    def __init__(self, reasons: Mapping[Ref, str]) -> None:
        super().__init__("; ".join(f"{ref.kind} {ref.id}: {why}" for ref, why in reasons.items()))
        self.refs = frozenset(reasons)
