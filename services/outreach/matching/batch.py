"""Assigns many members to many workers at once, as one min-cost flow. Members who ask for the same are one source; the
workers who fit a part of what is wished are a pool, which many sources share, so that the network stays small. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, combinations, repeat
from uuid import UUID

from services.outreach.matching.balance import Spread, band_of, bound_of, spread_of
from services.outreach.matching.flows import Network
from services.outreach.matching.rules import NOBODY, PREFERENCES, Bar, Demand, Reason, Room, Terms, Wish, reasons
from services.outreach.matching.workforce import PIECE, Ids, Workforce
from services.outreach.workers.rules import Worker

COST = {reason: 2**place for place, reason in enumerate(reversed(PREFERENCES))}
"""What it costs to leave a wish: more than all the lesser ones together."""
LEFT = 1_000_000
"""What it costs to give a member to nobody: more than any unevenness."""


@dataclass(frozen=True, slots=True)
class Member:
    """A person with open cases, who is called by one worker about all of them."""

    person_token: UUID
    rank: int
    case_ids: tuple[UUID, ...]
    demand: Demand
    wish: Wish


@dataclass(frozen=True, slots=True)
class Assigned:
    """Who reaches a member, what speaks for him, and why it is he and no other."""

    member: Member
    worker_id: str
    reasons: tuple[Reason, ...]
    deciding: Reason


@dataclass(frozen=True, slots=True)
class Left:
    """A member whom nobody can be given, and the hard rules by which."""

    member: Member
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Batch:
    """What came of it; how evenly, and how evenly it can be at all under the hard rules."""

    assigned: Sequence[Assigned]
    left: Sequence[Left]
    spread: Spread
    rooms: Mapping[str, Room]


Kind = tuple[Demand, Wish]


def assign(members: Sequence[Member], workers: Sequence[Worker], terms: Terms, rooms: Mapping[str, Room]) -> Batch:
    """Give each member to the worker by whom all of them together are served best: nobody is left whom somebody may
    have, loads are even, wishes are kept, in this order. Of equal members the higher ranked are served first."""
    workforce = Workforce(sorted(workers, key=lambda one: one.worker_id), terms)
    kinds = _kinds(members, workforce)
    loads = {worker_id: rooms[worker_id] for worker_id in workforce.by_id}
    bound = bound_of(_counts(kinds), workforce.able, loads, terms)
    assigned: list[Assigned] = []
    left: list[Left] = []
    for is_hard in (True, False):
        part = {kind: found for kind, found in kinds.items() if kind[0].is_hard is is_hard}
        given = _Flow(workforce, loads, _hard_level(part, loads) if is_hard else bound.level, is_hard=is_hard).of(part)
        for (demand, wish), found in part.items():
            worker_ids = given[demand, wish]
            for member, worker_id in zip(found, worker_ids, strict=False):
                worker = workforce.by_id[worker_id]
                told = tuple(reasons(worker, demand, wish, terms))
                assigned.append(Assigned(member, worker_id, told, workforce.deciding(worker_id, demand, wish)))
                loads[worker_id] = loads[worker_id].with_one_more(terms.weight(demand), is_hard=is_hard)
            left += [Left(member, workforce.bars_of_all(demand)) for member in found[len(worker_ids) :]]
    return Batch(assigned, left, spread_of(loads, bound), loads)


def _kinds(members: Iterable[Member], workforce: Workforce) -> dict[Kind, list[Member]]:
    """Those who ask for the same together, in an order that does not depend on the order in which they come."""
    kinds: dict[Kind, list[Member]] = defaultdict(list)
    for member in sorted(members, key=lambda one: (-one.rank, one.person_token)):
        kinds[member.demand, workforce.wished(member.demand, member.wish)].append(member)
    return {kind: kinds[kind] for kind in sorted(kinds, key=_in_order)}


def _in_order(kind: Kind) -> tuple[object, ...]:
    demand, wish = kind
    avoided = (sorted(demand.avoided.workers), sorted(demand.avoided.organizations))
    asked = (demand.language or "", sorted(demand.courses), sorted(demand.disciplines), avoided, demand.is_hard)
    return *asked, wish.manager or "", wish.last_worker or "", sorted(wish.cultures), wish.zip5 or ""


def _counts(kinds: Mapping[Kind, Sequence[Member]]) -> dict[Demand, int]:
    counts: dict[Demand, int] = defaultdict(int)
    for (demand, _), found in kinds.items():
        counts[demand] += len(found)
    return counts


def _hard_level(kinds: Mapping[Kind, Sequence[Member]], rooms: Mapping[str, Room]) -> float:
    """How many hard cases come to a unit of capacity."""
    count = sum(map(len, kinds.values())) + sum(room.hard_load for room in rooms.values())
    return count / max(1, sum(room.capacity for room in rooms.values()))


class _Flow:
    """The network of one batch: kinds of members, pools of workers, workers, and where everything ends."""

    def __init__(self, workforce: Workforce, rooms: Mapping[str, Room], level: float, *, is_hard: bool) -> None:
        self._workforce = workforce
        self._network = Network()
        self._end = self._network.node()
        self._worker = {worker_id: self._network.node() for worker_id in rooms}
        for worker_id, room in rooms.items():
            for units, cost in band_of(room, level, workforce.terms, is_hard=is_hard).steps():
                self._network.arc(self._worker[worker_id], self._end, cost, units)
        self._pools: dict[Ids, int] = {}
        self._out_of_pool: dict[int, list[tuple[str, int]]] = {}
        self._cuts: dict[object, Ids] = {}

    def of(self, kinds: Mapping[Kind, Sequence[Member]]) -> dict[Kind, list[str]]:
        """The workers of each kind's members; fewer of them than members where somebody is left."""
        arcs = {kind: self._source(kind, len(found)) for kind, found in kinds.items()}
        self._network.supply[self._end] = -sum(map(len, kinds.values()))
        flow = self._network.solve()
        waiting = {
            pool: chain.from_iterable(repeat(worker_id, flow[arc]) for worker_id, arc in out)
            for pool, out in self._out_of_pool.items()
        }
        given: dict[Kind, list[str]] = {}
        for kind, own in arcs.items():
            given[kind] = [next(waiting[pool]) for arc, pool in own for _ in range(flow[arc])]
        return given

    def _source(self, kind: Kind, count: int) -> list[tuple[int, int]]:
        """The kind's arcs into pools."""
        source = self._network.node(count)
        self._network.arc(source, self._end, LEFT)
        return [
            (self._network.arc(source, self._pool(ids), cost), self._pool(ids))
            for ids, cost in self._choices(kind).items()
        ]

    def _choices(self, kind: Kind) -> dict[Ids, int]:
        """The sets of workers who may, and what it costs to take any of them: what is wished and not sure of all."""
        demand, wish = kind
        able = self._workforce.able(demand)
        own = {reason: self._workforce.fitting(reason, demand, wish) & able for reason in PREFERENCES[:2]}
        shared = [reason for reason in PREFERENCES[2:] if self._cut(kind, (reason,))]
        whole = sum(COST[reason] for reason in (*shared, *(reason for reason, ids in own.items() if ids)))
        choices: dict[Ids, int] = {}
        for kept in chain.from_iterable(combinations(shared, count) for count in range(len(shared), -1, -1)):
            ids = self._cut(kind, kept)
            cost = whole - sum(COST[reason] for reason in kept)
            for piece in self._pieces(demand, ids):
                choices[piece] = min(cost, choices.get(piece, cost))
        for ids in own.values():
            for worker_id in ids:
                speaking = [one for one in (*own, *shared) if worker_id in (own.get(one) or self._cut(kind, (one,)))]
                choices[frozenset({worker_id})] = whole - sum(COST[reason] for reason in speaking)
        return choices

    def _pieces(self, demand: Demand, ids: Ids) -> Iterator[Ids]:
        """As a rule they are one pool. Who avoids somebody would have one that nobody shares: most of its pieces are
        others', too."""
        if demand.avoided == NOBODY or len(ids) <= PIECE:
            return iter([ids] if ids else [])
        return filter(None, (ids & piece for piece in self._workforce.pieces))

    def _cut(self, kind: Kind, kept: tuple[Reason, ...]) -> Ids:
        """Those who may and for whom all of these speak."""
        demand, wish = kind
        asked = (wish.cultures if Reason.CULTURE in kept else None, wish.zip5 if Reason.AREA in kept else None)
        key = (demand, kept, asked)
        if key not in self._cuts:
            fitting = (self._workforce.fitting(reason, demand, wish) for reason in kept)
            self._cuts[key] = self._workforce.able(demand).intersection(*fitting)
        return self._cuts[key]

    def _pool(self, ids: Ids) -> int:
        """The node of these workers, whom any source that may have one of them may have."""
        if ids not in self._pools:
            pool = self._pools[ids] = self._network.node()
            arcs = [(worker_id, self._network.arc(pool, self._worker[worker_id])) for worker_id in sorted(ids)]
            self._out_of_pool[pool] = arcs
        return self._pools[ids]
