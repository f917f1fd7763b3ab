"""Of whom and as of when a figure is, and which counts of people may be shown. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from services.reporting.population.shares import Counts, Interval, wilson

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


def shown(people: int) -> int | None:
    """The count, or None for 1 to 10."""
    return None if 0 < people < THRESHOLD else people


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
    subtracting: the hidden rows together have to be a cell that could be shown, of two rows at least."""
    no_members = complete({i for i, row in enumerate(rows) if shown(row.members) is None}, rows, enough_members)
    no_vaccinated = {i for i, row in enumerate(rows) if not can_show(row)} | no_members
    no_vaccinated = complete(no_vaccinated, rows, can_show)
    return [HIDDEN if i in no_members else cover(row, hide=i in no_vaccinated) for i, row in enumerate(rows)]


def enough_members(together: Counts) -> bool:
    """Whether the number of people may be shown."""
    return together.members >= THRESHOLD


def complete(hidden: set[int], rows: Sequence[Counts], enough: Callable[[Counts], bool]) -> set[int]:
    """The rows to hide so that what is hidden does not come out by subtracting: these, and further ones, the smallest
    first, until the hidden ones together are enough."""
    hidden = set(hidden)
    while hidden and len(hidden) < len(rows):
        together = Counts(sum(rows[i].members for i in hidden), sum(rows[i].vaccinated for i in hidden))
        if len(hidden) > 1 and enough(together):
            break
        hidden.add(min(set(range(len(rows))) - hidden, key=lambda i: rows[i].members))
    return hidden


def monday_of(day: date) -> date:
    """The first day of the day's week."""
    return day - timedelta(days=day.weekday())
