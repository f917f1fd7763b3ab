"""What is past, today and to come at a site its own calendar says, on both sides of the date line: the business day is
Chicago's; Monday begins there at 5:00 UTC, in Honolulu at 10:00 UTC, in Kiritimati at 10:00 UTC the day before."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.kit.postgres import ALL_TENANTS, transaction
from services.scheduling.appointments.store import LIST_OVERDUE
from tests.service.scheduling.test_booking import code_of
from tests.service.scheduling.world import MONDAY, World, a_business_day, a_given_dose, a_site

pytestmark = pytest.mark.postgres

HONOLULU, KIRITIMATI = "Pacific/Honolulu", "Pacific/Kiritimati"
TUESDAY = MONDAY + timedelta(days=1)


def utc(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2021, 3, day, hour, minute, tzinfo=UTC)


def a_slot_at(begin: datetime) -> dict[str, Any]:
    return {"start_at": begin.isoformat(), "end_at": (begin + timedelta(minutes=30)).isoformat(), "capacity": 3}


async def far_slots(world: World, zone: str, *begin: datetime, week_on: date = MONDAY) -> list[UUID]:
    """A site in this zone, and slots in the block of a week."""
    assert (await world.post("/sites", a_site(zone, "far"), who="state@*")).status_code == 200
    slots = [a_slot_at(one) for one in begin]
    return await world.open_block(site_id="far", plan=None, slots=slots, week_on=str(week_on))


async def at_clock(world: World, clock: datetime | None, open_on: date) -> None:
    """The day opens, and it is that time."""
    await world.hear(a_business_day(open_on))
    world.clock = clock


@pytest.mark.parametrize(
    ("zone", "begin", "hour", "open_on", "late"),
    [
        # Monday 20:00 in Honolulu is Tuesday in Chicago; the visit is on Tuesday there.
        (HONOLULU, utc(16, 19), utc(16, 6), TUESDAY, False),
        (HONOLULU, utc(16, 19), utc(16, 10, 1), TUESDAY, True),
        # Monday 23:00 and Tuesday 0:01 in Kiritimati are Monday in Chicago; the visit is on Tuesday there.
        (KIRITIMATI, utc(15, 19), utc(15, 9), MONDAY, False),
        (KIRITIMATI, utc(15, 19), utc(15, 10, 1), MONDAY, True),
    ],
)
@pytest.mark.parametrize("is_said", [False, True])
async def test_a_cancellation_is_late_on_the_sites_own_day(
    world: World, zone: str, begin: datetime, hour: datetime, open_on: date, late: bool, is_said: bool
) -> None:
    """The evening before is in time, wherever the business day stands: by the clock, or where days are simulated by the
    hour that is said."""
    [slot] = await far_slots(world, zone, begin)
    booked = await world.booked(await world.enrol(), slot)
    await at_clock(world, None if is_said else hour, open_on)
    when = {"occurred_at": hour.isoformat()} if is_said else {}
    answer = await world.post(f"/appointments/{booked}/cancel", {"reason": "pat-lt", **when})
    assert (answer.json()["status"], answer.json()["cancelled_late"]) == ("cancelled", late)


@pytest.mark.parametrize(
    ("zone", "clock", "open_on", "own_on"),
    [
        (HONOLULU, utc(16, 6), TUESDAY, MONDAY),
        (HONOLULU, utc(16, 10, 1), TUESDAY, TUESDAY),
        (KIRITIMATI, utc(15, 9), MONDAY, MONDAY),
        (KIRITIMATI, utc(15, 10, 1), MONDAY, TUESDAY),
    ],
)
async def test_a_dose_and_a_booking_are_of_the_sites_own_day(
    world: World, zone: str, clock: datetime, open_on: date, own_on: date
) -> None:
    """A dose of the site's tomorrow is to come, one of its today is not; a booking is made on its today."""
    [slot] = await far_slots(world, zone, utc(19, 9))
    await at_clock(world, clock, open_on)
    walk_in = {"enrolment_id": str(await world.enrol()), "site_id": "far"}
    tomorrow = walk_in | {"dose": a_given_dose(on=own_on + timedelta(days=1))}
    assert code_of(await world.post("/walk-ins", tomorrow, who="site@*")) == "future-dose"
    today = await world.post("/walk-ins", walk_in | {"dose": a_given_dose(on=own_on)}, who="site@*")
    assert (today.status_code, today.json()["start_on"], today.json()["booked_on"]) == (201, str(own_on), str(own_on))
    assert today.json()["dose"]["administered_on"] == str(own_on)
    booked = (await world.book(await world.enrol(), slot)).json()
    assert booked["booked_on"] == str(own_on)


@pytest.mark.parametrize(
    ("zone", "clock", "open_on", "own_on"),
    [(HONOLULU, utc(16, 6), TUESDAY, MONDAY), (KIRITIMATI, utc(15, 10, 1), MONDAY, TUESDAY)],
)
async def test_dose_1_of_the_day_of_booking_leaves_the_booking_for_dose_2(
    world: World, zone: str, clock: datetime, open_on: date, own_on: date
) -> None:
    """Somebody books dose 2 and then has dose 1: the booking, made on the dose's own day for a day on which the next
    can be due, stays, although the business day is another one."""
    begin = datetime(2021, 4, 6, 19, tzinfo=UTC)
    [slot] = await far_slots(world, zone, begin, week_on=MONDAY + timedelta(weeks=3))
    await at_clock(world, clock, open_on)
    enrolment = await world.enrol()
    booked = await world.booked(enrolment, slot)
    walk_in = {"enrolment_id": str(enrolment), "site_id": "far", "dose": a_given_dose(on=own_on)}
    assert (await world.post("/walk-ins", walk_in, who="site@*")).status_code == 201
    assert await world.status_of(booked) == "booked"


