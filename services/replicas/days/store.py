"""All SQL of the open business day: one for the deployment, whatever its time zones."""

from datetime import date

from services.kit.postgres import Connection

LOAD_DAY = "select business_on from business_day"
SAVE_DAY = """
insert into business_day as known (business_on) values ($1)
on conflict (single) do update set business_on = excluded.business_on where known.business_on < excluded.business_on
returning business_on
"""
EMPTY_DAYS = "truncate business_day"


async def load_day(connection: Connection) -> date | None:
    """The open business day; None before the first one was opened."""
    found: date | None = await connection.fetchval(LOAD_DAY)
    return found


async def save_day(connection: Connection, business_on: date) -> bool:
    """Keep this day if it is later than the one known, and tell whether it is."""
    return await connection.fetchval(SAVE_DAY, business_on) is not None


async def empty_days(connection: Connection) -> None:
    """Forget the day, to hear it again from the log."""
    await connection.execute(EMPTY_DAYS)
