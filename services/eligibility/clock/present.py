"""The latest day that it is anywhere on Earth (UTC+14): what is reported of today there is not refused here as a day to
come. Pure."""

from datetime import date, datetime, timedelta, timezone

ONE_DAY = timedelta(days=1)
FARTHEST_EAST = timezone(timedelta(hours=14))


def latest_day(at: datetime) -> date:
    """The latest day that it is anywhere on Earth at this instant."""
    return at.astimezone(FARTHEST_EAST).date()


def latest_on(business_on: date, now: datetime) -> date:
    """The latest day of which something can be told while a business day is open: where a deployment keeps the
    calendar's time, the latest one on Earth; else, in a time of its own, the open day."""
    there = latest_day(now)
    return there if abs(there - business_on) <= ONE_DAY and there > business_on else business_on