async def test_nobody_comes_hours_before_the_hour_of_an_evening_that_is_still_to_come(world: World) -> None:
    """Honolulu's visit of Monday 23:00 has no outcome at 20:00 there, although the business day is Tuesday."""
    [slot] = await far_slots(world, HONOLULU, utc(16, 9))
    booked = await world.booked(await world.enrol(), slot)
    await at_clock(world, utc(16, 6), TUESDAY)
    dose = {"dose": a_given_dose(on=MONDAY)}
    assert code_of(await world.post(f"/appointments/{booked}/fulfil", dose, who="site@*")) == "early-dose"
    assert code_of(await world.post(f"/appointments/{booked}/noshow", who="site@*")) == "not-yet"
    world.clock = utc(16, 8, 30)
    assert (await world.post(f"/appointments/{booked}/fulfil", dose, who="site@*")).status_code == 200


@pytest.mark.parametrize(
    ("zone", "slots", "clock", "open_on", "week_on", "code"),
    [
        # Sunday 20:00 in Honolulu, Monday in Chicago: the week goes on there for an evening.
        (HONOLULU, [utc(22, 9)], utc(22, 6), MONDAY + timedelta(days=7), MONDAY, ""),
        (HONOLULU, [utc(22, 9)], utc(22, 10, 1), MONDAY + timedelta(days=7), MONDAY, "past-week"),
        # Monday 0:01 in Kiritimati, Sunday in Chicago: the week is over there.
        (KIRITIMATI, [utc(21, 9)], utc(21, 8), MONDAY + timedelta(days=6), MONDAY, ""),
        (KIRITIMATI, [utc(21, 9)], utc(21, 10, 1), MONDAY + timedelta(days=6), MONDAY, "past-week"),
    ],
)
async def test_a_week_is_over_when_it_is_at_the_site(
    world: World, zone: str, slots: list[datetime], clock: datetime, open_on: date, week_on: date, code: str
) -> None:
    """The last evening can be opened until the site's own midnight, and no longer."""
    assert (await world.post("/sites", a_site(zone, "far"), who="state@*")).status_code == 200
    await at_clock(world, clock, open_on)
    body = {"site_id": "far", "week_on": str(week_on), "cvx": "208", "slots": [a_slot_at(one) for one in slots]}
    answer = await world.post("/blocks", body, who="state@*")
    assert (answer.status_code == 201, code_of(answer) if code else "") == (not code, code)


@pytest.mark.parametrize(
    ("zone", "clock", "open_on", "days"),
    [
        (HONOLULU, utc(22, 6), MONDAY + timedelta(days=7), 6),  # Sunday 20:00 there
        (HONOLULU, utc(22, 10, 1), MONDAY + timedelta(days=7), 7),
        (KIRITIMATI, utc(21, 9), MONDAY + timedelta(days=6), 6),  # Sunday 23:00 there
        (KIRITIMATI, utc(21, 10, 1), MONDAY + timedelta(days=6), 7),
    ],
)
async def test_days_overdue_are_the_sites_own(
    world: World, zone: str, clock: datetime, open_on: date, days: int
) -> None:
    """For how long a Monday's outcome is missing, whether it is listed for so long, and whether it is escalated."""
    [slot] = await far_slots(world, zone, utc(16, 4) if zone == HONOLULU else utc(15, 4))
    booked = await world.booked(await world.enrol(), slot)
    await world.hear(a_business_day(MONDAY + timedelta(days=2)))
    await at_clock(world, clock, open_on)
    for least in (days, days + 1):
        listed = (await world.get(f"/appointments/overdue?least_days={least}", who="state@*")).json()
        told = [(one["appointment_id"], one["days_overdue"], one["escalated"]) for one in listed]
        assert told == ([(booked, days, days >= 7)] if least == days else [])
    early = await world.post(f"/appointments/{booked}/noshow", who="supervisor@acme")
    assert (early.status_code == 200) is (days >= 7)


MORE_TO_COME = """
insert into appointment
select (jsonb_populate_record(known, jsonb_build_object(
    'appointment_id', gen_random_uuid(), 'member_token', gen_random_uuid(), 'start_on', start_on + number % 90,
    'booking_code', null
))).*
from appointment as known cross join generate_series(1, 3000) as number
"""


async def test_what_is_to_come_is_not_looked_at_for_what_is_overdue(world: World) -> None:
    """Among thousands of bookings the index gives none of a day that is over at no site yet."""
    [slot] = await far_slots(world, HONOLULU, utc(16, 4))
    booked = await world.booked(await world.enrol(), slot)
    async with transaction(world.pool, ALL_TENANTS) as connection:
        await connection.execute(MORE_TO_COME)
    await world.owner.execute("analyze appointment")
    async with transaction(world.pool, ALL_TENANTS) as connection:
        given = MONDAY, None, 1, None, None, None, 100
        plan = "\n".join(row[0] for row in await connection.fetch(f"explain {LIST_OVERDUE}", *given))
        await connection.execute("delete from appointment where appointment_id <> $1", UUID(booked))
    assert "appointment_overdue" in plan, plan
    assert "Index Cond: (start_on <= " in plan, plan
