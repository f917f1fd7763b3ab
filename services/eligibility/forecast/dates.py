"""Date arithmetic of the logic specification (CALCDT-1 to CALCDT-6).

Inside the engine a date is its proleptic ordinal, because rules compare dates thousands of times per person;
`Period` is CDC's "12 months - 4 days" compiled to whole months and days.
"""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date
from functools import cache, lru_cache

DISTANT_PAST = date(1900, 1, 1).toordinal()
DISTANT_FUTURE = date(2999, 12, 31).toordinal()
_DAYS_IN_UNIT = {"day": 1, "week": 7}
_MONTHS_IN_UNIT = {"month": 1, "year": 12}
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
    if _TERM.sub("", text).strip():
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
    start = date.fromordinal(day)
    years, month0 = divmod(start.year * 12 + start.month - 1 + months, 12)
    if start.day > 28 and start.day > monthrange(years, month0 + 1)[1]:
        years, month0, first = years + (month0 == 11), (month0 + 1) % 12, 1
        return date(years, month0 + 1, first).toordinal()
    return date(years, month0 + 1, start.day).toordinal()
