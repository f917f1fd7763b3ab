"""A booking whose day is over ends: by an outcome, or by escalation, and never in silence."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.service.scheduling.test_booking import code_of
from tests.service.scheduling.world import MONDAY, World, a_business_day, a_given_dose, a_merge, a_site

pytestmark = pytest.mark.postgres

TUESDAY = MONDAY + timedelta(days=1)


async def test_an_outcome_that_is_missing_is_told_once(world: World) -> None:
    """When the day after opens: still booked, overdue, by rule; not again on the next day; its block stays."""
    today, later = await world.open_block(days=(0, 4))
    await world.booked(await world.enrol(), later)
    booked = await world.booked(await world.enrol(), today)
    pools = await world.pool_news()
    for day in (1, 2):
        await world.hear(a_business_day(MONDAY + timedelta(days=day)))
    told = (await world.appointment_news())[2:]
    assert [(str(one.appointment_id), one.status, one.version, one.outcome_overdue, one.by_rule) for one in told] == [
        (booked, "booked", 2, True, True)
    ]
    assert told[0].changed_on == TUESDAY
    booked_places = [one.booked for one in (await world.pool_news())[len(pools) :]]
    assert set(booked_places) <= {2}


async def test_a_day_is_over_by_the_sites_own_clock(world: World) -> None:
    """Where the business day begins at midnight of Chicago it is seven in the evening of Honolulu's Monday: an
    appointment of that evening is overdue, and listed, a day later."""
    await world.post("/sites", a_site("Pacific/Honolulu", "waikiki"), who="state@*")
    [evening] = await world.open_block(days=(0,), plan=None, site_id="waikiki")
    [noon] = await world.open_block(days=(0,), plan=None)
    there, here = [await world.booked(await world.enrol(), slot) for slot in (evening, noon)]
    listed = []
    for day in (1, 2):
        await world.hear(a_business_day(MONDAY + timedelta(days=day)))
        overdue = (await world.get("/appointments/overdue", who="state@*")).json()
        listed.append({one["appointment_id"] for one in overdue})
    assert listed == [{here}, {here, there}]
    told = [str(one.appointment_id) for one in await world.appointment_news() if one.outcome_overdue]
    assert told == [here, there]


@pytest.mark.parametrize(
    ("act", "body", "status"),
    [
        ("fulfil", {"dose": a_given_dose()}, "fulfilled"),
        ("noshow", {}, "noshow"),
        ("cancel", {"reason": "oth-err"}, "cancelled"),
        ("entered-in-error", {}, "entered-in-error"),
    ],
)
async def test_the_site_records_the_outcome_later(world: World, act: str, body: dict[str, object], status: str) -> None:
    """An overdue booking takes each outcome, and is overdue no longer."""
    [slot] = await world.open_block(days=(0,))
    booked = await world.booked(await world.enrol(), slot)
    await world.hear(a_business_day(TUESDAY))
    answer = await world.post(f"/appointments/{booked}/{act}", body, who="site@*")
    assert (answer.json()["status"], answer.json()["outcome_overdue"]) == (status, False)
    last = (await world.appointment_news())[-1]
    assert (last.status, last.outcome_overdue, last.by_rule) == (status, False, False)
    assert (await world.get("/appointments/overdue", who="site@*")).json() == []


async def test_who_may_ask_sees_what_is_overdue_and_for_how_long(world: World) -> None:
    """The plan its own, a clerk those of the own site, oldest first; from a week on they are escalated. Each look is
    in the trail."""
    await world.post("/sites", a_site(site_id="loretto"), who="state@*")
    monday, tuesday = await world.open_block(days=(0, 1), plan=None)
    [elsewhere] = await world.open_block(days=(0,), plan=None, site_id="loretto")
    mine = await world.booked(await world.enrol(), monday)
    theirs = await world.booked(await world.enrol("blue"), tuesday, tenant="blue")
    other = await world.booked(await world.enrol(), elsewhere)
    await world.hear(a_business_day(MONDAY + timedelta(days=7)))

    async def seen(who: str, query: str = "") -> list[tuple[str, int, bool]]:
        listed = (await world.get(f"/appointments/overdue{query}", who=who)).json()
        return [(one["appointment_id"], one["days_overdue"], one["escalated"]) for one in listed]

    assert sorted(await seen("coordinator@acme")) == sorted([(mine, 7, True), (other, 7, True)])
    assert await seen("supervisor@blue") == [(theirs, 6, False)]
    assert await seen("site@*/united-center") == [(mine, 7, True), (theirs, 6, False)]
    assert await seen("state@*", "?least_days=7&site=loretto") == [(other, 7, True)]
    async with world.everything() as connection:
        looks = await connection.fetch("select subjects from audit where principal = 'supervisor-1'")
    assert [row["subjects"] for row in looks] == [[theirs]]


async def test_an_escalated_outcome_may_be_told_in_the_sites_place(world: World) -> None:
    """Until a week has passed only the site says that nobody came; then a supervisor of the plan may, and nobody is
    taken for a no-show before somebody says so."""
    [slot] = await world.open_block(days=(0,))
    booked = await world.booked(await world.enrol(), slot)
    await world.hear(a_business_day(MONDAY + timedelta(days=6)))
    early = await world.post(f"/appointments/{booked}/noshow", who="supervisor@acme")
    assert (early.status_code, code_of(early)) == (403, "site-first")
    await world.hear(a_business_day(MONDAY + timedelta(days=7)))
    assert await world.status_of(booked) == "booked"
    told = await world.post(f"/appointments/{booked}/noshow", who="supervisor@acme")
    assert told.json()["status"] == "noshow"


async def test_nobody_is_missed_before_the_hour(world: World) -> None:
    """On the day itself by the clock."""
    [slot] = await world.open_block(days=(0,))  # at 15:00 UTC
    booked = await world.booked(await world.enrol(), slot)
    world.clock = datetime(2021, 3, 15, 14, 59, tzinfo=UTC)
    assert code_of(await world.post(f"/appointments/{booked}/noshow", who="site@*")) == "not-yet"
    world.clock = datetime(2021, 3, 15, 15, 0, tzinfo=UTC)
    assert (await world.post(f"/appointments/{booked}/noshow", who="site@*")).status_code == 200


async def test_a_merged_persons_overdue_booking_is_told_for_the_survivor(world: World) -> None:
    """Under the token that the booking has by then."""
    [slot] = await world.open_block(days=(0,))
    enrolment, survivor = await world.enrol(), await world.enrol()
    booked = await world.booked(enrolment, slot)
    retired = (await world.appointment_news())[0].member_token
    await world.hear(a_merge(retired, survivor))
    await world.hear(a_business_day(TUESDAY))
    last = (await world.appointment_news())[-1]
    assert (str(last.appointment_id), last.member_token, last.outcome_overdue) == (booked, survivor, True)
