"""What the passing of time does to cases, and when a programme's version begins to hold."""

import pytest

from tests.facts import DAY, a_day, a_fact, a_programme
from tests.service.outreach.builders import Outreach, Worker, case_id

pytestmark = pytest.mark.postgres


@pytest.mark.parametrize("zone", ["America/Chicago", "America/Los_Angeles", "Pacific/Honolulu"])
async def test_one_business_day_for_every_programme(outreach: Outreach, worker: Worker, zone: str) -> None:
    """The clock's day is the day of every programme, whatever time zone that is in: a rest ends, work goes on."""
    await outreach.hear(a_programme(version=2, time_zone=zone), a_fact())
    assert (await worker.log(case_id("ada"), "no-answer")).status_code == 201
    rested = await outreach.case()
    await outreach.hear(a_day(1))
    case = await outreach.case()
    assert rested is not None
    assert case is not None
    assert (rested["held_by"], case["held_by"], case["review_on"]) == ("resting", None, None)


async def test_newest_day_holds_whatever_its_zone(outreach: Outreach) -> None:
    """A clock that was moved to another time zone goes on from the newest day that was opened."""
    await outreach.hear(a_day(9, "America/Los_Angeles"))
    await outreach.hear(a_day(5))
    await outreach.hear(a_fact(), a_fact(version=2, status="ineligible", reasons=("under-age",)))
    case = await outreach.case()
    assert case is not None
    assert (case["changed_on"] - DAY).days == 9
