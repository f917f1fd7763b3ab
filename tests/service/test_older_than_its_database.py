"""Code beside a database that a migration has prepared for the next version: every table has a column more."""

from datetime import timedelta

import pytest

from services.eligibility.decisions.flow import days
from services.eligibility.intake.flow.worker import Intake
from services.eligibility.settings import OwnSettings
from tests.facts import a_day, a_dose, a_fact, a_merge, a_programme, an_appointment
from tests.servers import Database, OpenDatabase
from tests.service.eligibility.conftest import FIRST_DAY, Office
from tests.service.eligibility.messages import Row, Shot, roster, vxu
from tests.service.outreach.builders import Outreach, Worker, case_id, client_of
from tests.service.reporting.builders import Reporting, a_case, a_pool, an_attempt
from tests.service.scheduling.world import MONDAY, World

pytestmark = pytest.mark.postgres
TABLES = """
select table_name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'
    and table_name not in ('schema_migration', 'audit') order by table_name desc
"""


async def one_column_more(database: Database, every: int) -> None:
    """In every so many-th table, so that a table and its history differ."""
    names = [row["table_name"] for row in await database.pool.fetch(TABLES)]
    for name in names[::every]:
        await database.owner.execute(f'alter table "{name}" add column next_count integer default 0')


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


async def test_outreach_opens_works_and_closes_cases(database: OpenDatabase) -> None:
    """A member is eligible, called, booked and vaccinated while every table has a column more."""
    opened = await database("outreach")
    await one_column_more(opened, 1)
    outreach = Outreach(opened)
    await outreach.hear(a_programme(), a_day(), a_fact())
    async with client_of(opened) as client:
        worker = Worker(client)
        [claimed] = await worker.claim()
        assert (await worker.log(case_id("ada"), "no-answer")).status_code == 201, claimed
        assert (await worker.get(f"/cases/{case_id('ada')}")).status_code == 200
    await outreach.hear(an_appointment(), a_dose(), a_merge("bob", "ada"), a_fact(version=2, vaccinated=True))
    case = await outreach.case()
    assert case is not None
    assert (case["status"], case["closed_reason"]) == ("closed", "vaccinated")


async def test_eligibility_reads_files(database: OpenDatabase) -> None:
    """A roster and a registry's message become facts while every table has a column more."""
    opened = await database("eligibility")
    await one_column_more(opened, 1)
    await days.begin(opened.pool, FIRST_DAY)
    office = Office(opened, Intake(opened.settings(), opened.pool, OwnSettings()))
    assert (await office.read(roster(Row("LS1")))).rows_accepted == 1
    assert (await office.read(vxu(Shot("E-1")))).rows_accepted == 1
    assert (await office.last_facts())["LS1"]["vaccinated"]
