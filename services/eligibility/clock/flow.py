"""Opens the business day, and announces it."""

from datetime import UTC, date, datetime

from schemas.eligibility_v1 import BusinessDayOpenedV1
from services.eligibility.clock import store as clock_store
from services.kit.unit_of_work import UnitOfWork

MOST_DAYS_ON = 31
"""A day can't be closed again: a slip of the pen must not end every coverage."""


async def open_day(work: UnitOfWork, business_on: date) -> date:
    """Open every day up to this one. A day that is open or past stays as it is. Gives the open day."""
    clock = await clock_store.lock_clock(work.connection)
    if business_on > clock.business_on:
        await clock_store.save_clock(work.connection, business_on)
        await work.announce([opened(business_on, clock.time_zone)])
    return max(business_on, clock.business_on)


def opened(business_on: date, zone: str) -> BusinessDayOpenedV1:
    return BusinessDayOpenedV1(occurred_at=datetime.now(UTC), business_on=business_on, time_zone=zone)
