"""The business day that is open. All SQL of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from schemas.eligibility_v1 import BusinessDayOpenedV1
from schemas.envelope import Event
from services.kit.own_log import Owned
from services.kit.postgres import Connection
from services.kit.rows import into

LOAD_CLOCK = "select business_on, time_zone, is_simulated from clock"
SHARE_CLOCK = f"{LOAD_CLOCK} for share"
LOCK_CLOCK = f"{LOAD_CLOCK} for update"
START_CLOCK = """
insert into clock (business_on, time_zone, is_simulated) values ($1, $2, $3)
on conflict do nothing returning business_on
"""
SAVE_CLOCK = "update clock set business_on = $1"
OPENING_ID = 0x7663635F646179  # "vcc_day"
LOCK_OPENING = "select pg_try_advisory_xact_lock($1)"
LOAD_INSTANT = "select clock_timestamp()"

UNKNOWN_DAYS = """
select position from unnest($1::date[]) with ordinality as said (said_on, position)
where not exists (select from clock where business_on >= said_on)
"""
OWNED: Mapping[type[Event], Owned] = {BusinessDayOpenedV1: Owned(("business_on",), UNKNOWN_DAYS)}


@dataclass(frozen=True, slots=True)
class Clock:
    """The business day that is open. `is_simulated`: the first one was set into another time than the calendar's."""

    business_on: date
    time_zone: str
    is_simulated: bool


async def load_clock(connection: Connection) -> Clock | None:
    row = await connection.fetchrow(LOAD_CLOCK)
    return None if row is None else into(Clock, row)


async def share_clock(connection: Connection) -> Clock:
    """The open day, which can't change until this transaction ends."""
    row = await connection.fetchrow(SHARE_CLOCK)
    assert row is not None, "a day is opened before any work begins"
    return into(Clock, row)


async def lock_clock(connection: Connection) -> Clock:
    """The open day, to change it; waits for everybody who works on it."""
    row = await connection.fetchrow(LOCK_CLOCK)
    assert row is not None, "a day is opened before any work begins"
    return into(Clock, row)


async def start_clock(connection: Connection, business_on: date, time_zone: str, *, is_simulated: bool) -> bool:
    """Open the first day there ever was. False if there was one."""
    return await connection.fetchval(START_CLOCK, business_on, time_zone, is_simulated) is not None


async def save_clock(connection: Connection, business_on: date) -> None:
    await connection.execute(SAVE_CLOCK, business_on)


async def lock_opening(connection: Connection) -> bool:
    """True for the one instance that may open days until this transaction ends."""
    is_ours: bool = await connection.fetchval(LOCK_OPENING, OPENING_ID)
    return is_ours


async def load_instant(connection: Connection) -> datetime:
    """The database's time, which all instances share."""
    instant: datetime = await connection.fetchval(LOAD_INSTANT)
    return instant
