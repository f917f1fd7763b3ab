"""Date arithmetic of the logic specification (CALCDT-1 to CALCDT-6).

Inside the engine a date is its proleptic ordinal, because rules compare dates thousands of times per person;
`Period` is CDC's "12 months - 4 days" compiled to whole months and days.
"""

import re
from calendar import monthrange
from datetime import date
from typing import NamedTuple

DISTANT_PAST = date(1900, 1, 1).toordinal()
DISTANT_FUTURE = date(2999, 12, 31).toordinal()
_DAYS_IN_UNIT = {"day": 1, "week": 7}
_MONTHS_IN_UNIT = {"month": 1, "year": 12}
_TERM = re.compile(r"([+-]?)\s*(\d+)\s*(day|week|month|year)s?", re.IGNORECASE)


class Period(NamedTuple):
    months: int
    days: int


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
    return Period(months, days)


def add(day: int, period: Period) -> int:
    """Years and months first, then weeks and days (CALCDT-4); 31 January + 1 month is 1 March (CALCDT-5)."""
    months, days = period
    return (add_months(day, months) if months else day) + days


def add_months(day: int, months: int) -> int:
    start = date.fromordinal(day)
    years, month0 = divmod(start.year * 12 + start.month - 1 + months, 12)
    if start.day > 28 and start.day > monthrange(years, month0 + 1)[1]:
        years, month0, first = years + (month0 == 11), (month0 + 1) % 12, 1
        return date(years, month0 + 1, first).toordinal()
    return date(years, month0 + 1, start.day).toordinal()
