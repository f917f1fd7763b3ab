"""What the passing of time does to cases, and when a programme's version begins to hold."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from schemas.envelope import Event
from services.kit import review_queue
from services.kit import slices as slicing
from services.kit.postgres import ALL_TENANTS, transaction
from services.kit.unit_of_work import Handler, UnitOfWork
from services.outreach.cases import flow as handlers
from tests.facts import DAY, a_day, a_dose, a_fact, a_programme, member_token
from tests.service.outreach.builders import Outreach, Worker, a_target, case_id

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


async def test_all_wait_whatever_a_statement_takes(outreach: Outreach, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has a case under a programme that changes is decided on again, slice by slice: nobody is left out between
    two of them."""
    monkeypatch.setattr(slicing, "SLICE_ROWS", 2)
    monkeypatch.setattr(review_queue, "LET_WAIT_AT_ONCE", 2)
    names = ("ada", "bo", "cy", "dot", "eve")
    await outreach.hear(*(a_fact(name) for name in names), *(a_dose(name, vaccine_group="zoster") for name in names))
    await outreach.hear(a_programme(version=2, vaccine_group="zoster"))
    assert [(await outreach.case(name) or {}).get("closed_reason") for name in names] == ["vaccinated"] * 5


async def test_version_holds_from_its_day_on(outreach: Outreach) -> None:
    """A version announced before it takes effect changes no case until its day opens; then its vaccine counts, in
    whichever order days and versions came."""
    await outreach.hear(a_fact(), a_dose(days=6, vaccine_group="zoster"))
    await outreach.hear(a_programme(version=2, vaccine_group="zoster", effective_on=DAY + timedelta(days=7)))
    before = await outreach.case()
    await outreach.hear(a_day(7))
    case = await outreach.case()
    assert before is not None
    assert case is not None
    assert (before["status"], case["status"], case["closed_reason"]) == ("open", "closed", "vaccinated")


async def test_partial_dose_stops_nothing(outreach: Outreach, worker: Worker) -> None:
    """A dose administered in part is on the case's record, and the member is called all the same."""
    await outreach.hear(a_fact(), a_dose(is_partial=True))
    case = await outreach.case()
    assert case is not None
    assert (case["status"], case["held_by"]) == ("open", None)
    file = (await worker.get(f"/cases/{case_id('ada')}")).json()
    assert [dose["state"] for dose in file["doses"]] == ["partial"]


async def test_nobody_waits_for_everybody(outreach: Outreach, worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    """What touches many is decided a few at a time: meanwhile an attempt is logged; in the end everybody is decided."""
    names = [f"member-{n}" for n in range(9)]
    await outreach.hear(*(a_fact(name) for name in names), *(a_dose(name, vaccine_group="zoster") for name in names))
    monkeypatch.setattr(review_queue, "AT_ONCE", 2)
    touching: tuple[tuple[Event, Handler, int], ...] = (
        (a_target(), handlers.on_target_zips, 0),
        (a_programme(version=2, vaccine_group="zoster"), handlers.on_programme, 9),
    )
    for event, handler, closed in touching:
        async with transaction(outreach.database.pool, ALL_TENANTS) as connection:
            await handler(UnitOfWork(connection), [event])
        [waiting] = await outreach.fetch("select count(*) from waiting_member")
        answer = await worker.log(case_id("member-7"), "no-answer")
        assert (waiting["count"], answer.json().get("type", "")) == (9, "")
        assert await outreach.review() == 5
        [done] = await outreach.fetch(
            "select count(*) filter (where status = 'closed') as closed, sum(zip_bonus) as bonus from outreach_case"
        )
        assert (done["closed"], done["bonus"]) == (closed, 0 if closed else 9 * 150)


@pytest.mark.expects_error_log("member set aside")
async def test_one_who_cannot_be_decided_holds_up_nobody(outreach: Outreach, monkeypatch: pytest.MonkeyPatch) -> None:
    """A target ZIP raises everybody but whom deciding fails for: that case stays as it was, and waits no more."""
    names = [f"member-{n}" for n in range(5)]
    await outreach.hear(*(a_fact(name) for name in names))
    decide = handlers.review

    async def review(work: UnitOfWork, persons: Mapping[UUID, UUID], at: datetime) -> None:
        if member_token("member-3") in persons:
            raise ValueError
        await decide(work, persons, at)

    monkeypatch.setattr(handlers, "review", review)
    await outreach.hear(a_target())
    cases = await outreach.fetch("select case_id, zip_bonus from outreach_case")
    assert {one["case_id"] for one in cases if one["zip_bonus"] == 0} == {case_id("member-3")}
    assert await outreach.fetch("select from waiting_member") == []
