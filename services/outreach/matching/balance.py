"""How even loads can be under the hard rules, how even they are, and what unevenness costs. Pure."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from math import ceil, floor

import numpy as np

from services.outreach.matching.flows import INFINITE, Columns, optimum
from services.outreach.matching.rules import NOBODY, Demand, Room, Terms

UNEVEN = 1000
"""What a unit of load outside of the band costs next to it: more than wishes gain by it."""
STEPS = (0.05, 0.1, 0.2)
"""Of the load: so far from the band each further unit costs once more."""


@dataclass(frozen=True, slots=True)
class Bound:
    """Of load to capacity: the level of all together, and the least and the most under which everybody is assigned who
    can be. No assignment is more even."""

    level: float
    least: float
    most: float

    @property
    def spread(self) -> float:
        """Between the most and the least loaded, in parts of the level."""
        return (self.most - self.least) / self.level if self.level else 0.0


@dataclass(frozen=True, slots=True)
class Spread:
    """How even the loads are; `bound`: how even they can be at all."""

    level: float
    least: float
    most: float
    bound: float

    @property
    def attained(self) -> float:
        """Between the most and the least loaded, in parts of the level."""
        return (self.most - self.least) / self.level if self.level else 0.0


def spread_of(rooms: Mapping[str, Room], bound: Bound) -> Spread:
    """How even these loads are."""
    known = [room for room in rooms.values() if room.capacity]
    if not known:
        return Spread(0.0, 0.0, 0.0, 0.0)
    ratios = [room.load / room.capacity for room in known]
    level = sum(room.load for room in known) / sum(room.capacity for room in known)
    return Spread(level, min(ratios), max(ratios), bound.spread)


@dataclass(slots=True)
class _Program:
    """A linear program that is made column by column."""

    costs: list[float]
    upper: list[float]
    starts: list[int]
    rows: list[int]
    values: list[float]

    def column(self, entries: Mapping[int, float], cost: float = 0, upper: float = INFINITE) -> None:
        """A variable from nought."""
        self.starts.append(len(self.rows))
        self.rows += entries.keys()
        self.values += entries.values()
        self.costs.append(cost)
        self.upper.append(upper)


def bound_of(
    counts: Mapping[Demand, int], able: Callable[[Demand], Collection[str]], rooms: Mapping[str, Room], terms: Terms
) -> Bound:
    """Two small linear programs over demands and workers, in which a member may be divided: how many can be assigned at
    all, and how evenly these. Avoid-lists are left out, which makes it no larger."""
    asked: dict[Demand, int] = defaultdict(int)
    for demand, count in counts.items():
        if able(demand):
            asked[replace(demand, avoided=NOBODY)] += count
    ids = [worker_id for worker_id, room in rooms.items() if room.capacity]
    capacity = sum(rooms[worker_id].capacity for worker_id in ids)
    if not asked or not capacity:
        return Bound(0.0, 0.0, 0.0)
    weight = sum(count * terms.weight(demand) for demand, count in asked.items())
    left = sum(_solved(asked, ids, able, rooms, terms, None)[-len(asked) :])
    found = _solved(asked, ids, able, rooms, terms, left)
    load = sum(rooms[worker_id].load for worker_id in ids)
    return Bound((load + weight - left) / capacity, found[1], found[0])


def _solved(
    asked: Mapping[Demand, int],
    ids: list[str],
    able: Callable[[Demand], Collection[str]],
    rooms: Mapping[str, Room],
    terms: Terms,
    left: float | None,
) -> list[float]:
    """The least weight that is left, or with so much left the least distance between most and least. Rows: a demand
    each; of a worker the capacity, the hard cases, the most, the least; what is left. Columns: the most, the least,
    what goes from demands to workers, what is left of each demand."""
    demands, row_of, last = list(asked), {name: len(asked) + 4 * no for no, name in enumerate(ids)}, 0
    last = len(demands) + 4 * len(ids)
    program = _Program([], [], [], [], [])
    is_spread = left is not None
    program.column({row_of[name] + 2: -rooms[name].capacity for name in ids}, cost=1 if is_spread else 0)
    program.column({row_of[name] + 3: -rooms[name].capacity for name in ids}, cost=-1 if is_spread else 0)
    for row, demand in enumerate(demands):
        weight = terms.weight(demand)
        for name in sorted(able(demand)):
            if name in row_of:
                own = row_of[name]
                program.column({row: weight, own: weight, own + 1: demand.is_hard, own + 2: weight, own + 3: weight})
    for row, _ in enumerate(demands):
        program.column({row: 1, last: 1}, cost=0 if is_spread else 1)
    lower = [float(asked[one] * terms.weight(one)) for one in demands]
    upper = list(lower)
    for name in ids:
        room = rooms[name]
        lower += [-INFINITE, -INFINITE, -INFINITE, -room.load if is_spread else -INFINITE]
        upper += [
            max(0, room.capacity - room.load), max(0, room.hard_capacity - room.hard_load),
            -room.load if is_spread else INFINITE, INFINITE,
        ]  # fmt: skip
    slack = 1e-6 * (1 + sum(lower[: len(demands)]))
    columns = Columns(
        program.costs, np.zeros(len(program.costs)), program.upper, program.starts, program.rows, program.values
    )
    return optimum(columns, [*lower, 0], [*upper, INFINITE if left is None else left + slack])


@dataclass(frozen=True, slots=True)
class Band:
    """Of a worker in units: at least so many had better come, at most so many, and never more than the limit."""

    least: int
    most: int
    limit: int

    def steps(self) -> Iterator[tuple[int, float]]:
        """Units and what each of them costs, the cheapest first: below the band it is a gain."""
        below = list(_steps(self.least, max(self.least, 1)))
        for units, times in reversed(below):
            yield units, -UNEVEN * times
        yield self.most - self.least, 0
        for units, times in _steps(self.limit - self.most, max(self.most, 1)):
            yield units, UNEVEN * times


def band_of(room: Room, level: float, terms: Terms, *, is_hard: bool) -> Band:
    """What had better come to a worker so that his load keeps within the policy's spread around the level; of hard
    cases, no more than his part."""
    weight = terms.policy.hard_weight if is_hard else 1
    limit = max(0, (room.capacity - room.load) // weight)
    if is_hard:
        limit = min(limit, max(0, room.hard_capacity - room.hard_load))
        most = min(limit, max(0, ceil(level * room.capacity) - room.hard_load))
        return Band(0, most, limit)
    half = terms.policy.spread / 2
    aim = level * room.capacity
    most = max(0, floor(aim * (1 + half)) - room.load)
    least = max(0, ceil(aim * (1 - half)) - room.load)
    most = min(limit, max(most, least))
    return Band(min(least, most), most, limit)


def _steps(units: int, of: int) -> Iterator[tuple[int, int]]:
    """Nearest to the band first."""
    for times, share in enumerate(STEPS, 1):
        width = min(units, max(1, round(share * of)))
        if width:
            yield width, times
        units -= width
    if units:
        yield units, len(STEPS) + 1
