# SPDX-License-Identifier: Apache-2.0
"""Which segment a network gets: what an operator may ask for, and a free id for who does not ask.

Invariant: an id is held by a row of `segment_allocations`, whose primary key makes the holder the
only one; a lost race is a `Retry`. The number of statements depends on the configured types and
physical networks, never on the size of a range or the number of networks in a request.
Rules and texts follow upstream's type drivers for flat, vlan, vxlan, gre, geneve and local.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from deuteron.declare.resource import Row
from deuteron.errors import ApiError, Conflict, Unavailable, invalid
from deuteron.settings import Settings
from deuteron.store.database import Retry

if TYPE_CHECKING:
    from deuteron.store.transaction import Transaction

TYPES: Final = ("flat", "geneve", "gre", "local", "vlan", "vxlan")
RANGED: Final = ("geneve", "gre", "vlan", "vxlan")
ALL_VLANS: Final = (1, 4094)
LARGEST_ID: Final = {"geneve": 2**24 - 1, "vxlan": 2**24 - 1, "gre": 2**32 - 1, "vlan": 4094}
# Enough that a pool which is half full fails once in four billion requests.
_GUESSES: Final = 32

Span = tuple[int, int]


@dataclass(slots=True)
class Draft:
    """A segment to be: what was asked for, then what was found.

    `network_type` None is a tenant's, of whatever type is configured; `segmentation_id` None is
    any free one; `asked` says that the id was named, so that its use by another is an error.
    """

    project_id: str
    network_type: str | None = None
    physical_network: str | None = None
    segmentation_id: int | None = None
    asked: bool = False

    @property
    def key(self) -> tuple[str, str, int] | None:
        """Its row of `segment_allocations`; None for a local segment, which holds nothing."""
        if self.network_type == "local" or self.network_type is None:
            return None
        return self.network_type, self.physical_network or "", self.segmentation_id or 0


@dataclass(frozen=True, slots=True)
class Pool:
    """Spans of ids of one type, on one physical network where the type has those."""

    network_type: str
    physical_network: str | None
    spans: tuple[Span, ...]

    @property
    def size(self) -> int:
        return sum(high - low + 1 for low, high in self.spans)

    def nth(self, index: int) -> int:
        """The id at a position, counted from 0."""
        for low, high in self.spans:
            if index <= high - low:
                return low + index
            index -= high - low + 1
        raise IndexError(index)

    def sample(self, count: int) -> list[int]:
        """Up to `count` different ids by chance, at a cost that ignores the pool's size."""
        size = self.size
        return [self.nth(i) for i in random.sample(range(size), min(count, size))]

    def free(self, taken: set[int]) -> Iterator[int]:
        """The ids that are not taken, in order."""
        return (i for low, high in self.spans for i in range(low, high + 1) if i not in taken)


def without(spans: Iterable[Span], holes: Iterable[Span]) -> tuple[Span, ...]:
    """Spans with holes cut out, merged and in order."""
    merged: list[Span] = []
    for low, high in sorted(spans):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    for start, end in holes:
        cut = [
            part
            for s in merged
            for part in ((s[0], min(s[1], start - 1)), (max(s[0], end + 1), s[1]))
        ]
        merged = [part for part in dict.fromkeys(cut) if part[0] <= part[1]]
    return tuple(sorted(merged))


def configured(settings: Settings) -> Iterator[tuple[str, str, Span]]:
    """Type, physical network ("" for tunnels) and span of every range of the settings."""
    for physical_network, spans in settings.network_vlan_ranges.items():
        for low, high in spans or (ALL_VLANS,):
            yield "vlan", physical_network, (low, high)
    tunnels = {
        "geneve": settings.geneve_vni_ranges,
        "vxlan": settings.vxlan_vni_ranges,
        "gre": settings.gre_id_ranges,
    }
    for network_type, spans in tunnels.items():
        for low, high in spans:
            yield network_type, "", (low, high)


