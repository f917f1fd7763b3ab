"""Dates of common sense: by which hour a request is decided, when a dose can have been given. Pure."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from schemas.scheduling_v1 import DoseGiven
from services.scheduling.refusals import No

EARLY_COMERS = timedelta(hours=1)  # somebody is served so long before the slot's hour, and no longer
LATE_AFTER = timedelta(days=30)  # older doses were forgotten, or belong to another day: somebody says why
OLDEST_DOSE = timedelta(days=366)  # what is older comes by the registry or a person's history, not as a visit
OLDEST_ACT = timedelta(days=366)
SLACK = timedelta(minutes=5)  # clocks differ
A_DAY = timedelta(days=1)


class Moment(NamedTuple):
    """When a request says that it happened, and what the clock says."""

    at: datetime
    clock: datetime


def hour(moment: Moment, today: date) -> datetime | None:
    """The instant by which slots begin or are over: the clock's, if it stands at the open day or the day beside it
    (zones differ); if days are opened for another time than the clock's, the instant that the request says, if that is
    at the open day. None: only days count."""
    return next((one for one in (moment.clock, moment.at) if _is_beside(one, today)), None)


def is_far(moment: Moment, today: date) -> bool:
    """An instant that nobody can have meant: of the future, or more than a year ago. If days are opened for another
    time than the clock's, the future begins after the day that follows the open one."""
    on = moment.at.astimezone(UTC).date()
    is_to_come = _is_beside(moment.clock, today) or on > today + A_DAY
    return (moment.at > moment.clock + SLACK and is_to_come) or on < today - OLDEST_ACT


def _is_beside(instant: datetime, today: date) -> bool:
    """Whether it is of the open day or the day beside it: zones differ."""
    return abs(instant.astimezone(UTC).date() - today) <= A_DAY


def check_dose(gives: Mapping[str, str], vaccine_group: str, dose: DoseGiven, today: date) -> No | None:
    """The product must be one that the site gives, against what the member came for, and already given."""
    if dose.cvx not in gives:
        return No.NOT_GIVEN_HERE
    if gives[dose.cvx] != vaccine_group:
        return No.OTHER_VACCINE
    return No.FUTURE_DOSE if dose.administered_on > today else None


def check_visit(start_on: date, start_at: datetime, given_on: date, today: date, now: datetime | None) -> No | None:
    """A dose given before the appointment was not given at it."""
    is_too_early = now is not None and start_on == today and now < start_at - EARLY_COMERS
    return No.EARLY_DOSE if given_on < start_on or is_too_early else None


def is_late(given_on: date, today: date) -> bool:
    return today - given_on > LATE_AFTER


def check_age(given_on: date, began_on: date, today: date, late_reason: str | None) -> No | None:
    """A dose without an appointment that was given long ago, or before its programme began, needs somebody's reason;
    one of more than a year ago was no visit that a site forgot to record."""
    if today - given_on > OLDEST_DOSE:
        return No.OLD_DOSE
    needs_reason = is_late(given_on, today) or given_on < began_on
    return No.LATE_DOSE if needs_reason and late_reason is None else None
