"""Of whom and as of when a figure is, and which counts of people may be shown. Pure."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TypeVar

from services.reporting.population.shares import Counts, Interval, wilson

Row = TypeVar("Row", int, Counts)
THRESHOLD = 11
"""Counts of 1 to 10 people are hidden: the least number that the Centers for Medicare & Medicaid Services let show."""


@dataclass(frozen=True, slots=True)
class Question:
    """One programme as of the end of a day, with what was known at the end of another."""

    programme_id: str
    as_of: date
    known_on: date


@dataclass(frozen=True, slots=True)
class Coverage:
    """What may be shown of Counts. None: hidden, because somebody could be recognised."""

    members: int | None
    vaccinated: int | None
    share: Interval | None

    @property
    def unvaccinated(self) -> int | None:
        """Shown exactly when `vaccinated` is."""
        return None if self.members is None or self.vaccinated is None else self.members - self.vaccinated


HIDDEN = Coverage(None, None, None)
STAY_POSSIBLE = THRESHOLD - 1
"""Of a hidden count so many values must stay possible at least: as many as a count of 1 to 10 has."""


def shown(people: int) -> int | None:
    """The count, or None for 1 to 10."""
    return None if is_few(people) else people


def is_few(people: int) -> bool:
    """Whether so many people, or so many that one figure has more than another, tell of somebody."""
    return 0 < people < THRESHOLD


def can_show(counts: Counts) -> bool:
    """Whether both the vaccinated and the others are many enough. None at all, or everybody, would tell something of
    each single one."""
    return min(counts.vaccinated, counts.members - counts.vaccinated) >= THRESHOLD


def cover(counts: Counts, *, hide: bool = False) -> Coverage:
    """What may be shown of one cell; `hide` keeps the vaccinated back even if they are many."""
    members = shown(counts.members)
    if members is None or hide or not can_show(counts):
        return Coverage(members, None, None)
    return Coverage(members, counts.vaccinated, wilson(counts.vaccinated, counts.members))


def cover_table(rows: Sequence[Counts]) -> list[Coverage]:
    """What may be shown of the rows of a table whose total is shown beside it. What is hidden must not come out by
    subtracting: the hidden rows together have to be a cell that could be shown, of two rows at least. Empty where not
    even hiding every row would do: that a row stands there tells of somebody."""
    no_members = complete({i for i, row in enumerate(rows) if is_few(row.members)}, rows, enough_members)
    if no_members and not is_complete(no_members, rows, enough_members):
        return []
    no_vaccinated = {i for i, row in enumerate(rows) if not can_show(row)} | no_members
    no_vaccinated = complete(no_vaccinated, rows, can_show_together)
    return [HIDDEN if i in no_members else cover(row, hide=i in no_vaccinated) for i, row in enumerate(rows)]


def enough_members(rows: Sequence[Counts]) -> bool:
    """Whether the sum of these rows, none of them empty, leaves the number of people in each open."""
    return leaves_open([row.members for row in rows])


def can_show_together(rows: Sequence[Counts]) -> bool:
    """Whether the vaccinated of these rows may be known together."""
    return can_show(added(rows))


def leaves_open(counts: Sequence[int]) -> bool:
    """Whether somebody who knows the sum of these counts, and that none of them is 0, is left with enough values for
    each: from 1 to all that the others can spare."""
    return len(counts) > 1 and sum(counts) - len(counts) + 1 >= STAY_POSSIBLE


def added(rows: Iterable[Counts]) -> Counts:
    """The sum of rows."""
    listed = list(rows)
    return Counts(sum(row.members for row in listed), sum(row.vaccinated for row in listed))


def complete(hidden: set[int], rows: Sequence[Row], enough: Callable[[Sequence[Row]], bool]) -> set[int]:
    """The rows to hide so that what is hidden does not come out by subtracting: these, and further ones, the smallest
    first, until the hidden ones together are enough."""
    hidden = set(hidden)
    while hidden and len(hidden) < len(rows) and not is_complete(hidden, rows, enough):
        hidden.add(min(set(range(len(rows))) - hidden, key=lambda i: _size(rows[i])))
    return hidden


def is_complete(hidden: set[int], rows: Sequence[Row], enough: Callable[[Sequence[Row]], bool]) -> bool:
    """Whether the hidden rows, if any, are two at least and together enough."""
    return not hidden or (len(hidden) > 1 and enough([rows[i] for i in sorted(hidden)]))


def _size(row: int | Counts) -> int:
    return row if isinstance(row, int) else row.members


def monday_of(day: date) -> date:
    """The first day of the day's week."""
    return day - timedelta(days=day.weekday())