@dataclass(slots=True)
class Ranges:
    """All ranges: those of the settings, and those made through the API (rows)."""

    settings: Settings
    rows: Sequence[Row]
    shared: dict[tuple[str, str], list[Span]] = field(init=False)

    def __post_init__(self) -> None:
        self.shared = defaultdict(list)
        for network_type, physical_network, span in configured(self.settings):
            self.shared[network_type, physical_network].append(span)
        for row in self.rows:
            # A range of one project makes its physical network known to all.
            spans = self.shared[row["network_type"], row["physical_network"]]
            if row["shared"]:
                spans.append((row["minimum"], row["maximum"]))

    def physical_networks(self) -> list[str]:
        return [physical for network_type, physical in self.shared if network_type == "vlan"]

    def pools(self, project: str, network_type: str, physical: str | None) -> Iterator[Pool]:
        """Where a project's segment may come from, in order: its own ranges, then shared ones."""
        for (type_, name), spans in list(self.shared.items()):
            if type_ != network_type or (physical and name != physical):
                continue
            rows = [
                r for r in self.rows if (r["network_type"], r["physical_network"]) == (type_, name)
            ]
            private = [r for r in rows if not r["shared"]]
            own = [_span(r) for r in private if r["project_id"] == project]
            others = [_span(r) for r in private if r["project_id"] != project]
            for found in (without(own, ()), without(spans, others)):
                if found:
                    yield Pool(network_type, name or None, found)


def _span(row: Row) -> Span:
    return row["minimum"], row["maximum"]


def check(settings: Settings, draft: Draft, physical_networks: Sequence[str]) -> None:
    """Raises 400 `InvalidInput` if no such segment can be. `physical_networks` are VLANs'."""
    network_type, physical = draft.network_type, draft.physical_network
    number = draft.segmentation_id
    if network_type not in TYPES:
        raise invalid(f"network_type value '{network_type}' not supported")
    if network_type == "vlan":
        if physical and physical not in physical_networks:
            raise invalid(f"physical_network '{physical}' unknown for VLAN provider network")
        if number is not None and not physical:
            raise invalid("segmentation_id requires physical_network for VLAN provider network")
    elif network_type == "flat":
        _check_flat(settings, physical)
    elif physical and network_type == "local":
        raise invalid("physical_network prohibited for local provider network")
    elif physical:
        raise invalid(f"provider:physical_network specified for {network_type} network")
    if number and network_type in ("flat", "local"):
        raise invalid(f"segmentation_id prohibited for {network_type} provider network")
    if number is not None and network_type in LARGEST_ID:
        least, most = (1 if network_type == "vlan" else 0), LARGEST_ID[network_type]
        if not least <= number <= most:
            raise invalid(f"segmentation_id out of range ({least} through {most})")


def _check_flat(settings: Settings, physical: str | None) -> None:
    if not physical:
        raise invalid("physical_network required for flat provider network")
    if not settings.flat_networks:
        raise invalid("Flat provider networks are disabled")
    if "*" not in settings.flat_networks and physical not in settings.flat_networks:
        raise invalid(f"physical_network '{physical}' unknown for flat provider network")


def in_use(draft: Draft) -> ApiError:
    """The 409 for a segment that another network holds."""
    start = "Unable to create the"
    if draft.network_type == "flat":
        return Conflict(
            "FlatNetworkInUse",
            f"{start} flat network. Physical network {draft.physical_network} is in use.",
        )
    if draft.network_type == "vlan":
        return Conflict(
            "VlanIdInUse",
            f"{start} network. The VLAN {draft.segmentation_id} on physical network "
            f"{draft.physical_network} is in use.",
        )
    return Conflict(
        "TunnelIdInUse", f"{start} network. The tunnel ID {draft.segmentation_id} is in use."
    )


def none_available() -> Unavailable:
    return Unavailable(
        "NoNetworkAvailable",
        "Unable to create the network. No project network is available for allocation.",
    )


