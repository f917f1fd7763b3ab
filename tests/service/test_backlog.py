"""What `./vcc` takes for work under way, asked of the services' own databases."""

from datetime import date

import pytest

from deploy.groups import services
from services.kit.ids import new_id
from services.kit.postgres import ALL_TENANTS, transaction
from tests.servers import Database, OpenDatabase

pytestmark = pytest.mark.postgres
TODAY = date(2021, 3, 1)
WAITING = {service.name: service.waiting["answers"] for service in services() if service.waiting}
DAY = "insert into clock (business_on, time_zone) values ('2021-03-01', 'America/Chicago')"
DECISION = """
insert into decision (enrolment_id, programme_id, version, digest, fact, recheck_on, cap_group, cap_rank)
values ($1, 'capped', 1, '', '{}', $2, $3, 1)
"""
PROGRAMME = "insert into programme (programme_id, version, document_sha256, document) values ('capped', 1, '', '')"
DOSE = """
insert into dose (dose_id, member_token, vaccine_group, cvx, mvx, lot, administered_on, is_partial, known_on, version,
    sources, is_announced, is_retracted)
values (gen_random_uuid(), $1, 'covid-19', '212', '', '', $2, false, '2021-03-01', 1, '{iis}', $3, false)
"""


async def waiting(database: Database, *statements: tuple[object, ...]) -> int:
    async with transaction(database.pool, ALL_TENANTS) as connection:
        for query, *values in statements:
            await connection.execute(str(query), *values)
        count: int = await connection.fetchval(WAITING["eligibility"])
        return count


async def test_nothing_waits_before_the_first_day(database: OpenDatabase) -> None:
    """A service that has just been migrated owes no answer."""
    assert await waiting(await database("eligibility")) == 0


async def test_sweep_doses_and_caps_are_work(database: OpenDatabase) -> None:
    """A sweep that goes on, a dose whose day has come and a cap that the open day has not seen are under way; a dose
    that lies ahead and a cap that was looked at are not."""
    opened = await database("eligibility")
    one, member_token = new_id(), new_id()
    assert await waiting(opened, (DAY,), (PROGRAMME,), (DECISION, one, date(2021, 3, 2), None)) == 0
    assert await waiting(opened, ("insert into sweep (after_token) values ($1)", member_token)) == 1
    assert await waiting(opened, ("delete from sweep",), (DOSE, member_token, TODAY, False)) == 1
    assert (
        await waiting(opened, ("update dose set is_announced = true",), (DOSE, member_token, date(2021, 3, 9), False))
        == 0
    )
    assert await waiting(opened, ("update decision set cap_group = 'all'",)) == 1
    seen = "insert into cap_considered (programme_id, considered_on) values ('capped', '2021-03-01')"
    assert await waiting(opened, (seen,)) == 0
    assert await waiting(opened, ("update decision set recheck_on = '2021-03-01'",)) == 1
    assert await waiting(opened, ("update clock set business_on = '2021-03-02'",)) == 2


@pytest.mark.parametrize("service", ["outreach", "scheduling"])
async def test_members_who_wait_are_work(database: OpenDatabase, service: str) -> None:
    """Members whose case outreach, or whose booking scheduling, has yet to decide on again are under way."""
    async with transaction((await database(service)).pool, ALL_TENANTS) as connection:
        assert await connection.fetchval(WAITING[service]) == 0
        await connection.execute("insert into waiting_member values ($1, now())", new_id())
        assert await connection.fetchval(WAITING[service]) == 1
