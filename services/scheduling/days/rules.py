"""By which hour of the open business day a request is decided. Pure."""

from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

OLDEST_ACT = timedelta(days=366)
SLACK = timedelta(minutes=5)  # clocks differ
A_DAY = timedelta(days=1)


class Moment(NamedTuple):
    """When a request says that it happened, and what the clock says."""

    at: datetime
    clock: datetime


class SiteDay(NamedTuple):
    """What day it is at a site: the open business day, which every change is told with, the site's own, by which it is
    asked what is over and what is to come, and the hour where one is known."""

    business_on: date
    own_on: date
    hour: datetime | None = None


def site_day(time_zone: str, moment: Moment, today: date) -> SiteDay:
    """The site's own day is the one that the hour lies in there; without an hour it is the open day."""
    hour = hour_of(moment, today)
    return SiteDay(today, today if hour is None else hour.astimezone(ZoneInfo(time_zone)).date(), hour)


def hour_of(moment: Moment, today: date) -> datetime | None:
    """The instant by which slots begin or are over: the clock's, if it stands at the open day or the day beside it
    (zones differ); if days are opened for another time than the clock's, the instant that the request says, if that is
    at the open day. None: only days count."""
    return next((instant for instant in (moment.clock, moment.at) if _is_beside(instant, today)), None)


def has_begun(start_at: datetime, start_on: date, moment: Moment, today: date) -> bool:
    """Whether nobody can be seated at a time any more. The clock says it where it stands at the open day, for a site's
    own day may begin and end with an hour of its own; else a day that is over is over whatever the request says, and of
    the others the hour that it says."""
    hour = hour_of(moment, today)
    is_past_day = start_on < today and not _is_beside(moment.clock, today)
    return is_past_day or (start_at <= hour if hour is not None else start_on < today)


def is_far(moment: Moment, today: date) -> bool:
    """Whether nobody can have meant this instant: of the future, or more than a year ago. If days are opened for
    another time than the clock's, the future begins after the day that follows the open one."""
    on = moment.at.astimezone(UTC).date()
    is_to_come = _is_beside(moment.clock, today) or on > today + A_DAY
    return (moment.at > moment.clock + SLACK and is_to_come) or on < today - OLDEST_ACT


def _is_beside(instant: datetime, today: date) -> bool:
    """Whether it is of the open day or the day beside it: zones differ."""
    return abs(instant.astimezone(UTC).date() - today) <= A_DAY
