"""Until when an answer stands: rules compare a day with dates made of the person's own days and the rules' periods.

Every period and date of a vaccine group's rules is collected, whichever rule it belongs to: a day too many costs a
forecast that is asked again, a day missed would leave a wrong answer standing.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple

from services.eligibility.forecast.dates import (
    DAYS_OF_A_MONTH,
    DISTANT_FUTURE,
    DISTANT_PAST,
    SLACK_DAYS,
    Period,
    add_months,
)
from services.eligibility.forecast.gather_necessary_data import AgeDates
from services.eligibility.forecast.model import History
from services.eligibility.forecast.schedule import SupportingData, VaccineGroup

DATES = frozenset({"effective", "cessation", "start", "end", "season_start", "season_end"})
YEARS_BACK = 2
"""Seasons before the one that a release holds are rolled back from it."""


class Turning(NamedTuple):
    """A group's periods by length, which is in days and correct but for `SLACK_DAYS`, and the dates of its rules."""

    lengths: tuple[float, ...]
    periods: tuple[Period, ...]
    dates: tuple[int, ...]


def next_turn(history: History, group: VaccineGroup, supporting: SupportingData, on: date) -> date | None:
    """The first later day on which the group's forecast may be another, with no dose and no news in between."""
    today = on.toordinal()
    turning = _turning(group, supporting)
    days = {history.birth_on, *[dose.administered_on for dose in history.doses]}
    days |= {observation.observed_on for observation in history.observations if observation.observed_on is not None}
    edges = [] if supporting.overlay is None else [day.toordinal() for day in supporting.overlay.edges()]
    place = bisect_left(turning.dates, today)
    first = min([_after(today, turn) for turn in turning.dates[place : place + 2]], default=DISTANT_FUTURE)
    first = min([first, *(edge for edge in edges if edge > today)])
    for day in days:
        first = _first_after(today, day.toordinal(), turning, first)
    return None if first >= DISTANT_FUTURE else date.fromordinal(first)


def _first_after(today: int, day: int, turning: Turning, first: int) -> int:
    """The first of the days that lie a period after this one, or `first` if none comes before that."""
    if day >= today:
        first = min(first, _after(today, day))
    later = AgeDates(day)
    start = bisect_left(turning.lengths, today - day - SLACK_DAYS)
    for length, period in zip(turning.lengths[start:], turning.periods[start:], strict=True):
        if day + length - SLACK_DAYS > first:
            break
        if (turn := later[period]) >= today:
            first = min(first, _after(today, turn))
    return first


def _after(today: int, turn: int) -> int:
    """A rule turns on a day or, where the day itself still belongs to it, on the next."""
    return turn if turn > today else turn + 1


@lru_cache(maxsize=256)
def _turning(group: VaccineGroup, supporting: SupportingData) -> Turning:
    periods, dates = _collected(group, supporting)
    by_length = sorted(periods, key=_length)
    return Turning(tuple(map(_length, by_length)), tuple(by_length), tuple(sorted(dates)))


def _length(period: Period) -> float:
    return period.months * DAYS_OF_A_MONTH + period.days


def _collected(group: VaccineGroup, supporting: SupportingData) -> tuple[frozenset[Period], frozenset[int]]:
    periods: set[Period] = set()
    dates: set[int] = set()
    for name, value in (*_leaves("", group), *_leaves("", supporting.conflicts), *_leaves("", supporting.associations)):
        if isinstance(value, Period):
            periods.add(value)
        elif name in DATES and DISTANT_PAST < value < DISTANT_FUTURE:
            dates |= {add_months(value, -12 * years) for years in range(YEARS_BACK + 1)}
    return frozenset(periods), frozenset(dates)


def _leaves(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Every period and number in a rule, with the name of the field that holds it."""
    if isinstance(value, Period | int):
        yield name, value
    elif is_dataclass(value):
        for field in fields(value):
            yield from _leaves(field.name, getattr(value, field.name))
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _leaves(name, part)
    elif isinstance(value, tuple | frozenset):
        for part in value:
            yield from _leaves(name, part)
