"""All SQL of the open business day."""

from datetime import date

from services.kit.postgres import Connection

LOAD_DAY = "select business_on from business_day"
SAVE_DAY = """
    insert into business_day (business_on) values ($1)
    on conflict (single) do update set business_on = excluded.business_on
    where business_day.business_on < excluded.business_on
    returning business_on
"""


async def load_day(connection: Connection) -> date | None:
    """The open business day; None before the first one was opened."""
    found: date | None = await connection.fetchval(LOAD_DAY)
    return found


async def save_day(connection: Connection, business_on: date) -> bool:
    """Keep this day if it is later than the one known, and tell whether it is."""
    return await connection.fetchval(SAVE_DAY, business_on) is not None
