"""Which figures of a report may be shown: none of 1 to 10 people, and none that gives one of those away."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

THRESHOLD = 11
Z_95 = 1.959963984540054
Counts = tuple[int, int]
"""Members and vaccinated ones."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What may be shown of Counts."""

    members: int | None = None
    vaccinated: int | None = None
    share: tuple[float, float, float] | None = None


def shown(people: int) -> int | None:
    return None if 0 < people < THRESHOLD else people


def can_show(counts: Counts) -> bool:
    members, vaccinated = counts
    return vaccinated >= THRESHOLD and members - vaccinated >= THRESHOLD


def cover(counts: Counts, *, hide: bool = False) -> Shown:
    members = shown(counts[0])
    if members is None or hide or not can_show(counts):
        return Shown(members)
    return Shown(members, counts[1], wilson(counts[1], counts[0]))


def cover_table(rows: Mapping[str, Counts], order: Sequence[str]) -> dict[str, Shown]:
    """The rows of a table whose total is shown beside it, in this order: of equal rows the first is hidden first.
    None at all where hiding every row would not do."""
    counts = [rows[name] for name in order]
    no_members = _complete({n for n, one in enumerate(counts) if shown(one[0]) is None}, counts, _is_enough)
    if no_members and not (len(no_members) > 1 and _is_enough(counts, no_members)):
        return {}
    hidden = _complete({n for n, one in enumerate(counts) if not can_show(one)} | no_members, counts, _can_show)
    return {
        name: Shown() if n in no_members else cover(counts[n], hide=n in hidden) for n, name in enumerate(order)
    }  # fmt: skip


def _is_enough(rows: Sequence[Counts], hidden: set[int]) -> bool:
    """Each row has somebody, so this many values are left for each."""
    return together(rows, hidden)[0] - len(hidden) + 1 >= THRESHOLD - 1


def _can_show(rows: Sequence[Counts], hidden: set[int]) -> bool:
    return can_show(together(rows, hidden))


def _complete(
    hidden: set[int], rows: Sequence[Counts], enough: Callable[[Sequence[Counts], set[int]], bool]
) -> set[int]:
    """Hide more rows until those that are hidden could be shown together."""
    hidden = set(hidden)
    while hidden and len(hidden) < len(rows) and not (len(hidden) > 1 and enough(rows, hidden)):
        hidden.add(min((n for n in range(len(rows)) if n not in hidden), key=lambda n: rows[n][0]))
    return hidden


def together(rows: Sequence[Counts], which: set[int]) -> Counts:
    return sum(rows[n][0] for n in which), sum(rows[n][1] for n in which)


def wilson(some: int, of: int) -> tuple[float, float, float]:
    """The share and Wilson's 95 % interval of it."""
    share, z2 = some / of, Z_95**2
    middle, width = 2 * some + z2, Z_95 * sqrt(z2 + 4 * some * (1 - share))
    low, high = (middle - width) / (2 * (of + z2)), (middle + width) / (2 * (of + z2))
    return share, max(0.0, low), min(1.0, high)