def choose(tx: Transaction, drafts: Sequence[Draft], ranges: Ranges) -> None:
    """Fill what the drafts leave open, and see that nobody holds what they name.

    Raises 409 for a named id in use, 503 `NoNetworkAvailable` if no id is free.
    """
    named = [d for d in drafts if d.network_type == "flat" or d.segmentation_id is not None]
    held: set[tuple[str, str, int]] = set()
    if named:
        held = _held(tx, [d.key for d in named if d.key])
    for draft in named:
        draft.asked = True
        if draft.key in held:
            raise in_use(draft)
        if draft.key:
            held.add(draft.key)
    groups: dict[tuple[str, str | None, str | None], list[Draft]] = defaultdict(list)
    for draft in drafts:
        if draft.network_type is None or (
            draft.network_type in RANGED and draft.segmentation_id is None
        ):
            groups[draft.project_id, draft.network_type, draft.physical_network].append(draft)
    for (project, network_type, physical), waiting in groups.items():
        types = (network_type,) if network_type else tx.settings.tenant_network_types
        _fill(tx, waiting, project, types, physical, ranges, held)


def _fill(
    tx: Transaction,
    waiting: list[Draft],
    project: str,
    types: Iterable[str],
    physical: str | None,
    ranges: Ranges,
    held: set[tuple[str, str, int]],
) -> None:
    for network_type in types:
        if network_type == "local":
            for draft in waiting:
                draft.network_type = "local"
            return
        for pool in ranges.pools(project, network_type, physical):
            found = _free(tx, pool, len(waiting), held)
            for draft, number in zip(waiting, found, strict=False):
                draft.network_type, draft.physical_network = network_type, pool.physical_network
                draft.segmentation_id = number
                held.add((network_type, pool.physical_network or "", number))
            waiting = waiting[len(found) :]
            if not waiting:
                return
    raise none_available()


def _free(tx: Transaction, pool: Pool, count: int, held: set[tuple[str, str, int]]) -> list[int]:
    """Up to `count` free ids: by chance, and if chance fails, by reading those in use."""
    physical = pool.physical_network or ""
    mine = {i for t, p, i in held if (t, p) == (pool.network_type, physical)}
    guesses = pool.sample(count + _GUESSES)
    taken = mine | {i for *_, i in _held(tx, [(pool.network_type, physical, g) for g in guesses])}
    found = [g for g in guesses if g not in taken][:count]
    if len(found) == count or len(guesses) == pool.size:
        return found
    table = tx.schema.segment_allocations
    statement = sa.select(table.c.segmentation_id).where(
        table.c.network_type == pool.network_type, table.c.physical_network == physical
    )
    taken = mine | set(tx.connection.execute(statement).scalars())
    # Some in front, so that writers who search at the same time rarely choose the same.
    ids = pool.free(taken)
    ahead = [i for i, _ in zip(ids, range(count + _GUESSES), strict=False)]
    return random.sample(ahead, min(count, len(ahead)))


def _held(tx: Transaction, keys: Iterable[tuple[str, str, int]]) -> set[tuple[str, str, int]]:
    """Those of the keys that are in use; one statement."""
    table = tx.schema.segment_allocations
    grouped: dict[tuple[str, str], list[int]] = defaultdict(list)
    for network_type, physical, number in keys:
        grouped[network_type, physical].append(number)
    alternatives = [
        sa.and_(
            table.c.network_type == network_type,
            table.c.physical_network == physical,
            table.c.segmentation_id.in_(numbers),
        )
        for (network_type, physical), numbers in grouped.items()
    ]
    if not alternatives:
        return set()
    columns = (table.c.network_type, table.c.physical_network, table.c.segmentation_id)
    found = tx.connection.execute(sa.select(*columns).where(sa.or_(*alternatives)))
    return {(row[0], row[1], row[2]) for row in found}


def claim(tx: Transaction, drafts: Sequence[Draft], segment_ids: Sequence[str]) -> None:
    """Hold the ids of chosen drafts for segments. Raises `Retry` if another was faster."""
    rows: list[dict[str, Any]] = []
    for draft, segment_id in zip(drafts, segment_ids, strict=True):
        if draft.key:
            names = ("network_type", "physical_network", "segmentation_id")
            rows.append({**dict(zip(names, draft.key, strict=True)), "segment_id": segment_id})
    if not rows:
        return
    try:
        tx.connection.execute(tx.schema.segment_allocations.insert(), rows)
    except IntegrityError as error:
        raise Retry from error


def release(tx: Transaction, segment_ids: Sequence[str]) -> None:
    """Let go of the ids that segments hold."""
    table = tx.schema.segment_allocations
    tx.connection.execute(table.delete().where(table.c.segment_id.in_(segment_ids)))
