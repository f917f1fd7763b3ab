"""Which weeks of slots may be opened at a site, and what of them is open to every plan at once. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import NamedTuple
from uuid import UUID

from services.scheduling.appointments.rules import Site
from services.scheduling.refusals import No

WEEK = timedelta(days=7)
FURTHEST = timedelta(weeks=52)


class Times(NamedTuple):
    """A slot to be opened."""

    start_at: datetime
    end_at: datetime
    capacity: int


class Promised(NamedTuple):
    """A block that is not over, what it offers, and how many live bookings are in it."""

    block_id: UUID
    week_on: date
    cvx: str
    vaccine_group: str
    bookings: int


def check_week(site: Site, week_on: date, times: Sequence[Times], today: date) -> No | None:
    """A week that is not over, at most a year ahead, and slots that start in it and take turns: those of one plan and
    product are the same chairs, so no two of them at once."""
    if week_on + WEEK <= today:
        return No.PAST_WEEK
    if week_on > today + FURTHEST:
        return No.FAR_WEEK
    if not opens_in_week(site, week_on, [one.start_at for one in times]):
        return No.OUTSIDE_WEEK
    return No.OVERLAP if overlap(times) else None


def opens_in_week(site: Site, week_on: date, starts: Iterable[datetime]) -> bool:
    """Whether every start lies in the week of that Monday, in the site's own days."""
    return all(week_on <= site.day_of(start) < week_on + WEEK for start in starts)


def overlap(times: Iterable[Times]) -> bool:
    """Whether any two of the slots share a moment. One that begins when another ends does not."""
    return any(later.start_at < earlier.end_at for earlier, later in pairwise(sorted(times)))


def held_for(plan: str | None, start_on: date, today: date, release_days: int) -> str | None:
    """Whom a new slot is held for: inside of the release window everybody may have it at once."""
    return plan if start_on > today + timedelta(days=release_days) else None


def broken(promised: Iterable[Promised], before: Mapping[str, str], after: Mapping[str, str]) -> list[Promised]:
    """The blocks whose product the site gave for their vaccine, and will not by its new description."""
    return [
        one for one in promised if before.get(one.cvx) == one.vaccine_group and after.get(one.cvx) != one.vaccine_group
    ]
