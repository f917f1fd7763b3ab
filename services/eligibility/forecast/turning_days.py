"""Until when an answer stands: rules compare a day with dates made of the person's own days and the rules' periods.

Every period and date of a vaccine group's rules is collected, whichever rule it belongs to: a day too many costs a
forecast that is asked again, a day missed would leave a wrong answer standing.
"""

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from services.eligibility.forecast.dates import DISTANT_FUTURE, DISTANT_PAST, Period, add, add_months
from services.eligibility.forecast.model import History
from services.eligibility.forecast.schedule import SupportingData, VaccineGroup

DATES = frozenset({"effective", "cessation", "start", "end", "season_start", "season_end"})
YEARS_BACK = 2
"""Seasons before the one that a release holds are rolled back from it."""


def next_turn(history: History, group: VaccineGroup, supporting: SupportingData, on: date) -> date | None:
    """The first later day on which the group's forecast may be another, with no dose and no news in between."""
    today = on.toordinal()
    periods, dates = _collected(group, supporting)
    days = {history.born_on, *(dose.administered_on for dose in history.doses)}
    days |= {one.observed_on for one in history.observations if one.observed_on is not None}
    own = [day.toordinal() for day in days]
    turning = (add(day, period) for day in own for period in periods)
    later = [day for one in (*own, *turning, *dates) for day in (one, one + 1) if day > today]
    first = min(later, default=DISTANT_FUTURE)
    return None if first >= DISTANT_FUTURE else date.fromordinal(first)


@lru_cache(maxsize=256)
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
        for each in value.values():
            yield from _leaves(name, each)
    elif isinstance(value, tuple | frozenset):
        for each in value:
            yield from _leaves(name, each)
