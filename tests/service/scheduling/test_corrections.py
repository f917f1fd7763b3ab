"""A dose that was recorded wrongly is corrected, and its appointment stands."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.service.scheduling.test_booking import code_of
from tests.service.scheduling.test_doses_given import fulfil, walk_in
from tests.service.scheduling.world import FLU, MONDAY, World, a_business_day, a_given_dose, a_merge, a_site

pytestmark = pytest.mark.postgres

TUESDAY = MONDAY + timedelta(days=1)


async def correct(world: World, appointment: str, dose: dict[str, Any], key: str = "", **more: Any) -> httpx.Response:
    path = f"/appointments/{appointment}/dose-corrections"
    return await world.post(path, {"dose": dose} | more, who="site@*", key=key)


async def a_visit(world: World) -> str:
    """A dose given today to somebody who was booked."""
    [slot] = await world.open_block(days=(0,))
    booked = await world.booked(await world.enrol(), slot)
    answer = await fulfil(world, booked)
    assert answer.status_code == 200, answer.text
    return booked


async def test_a_corrected_dose_is_told_in_the_place_of_the_wrong_one(world: World) -> None:
    """The same appointment, still fulfilled, of a higher version, with another lot, route and site of the body; sent
    again, the correction is one."""
    booked = await a_visit(world)
    right = a_given_dose() | {"lot": "EN6202"}
    for _ in range(2):
        answer = (await correct(world, booked, right, "correct-1", route="IM", body_site="LD")).json()
    assert (answer["status"], answer["dose"]["lot"], answer["dose_corrections"]) == ("fulfilled", "EN6202", 1)
    assert (answer["dose_route"], answer["dose_body_site"]) == ("IM", "LD")
    told = [(one.version, one.status, one.dose and one.dose.lot) for one in await world.appointment_news()]
    assert told == [(1, "booked", None), (2, "fulfilled", "EN6201"), (3, "fulfilled", "EN6202")]


async def test_a_walk_ins_day_is_corrected_with_its_dose(world: World) -> None:
    """It moves to the day on which the dose was given."""
    given = (await walk_in(world, await world.enrol())).json()["appointment_id"]
    sunday = MONDAY - timedelta(days=1)
    answer = (await correct(world, given, a_given_dose(on=sunday))).json()
    assert (answer["start_on"], answer["dose"]["administered_on"]) == (str(sunday), str(sunday))


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        ({"lot": "EN6201"}, "same-dose"),
        ({"cvx": FLU}, "other-vaccine"),
        ({"cvx": "213"}, "not-given-here"),
        ({"administered_on": str(TUESDAY)}, "future-dose"),
        ({"administered_on": str(MONDAY - timedelta(days=1))}, "early-dose"),
    ],
)
async def test_a_correction_asks_what_was_asked_at_first(world: World, change: dict[str, str], refused: str) -> None:
    """Another vaccine, a product that the site does not give, a day to come, or one before the appointment is refused,
    and the dose stands as it did."""
    booked = await a_visit(world)
    assert code_of(await correct(world, booked, a_given_dose() | change)) == refused
    assert len(await world.appointment_news()) == 2


async def test_only_a_dose_that_stands_is_corrected(world: World) -> None:
    """Neither a booking nor what was entered in error has one."""
    [slot] = await world.open_block(days=(0,))
    booked = await world.booked(await world.enrol(), slot)
    assert code_of(await correct(world, booked, a_given_dose())) == "not-fulfilled"
    await fulfil(world, booked)
    await world.post(f"/appointments/{booked}/entered-in-error", who="site@*")
    assert code_of(await correct(world, booked, a_given_dose() | {"lot": "EN6202"})) == "not-fulfilled"


async def test_a_correction_makes_no_second_dose_of_a_day(world: World) -> None:
    """A day on which the person has a dose of this vaccine already is refused, and that one is named."""
    member = await world.enrol()
    monday = (await walk_in(world, member)).json()["appointment_id"]
    sunday = MONDAY - timedelta(days=1)
    other = (await walk_in(world, member, a_given_dose(on=sunday))).json()["appointment_id"]
    refused = await correct(world, monday, a_given_dose(on=sunday))
    assert (code_of(refused), refused.json()["appointment_id"]) == ("already-recorded", other)
    assert (await correct(world, monday, a_given_dose() | {"lot": "EN6202"})).status_code == 200


async def test_a_product_withdrawn_since_may_have_been_given(world: World) -> None:
    """The lot of a dose is corrected although the site gives its product no longer, at a visit and of a walk-in."""
    booked = await a_visit(world)
    given = (await walk_in(world, await world.enrol())).json()["appointment_id"]
    gives = [{"cvx": FLU, "vaccine_group": "flu"}]
    described = await world.post("/sites", a_site() | {"gives": gives, "withdraw": True}, who="state@*")
    assert described.status_code == 200
    for one in (booked, given):
        assert (await correct(world, one, a_given_dose() | {"lot": "EN6202"})).status_code == 200


async def test_a_corrected_day_ends_a_booking_that_it_met(world: World) -> None:
    """A booking made on the true day of the dose, for the next day, had been left by the wrong, earlier one."""
    [later] = await world.open_block(days=(2,))
    member = uuid4()
    ours, theirs = await world.enrol(member=member), await world.enrol(member=member, programme="il-covid")
    given = (await walk_in(world, ours, a_given_dose(on=MONDAY - timedelta(days=20)))).json()["appointment_id"]
    booked = await world.booked(theirs, later)
    await world.hear(a_business_day(TUESDAY))
    assert (await correct(world, given, a_given_dose(on=TUESDAY))).status_code == 200
    assert await world.status_of(booked) == "cancelled:pat"


async def test_who_gives_no_doses_corrects_none(world: World) -> None:
    """A coordinator may not; to the clerk of another site there is no such appointment."""
    await world.post("/sites", a_site(site_id="navy-pier"), who="state@*")
    booked = await a_visit(world)
    path, body = f"/appointments/{booked}/dose-corrections", {"dose": a_given_dose() | {"lot": "EN6202"}}
    assert (await world.post(path, body)).status_code == 403
    assert code_of(await world.post(path, body, who="vaccinator@*/navy-pier")) == "unknown-appointment"


async def test_corrections_at_once_are_told_one_after_another(world: World) -> None:
    """Two clerks who correct a dose at the same moment make two versions; the last one's holds."""
    booked = await a_visit(world)
    lots = [f"EN62{number:02d}" for number in range(10, 16)]
    answers = await asyncio.gather(*(correct(world, booked, a_given_dose() | {"lot": lot}) for lot in lots))
    assert {answer.status_code for answer in answers} == {200}
    told = (await world.appointment_news())[2:]
    assert [one.version for one in told] == list(range(3, 9))
    assert sorted(one.dose.lot for one in told if one.dose) == lots


