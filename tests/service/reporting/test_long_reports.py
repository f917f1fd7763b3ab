"""A report takes as long as its figures do, and takes nothing from anybody else."""

import asyncio

import pytest

from services.kit.health import Health
from services.kit.postgres import NoPlaceError, Places, Pool
from tests.facts import DAY, PROGRAMME, a_day, a_dose, a_fact, a_programme
from tests.service.reporting.builders import Reporting, client_of

pytestmark = pytest.mark.postgres
WEEK = {"programme_id": PROGRAMME, "week_on": str(DAY), "least_unvaccinated": 20, "at_most": 2}


async def _heard(reporting: Reporting) -> None:
    await reporting.hear(a_programme(), a_day())
    await reporting.hear(*(a_fact(f"ada-{n}") for n in range(3)))
    await reporting.hear(a_dose("ada-1"))


async def test_reports_leave_connections_for_everybody_else(reporting: Reporting) -> None:
    """Two are made at once, of whatever kind; who comes then is told to come again, readiness stays well and a list is
    answered. Once they end, the next ones are made."""
    await _heard(reporting)
    async with client_of(reporting.database) as client:
        async with reporting.database.owner.acquire() as holder, holder.transaction():
            await holder.execute("lock table case_version")
            made = [asyncio.create_task(client.get(path)) for path in ("/reports/weekly", "/reports/weekly.html")]
            async with asyncio.timeout(60):
                while reporting.database.pool.long.free:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            late = [
                await client.get("/reports/weekly"),
                await client.get("/coverage.csv"),
                await client.post("/target-zips", json=WEEK),
            ]
            assert [(one.status_code, one.headers.get("retry-after")) for one in late] == [(503, "30")] * 3
            assert late[0].json()["type"].endswith("busy")
            health = Health(reporting.database.settings(), reporting.database.pool)
            await health._ask_postgres()
            assert health.reason("postgres") is None
            assert (await client.get("/programmes")).status_code == 200
        assert [(await one).status_code for one in made] == [200, 200]
        assert (await client.get("/coverage.csv")).status_code == 200


def test_a_place_is_free_again_whatever_became_of_who_had_it() -> None:
    """Also after an error."""
    places = Places(1)
    with places.taken(), pytest.raises(NoPlaceError), places.taken():
        pass
    with pytest.raises(LookupError), places.taken():
        raise LookupError
    assert places.free == 1


@pytest.mark.parametrize(("size", "long"), [(2, 1), (4, 1), (8, 2), (40, 2)])
async def test_most_of_a_pool_is_for_everybody(size: int, long: int) -> None:
    """A quarter of the connections may be held for long, two at the most and one at the least."""
    assert Pool("postgresql://nobody@127.0.0.1:1/none", max_size=size).long.free == long
