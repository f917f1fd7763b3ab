"""Code beside a database that a migration has prepared for the next version: every table has a column more."""

from datetime import timedelta

from tests.facts import a_day, a_dose, a_fact, a_merge, a_programme, an_appointment
from tests.servers import Database, OpenDatabase
from tests.service.reporting.builders import Reporting, a_case, a_pool, an_attempt
from tests.service.scheduling.world import MONDAY, World

TABLES = """
select table_name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'
    and table_name not in ('schema_migration', 'audit') order by table_name desc
"""


async def one_column_more(database: Database, every: int) -> None:
    """In every so many-th table, so that a table and its history differ."""
    names = [row["table_name"] for row in await database.pool.fetch(TABLES)]
    for name in names[::every]:
        await database.pool.execute(f'alter table "{name}" add column next_count integer default 0')


async def test_reporting_writes_what_it_hears(database: OpenDatabase) -> None:
    """Facts of every kind are written down, whichever tables have a column that this version does not know."""
    for every in (1, 2, 3):
        opened = await database("reporting")
        await one_column_more(opened, every)
        reporting = Reporting(opened)
        await reporting.hear(
            a_programme(), a_day(), a_fact(), a_dose(), a_merge("bob", "ada"), a_case(), an_attempt(),
            an_appointment(), a_pool(),
        )  # fmt: skip
        for table in ("programme", "enrolment", "dose"):
            assert await reporting.fetch(f"select count(*) from {table}") == [(1,)], table


async def test_scheduling_books(database: OpenDatabase) -> None:
    """Sites, slots, bookings and their outcomes work while every table has a column that this version does not know."""
    opened = await database("scheduling")
    await one_column_more(opened, 1)
    world = World(opened.pool)
    await world.begin()
    first, second = await world.open_block(days=(2, 3))
    appointment_id = await world.booked(await world.enrol(), first)
    body = {"slot_id": str(second)}
    assert (await world.post(f"/appointments/{appointment_id}/reschedule", body)).status_code == 200
    assert (await world.get(f"/appointments?site=united-center&on={MONDAY + timedelta(days=3)}")).status_code == 200
    assert (await world.post(f"/appointments/{appointment_id}/cancel", {"reason": "pat"})).status_code == 200
    await world.check()
    await world.close()