async def test_a_corrected_day_ends_the_survivors_booking(world: World) -> None:
    """The dose was recorded on a wrong, earlier day, its person became another one's, and that one was booked: once
    the day is right, the booking whose need it met is cancelled."""
    retired, survivor = uuid4(), uuid4()
    early = MONDAY - timedelta(days=1)
    given = (await walk_in(world, await world.enrol(member=retired), dose=a_given_dose(on=early))).json()
    [slot] = await world.open_block(days=(4,))
    await world.hear(a_merge(retired, survivor))
    booked = await world.booked(await world.enrol(member=survivor), slot)
    await world.hear(a_business_day(TUESDAY))
    assert (await correct(world, given["appointment_id"], a_given_dose(on=TUESDAY))).status_code == 200
    assert await world.status_of(booked) == "cancelled:pat"


async def test_an_old_lot_is_corrected_when_a_recall_needs_it(world: World) -> None:
    """A walk-in of more than a year ago keeps its day: another lot is no late dose."""
    given = (await walk_in(world, await world.enrol())).json()["appointment_id"]
    await world.hear(a_business_day(MONDAY + timedelta(days=400)))
    answer = await correct(world, given, a_given_dose() | {"lot": "EN6202"}, occurred_at=None)
    assert (answer.status_code, answer.json()["late_reason"]) == (200, None), answer.text
