"""What somebody knows who has only published figures: counts that are whole and not negative, and sums of them. Finds
between which bounds each count must lie, by propagation and by linear programming."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import ceil, floor, inf, isfinite
from typing import Any

import highspy

FEW = 10
"""Of a hidden count that may be 1 to 10 so many values have to stay possible."""
MOST = 10.0**6
EPSILON = 1e-5
Sum = Mapping[str, float]
_SOLVER: Callable[[], Any] = highspy.Highs


@dataclass(frozen=True, slots=True)
class Found:
    """A count of few people of which fewer values are possible than were promised."""

    name: str
    low: int
    high: int


@dataclass(slots=True)
class _Row:
    of: dict[str, float]
    low: float
    high: float


class System:
    """Counts by name, what is known of sums of them, and which sums nobody may find out."""

    def __init__(self) -> None:
        self.bounds: dict[str, list[float]] = {}
        self.rows: list[_Row] = []
        self.secrets: dict[str, tuple[dict[str, float], str]] = {}

    def count(self, name: str, low: float = 0, high: float = inf) -> str:
        """A count, at least 0, and within these bounds."""
        known = self.bounds.setdefault(name, [0.0, inf])
        known[0], known[1] = max(known[0], low), min(known[1], high)
        return name

    def know(self, of: Sum, low: float, high: float | None = None) -> None:
        """The sum lies between the bounds; without `high` it is `low`."""
        for name in of:
            self.count(name)
        self.rows.append(_Row({name: by for name, by in of.items() if by}, low, low if high is None else high))

    def hide(self, name: str, of: Sum, *, even_none_of: str = "") -> None:
        """Nobody may find out a few of these; nor that there is none, of a hidden sum that is not none itself."""
        for one in of:
            self.count(one)
        self.secrets[name] = (dict(of), even_none_of)

    def solve(self) -> list[Found]:
        """Every hidden sum that is 10 or less perhaps, and has too few values left. Raises ValueError where what was
        published contradicts itself."""
        self._propagate()
        found = []
        for names in self._components():
            found += _Component(self, names).attack()
        return sorted(found, key=lambda one: one.name)

    def _propagate(self, rounds: int = 50) -> None:
        for _ in range(rounds):
            changed = [self._tighten(row) for row in self.rows]
            if not any(changed):
                break
        for name, (low, high) in self.bounds.items():
            if low > high:
                raise ValueError(f"nothing is possible for {name}: {low} to {high}")

    def _tighten(self, row: _Row) -> bool:
        """Each count's bounds by those of the others of the sum."""
        ends = {name: sorted((by * self.bounds[name][0], by * self.bounds[name][1])) for name, by in row.of.items()}
        least, most = sum(low for low, _ in ends.values()), sum(high for _, high in ends.values())
        changed = False
        for name, by in row.of.items():
            low, high = ends[name]
            others_least = least - low if isfinite(least) else _sum_but(ends, name, 0)
            others_most = most - high if isfinite(most) else _sum_but(ends, name, 1)
            between = sorted(((row.low - others_most) / by, (row.high - others_least) / by))
            known = self.bounds[name]
            new = (max(known[0], ceil(between[0] - EPSILON) if isfinite(between[0]) else -inf),
                   min(known[1], floor(between[1] + EPSILON) if isfinite(between[1]) else inf))  # fmt: skip
            if new[0] > known[0] or new[1] < known[1]:
                self.bounds[name] = list(new)
                changed = True
                low, high = sorted((by * new[0], by * new[1]))
                least, most, ends[name] = others_least + low, others_most + high, [low, high]
        return changed

    def _components(self) -> list[set[str]]:
        """Counts that hang together by what is known or asked of them."""
        parent = {name: name for name in self.bounds}

        def root(name: str) -> str:
            while parent[name] != name:
                parent[name] = parent[parent[name]]
                name = parent[name]
            return name

        for together in (*(row.of for row in self.rows), *(of for of, _ in self.secrets.values())):
            first, *others = together or ("",)
            for other in others:
                parent[root(other)] = root(first)
        found: dict[str, set[str]] = defaultdict(set)
        for name in self.bounds:
            found[root(name)].add(name)
        return list(found.values())


def _sum_but(ends: Mapping[str, list[float]], name: str, end: int) -> float:
    return sum(each[end] for other, each in ends.items() if other != name)


class _Component:
    """A part of a system as a linear program."""

    def __init__(self, system: System, names: set[str]) -> None:
        self._index = {name: i for i, name in enumerate(sorted(names))}
        self._secrets = {name: one for name, one in system.secrets.items() if next(iter(one[0])) in names}
        self._asked: list[str] = []
        self._widest: dict[str, list[float]] = {name: [inf, -inf] for name in self._secrets}
        if not self._secrets:
            return
        self._solver = _SOLVER()
        self._solver.silent()
        for name in self._index:
            low, high = system.bounds[name]
            self._solver.addVar(low, min(high, max(MOST, low)))
        for row in system.rows:
            if row.of and next(iter(row.of)) in names:
                self._solver.addRow(row.low - EPSILON, row.high + EPSILON, len(row.of),
                                    [self._index[name] for name in row.of], list(row.of.values()))  # fmt: skip

    def attack(self) -> list[Found]:
        found = []
        for name, (of, even_none_of) in self._secrets.items():
            low, high = self._reach(name, of, -1), self._reach(name, of, 1)
            tells = low <= FEW and (high > 0 or (bool(even_none_of) and self._is_any(even_none_of)))
            if tells and high - low + 1 < FEW:
                found.append(Found(name, low, high))
        return found

    def _reach(self, name: str, of: Sum, sign: int) -> int:
        """The least (-1) or the greatest (1) value; any that is far enough from a known one will do."""
        widest = self._widest[name]
        if widest[1] - widest[0] < FEW:
            self._solve(of, sign)
        return ceil(widest[0] - EPSILON * 10) if sign < 0 else floor(widest[1] + EPSILON * 10)

    def _is_any(self, name: str) -> bool:
        return self._reach(name, self._secrets[name][0], 1) > 0

    def _solve(self, of: Sum, sign: int) -> None:
        for name in self._asked:
            self._solver.changeColCost(self._index[name], 0.0)
        for name, by in of.items():
            self._solver.changeColCost(self._index[name], sign * -by)
        self._asked = list(of)
        self._solver.run()
        if self._solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            raise ValueError("what was published contradicts itself")
        point = self._solver.getSolution().col_value
        for name, (each, _) in self._secrets.items():
            value = sum(by * point[self._index[one]] for one, by in each.items())
            widest = self._widest[name]
            widest[0], widest[1] = min(widest[0], value), max(widest[1], value)
