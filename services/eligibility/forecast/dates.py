"""Date arithmetic of the logic specification (CALCDT-1 to CALCDT-6).

Inside the engine a date is its proleptic ordinal, because rules compare dates thousands of times per person;
`Period` is CDC's "12 months - 4 days" compiled to whole months and days.
"""

import re
from array import array
from dataclasses import dataclass
from datetime import MAXYEAR, date
from functools import cache, lru_cache

DISTANT_PAST = date(1900, 1, 1).toordinal()
DISTANT_FUTURE = date(2999, 12, 31).toordinal()
DAYS_OF_A_MONTH = 30.436875
SLACK_DAYS = 6
"""Any number of months that follow one another is within so many days of as many average ones."""
_DAYS_IN_UNIT = {"day": 1, "week": 7}
_MONTHS_IN_UNIT = {"month": 1, "year": 12}
# Ordinals of the first days of all months from January of year 1 on.
FIRST_DAYS = array("i", (date(year, month, 1).toordinal() for year in range(1, MAXYEAR + 1) for month in range(1, 13)))
LONGEST_PERIOD = 200
"""The time that the pattern takes grows with the square of the length."""
_TERM = re.compile(r"([+-]?)\s*(\d+)\s*(day|week|month|year)s?", re.IGNORECASE)


@dataclass(frozen=True, slots=True, eq=False)
class Period:
    """Made by `period` alone, so that equal periods are one object and hash by identity, the cheapest key there is."""

    months: int
    days: int


@cache
def period(months: int, days: int) -> Period:
    return Period(months, days)


class PeriodError(ValueError):
    """The period is not a sum of days, weeks, months and years such as "12 months - 4 days"."""


def parse_period(text: str) -> Period | None:
    """Empty means that CDC gives no value: the caller assumes what its table says."""
    text = text.strip()
    if not text or text.lower() == "n/a":
        return None
    if len(text) > LONGEST_PERIOD or _TERM.sub("", text).strip():
        raise PeriodError(text)
    months = days = 0
    for sign, amount, unit in _TERM.findall(text):
        number = -int(amount) if sign == "-" else int(amount)
        months += number * _MONTHS_IN_UNIT.get(unit.lower(), 0)
        days += number * _DAYS_IN_UNIT.get(unit.lower(), 0)
    return period(months, days)


@lru_cache(maxsize=1 << 16)
def add(day: int, length: Period) -> int:
    """Years and months first, then weeks and days (CALCDT-4); 31 January + 1 month is 1 March (CALCDT-5)."""
    return (add_months(day, length.months) if length.months else day) + length.days


def add_months(day: int, months: int) -> int:
    month, days = month_of(day)
    return day_in(month + months, days)


def month_of(day: int) -> tuple[int, int]:
    """The index of its month in `FIRST_DAYS`, and the days since the month's first."""
    start = date.fromordinal(day)
    return start.year * 12 + start.month - 13, start.day - 1


def day_in(month: int, days: int) -> int:
    """A day that the month does not have is the first of the next one (CALCDT-5)."""
    day = FIRST_DAYS[month] + days
    return day if days < 28 else min(day, FIRST_DAYS[month + 1])
