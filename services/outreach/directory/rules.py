"""A service of the directory, what is looked for, and what members told of one. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum

STALE_AFTER_DAYS = 180
"""Ours: nobody has assured for so long that what the directory says still holds."""
KEPT_EDITIONS = 3
"""The services of so many editions are kept; of older ones the edition's own row."""


@dataclass(frozen=True, slots=True)
class Opening:
    """When it is open: ISO weekdays (1 is Monday), `HH:MM`."""

    weekdays: tuple[int, ...]
    opens: str
    closes: str


@dataclass(frozen=True, slots=True)
class Service:
    """A service as its directory says it; no ZIP and no county: everywhere. `capacity` and `cost` are None where
    nothing is said of them."""

    service_id: str
    name: str
    organization: str
    description: str = ""
    needs: frozenset[str] = frozenset()
    zips: frozenset[str] = frozenset()
    counties: frozenset[str] = frozenset()
    languages: frozenset[str] = frozenset()
    openings: tuple[Opening, ...] = ()
    capacity: int | None = None
    cost: Decimal | None = None
    eligibility: str = ""
    minimum_age: int | None = None
    maximum_age: int | None = None
    telephone: str = ""
    email: str = ""
    url: str = ""
    last_assured_on: date | None = None


@dataclass(frozen=True, slots=True)
class RowError:
    """What could not be read: in which row of which table, in which field, and what was expected there."""

    row: str
    field: str
    expected: str


@dataclass(frozen=True, slots=True)
class Sought:
    """Which services are looked for: each filter that is said must fit, or nothing be known against it."""

    needs: tuple[str, ...] | None = None
    zip5: str | None = None
    county: str | None = None
    language: str | None = None
    weekday: int | None = None
    age: int | None = None
    is_free: bool | None = None
    has_capacity: bool | None = None


@dataclass(frozen=True, slots=True)
class Edition:
    """An import of the directory, as it went."""

    edition_no: int
    source: str
    services: int
    errors: Sequence[RowError]
    imported_by: str
    imported_at: datetime


@dataclass(frozen=True, slots=True)
class Found:
    """Services, and how often members of the plan found what at each."""

    services: Sequence[Service]
    feedback: Mapping[str, Mapping[str, int]]


class FeedbackOutcome(StrEnum):
    """What a member found there."""

    HELPED = "helped"
    NO_CAPACITY = "no-capacity"
    NOT_ELIGIBLE = "not-eligible"
    CLOSED = "closed"
    WRONG_DETAILS = "wrong-details"
    TREATED_BADLY = "treated-badly"


def is_stale(last_assured_on: date | None, today: date) -> bool:
    """Whether somebody ought to ask whether it still holds."""
    return last_assured_on is None or last_assured_on < today - timedelta(days=STALE_AFTER_DAYS)
