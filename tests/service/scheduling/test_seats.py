"""Every way into a seat asks the same: what a booking is refused, a reschedule is."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import httpx
import pytest

from tests.service.scheduling.test_booking import code_of
from tests.service.scheduling.world import (
    FLU,
    MONDAY,
    World,
    a_business_day,
    a_fact,
    a_given_dose,
    a_merge,
    a_programme,
    a_site,
    a_slot,
    an_attempt,
)

pytestmark = pytest.mark.postgres

CHANGES: list[tuple[dict[str, object], str]] = [
    ({"reasons": ("deceased",)}, "ineligible"),
    ({"enrolled": False, "reasons": ("not-enrolled",)}, "ineligible"),
    ({"vaccinated": True, "reasons": ("already-vaccinated",)}, "vaccinated"),
    ({"reasons": ("area-not-vulnerable",)}, "ineligible"),
    ({"reasons": ("death-reported",)}, "death-reported"),
]


async def move(world: World, appointment: str, slot: UUID, **more: str) -> httpx.Response:
    return await world.post(f"/appointments/{appointment}/reschedule", {"slot_id": str(slot), **more})


@pytest.mark.parametrize(("change", "code"), CHANGES)
async def test_an_old_booking_moves_for_nobody_who_could_not_book(
    world: World, change: dict[str, Any], code: str
) -> None:
    """A booking of a past day is left to the site, and is no way around the question: the refusal is the one that
    booking gives, with eligibility's reasons, and nothing has moved."""
    yesterday, friday = await world.open_block(days=(0, 4))
    enrolment, member = uuid4(), uuid4()
    await world.hear(a_fact(enrolment, member))
    booked = await world.booked(enrolment, yesterday)
    await world.hear(a_business_day(MONDAY + timedelta(days=1)))
    await world.hear(a_fact(enrolment, member, version=2, eligible=False, **change))
    moved, again = await move(world, booked, friday), await world.book(enrolment, friday)
    assert (code_of(moved), code_of(again)) == (code, code)
    assert moved.json()["reasons"] == again.json()["reasons"] == list(change["reasons"])
    assert (await world.get(f"/appointments/{booked}")).json()["slot_id"] == str(yesterday)


async def test_who_is_eligible_still_moves_an_old_booking(world: World) -> None:
    """The member did not come and is called: the appointment goes to another day, and is overdue no longer."""
    monday, friday = await world.open_block(days=(0, 4))
    booked = await world.booked(await world.enrol(), monday)
    await world.hear(a_business_day(MONDAY + timedelta(days=1)))
    answer = (await move(world, booked, friday)).json()
    assert (answer["start_on"], answer["outcome_overdue"]) == ("2021-03-19", False)


async def test_a_booking_of_a_merged_person_moves_once_the_answer_is_restated(world: World) -> None:
    """Between the merge and eligibility's answer for the survivor nothing is known, so no seat is given."""
    wednesday, friday = await world.open_block(days=(2, 4))
    enrolment, retired, survivor = uuid4(), uuid4(), uuid4()
    await world.hear(a_fact(enrolment, retired))
    booked = await world.booked(enrolment, wednesday)
    await world.hear(a_fact(enrolment, retired, version=2, eligible=False, merged_into=survivor))
    await world.hear(a_merge(retired, survivor))
    assert code_of(await move(world, booked, friday)) == "unknown-enrolment"
    await world.hear(a_fact(enrolment, survivor, version=3, eligible=False, reasons=["deceased"]))
    assert await world.status_of(booked) == "cancelled:pat-dec"


async def test_a_report_under_a_retired_token_pauses_the_survivor(world: World) -> None:
    """A death that was reported of either of two tokens is of the one person that they are."""
    [slot] = await world.open_block()
    retired, survivor = uuid4(), uuid4()
    enrolment = await world.enrol("acme", survivor)
    await world.hear(an_attempt(retired))
    await world.hear(a_merge(retired, survivor))
    assert code_of(await world.book(enrolment, slot)) == "death-reported"


async def test_this_mornings_slot_is_not_booked_this_afternoon(world: World) -> None:
    """By the clock of the day that is open; a request that says an earlier hour turns it back for nobody. The slot is
    not offered, either, and nothing is moved into it."""
    today, tomorrow = await world.open_block(days=(0, 1))  # at 15:00 UTC
    first, second = await world.enrol(), await world.enrol()
    world.clock = datetime(2021, 3, 15, 14, 59, tzinfo=UTC)
    booked = await world.booked(first, tomorrow)
    assert len((await world.get("/slots")).json()) == 2
    world.clock = datetime(2021, 3, 15, 15, 1, tzinfo=UTC)
    body = {"enrolment_id": str(second), "slot_id": str(today), "occurred_at": "2021-03-15T09:00:00Z"}
    assert code_of(await world.post("/appointments", body)) == "past-slot"
    assert code_of(await move(world, booked, today)) == "past-slot"
    assert [one["slot_id"] for one in (await world.get("/slots")).json()] == [str(tomorrow)]


async def test_where_days_are_simulated_the_request_tells_the_hour(world: World) -> None:
    """The clock stands far from the open day: the instant that the request says decides, and without one the day."""
    [today] = await world.open_block(days=(0,))
    body = {"enrolment_id": str(await world.enrol()), "slot_id": str(today)}
    late = await world.post("/appointments", {**body, "occurred_at": "2021-03-15T15:00:00Z"})
    assert code_of(late) == "past-slot"
    assert (await world.post("/appointments", body)).status_code == 201


@pytest.mark.parametrize("at", ["2019-03-15T15:00:00Z", "2100-01-01T00:00:00Z"])
async def test_no_instant_that_nobody_meant(world: World, at: str) -> None:
    """Years ago and years ahead are refused, for bookings, outcomes and blocks alike."""
    [slot] = await world.open_block(days=(0,))
    enrolment = await world.enrol()
    booked = await world.booked(enrolment, slot)
    block = {"site_id": "united-center", "week_on": str(MONDAY), "cvx": "197", "slots": [a_slot(MONDAY)]}
    answers = [
        await world.post("/appointments", {"enrolment_id": str(enrolment), "slot_id": str(slot), "occurred_at": at}),
        await world.post(f"/appointments/{booked}/cancel", {"reason": "pat", "occurred_at": at}),
        await world.post("/blocks", block | {"occurred_at": at}, who="state@*"),
    ]
    assert [code_of(answer) for answer in answers] == ["far-instant"] * 3


async def test_a_person_has_one_seat_for_a_vaccine_under_whichever_programme(world: World) -> None:
    """A second programme of the same vaccine, with another plan too, is no second dose: the refusal names one's own
    booking alone. Another vaccine is another seat."""
    await world.hear(a_programme("county-covid"))
    wednesday, friday = await world.open_block(days=(2, 4), plan=None)
    member = uuid4()
    own, county, flu, other = [
        await world.enrol(tenant, member, programme)
        for tenant, programme in (
            ("acme", "il-covid"), ("acme", "county-covid"), ("acme", "il-flu"), ("blue", "county-covid"),
        )
    ]  # fmt: skip
    booked = await world.booked(own, wednesday)
    twice, hidden = await world.book(county, friday), await world.book(other, friday, tenant="blue")
    assert (code_of(twice), twice.json()["appointment_id"]) == ("already-booked", booked)
    assert (code_of(hidden), booked in hidden.text) == ("already-booked", False)
    [shot] = await world.open_block(days=(4,), cvx=FLU)
    assert (await world.book(flu, shot)).status_code == 201


async def test_two_programmes_seats_become_one_when_two_prove_to_be_one_person(world: World) -> None:
    """The survivor's own booking stays, and the other person's for the same vaccine ends."""
    await world.hear(a_programme("county-covid"))
    wednesday, friday = await world.open_block(days=(2, 4), plan=None)
    retired, survivor = uuid4(), uuid4()
    own = await world.booked(await world.enrol(member=survivor), wednesday)
    other = await world.booked(await world.enrol("blue", retired, "county-covid"), friday, tenant="blue")
    await world.hear(a_merge(retired, survivor))
    assert [await world.status_of(one) for one in (own, other)] == ["booked", "cancelled:oth-err"]


async def test_a_past_booking_moves_to_no_second_seat(world: World) -> None:
    """Two tokens prove to be one person: the retired one's booking of yesterday, which stays with its site, is no way
    to a seat beside the survivor's."""
    monday, thursday, friday = await world.open_block(days=(0, 3, 4))
    retired, survivor = uuid4(), uuid4()
    past = await world.enrol(member=retired)
    old, own = await world.booked(past, monday), await world.booked(await world.enrol(member=survivor), friday)
    await world.hear(a_business_day(MONDAY + timedelta(days=1)), a_merge(retired, survivor))
    await world.hear(a_fact(past, survivor, version=2))
    moved = await move(world, old, thursday)
    assert (code_of(moved), moved.json()["appointment_id"]) == ("already-booked", own)


@pytest.mark.parametrize(
    ("zone", "clock", "open_days"),
    [
        ("America/New_York", datetime(2021, 3, 16, 4, 10, tzinfo=UTC), 0),  # 0:10 on Tuesday; in Chicago 23:10
        ("Pacific/Guam", datetime(2021, 3, 16, 1, tzinfo=UTC), 0),  # 11:00 on Tuesday; in Chicago 20:00 on Monday
        ("America/Los_Angeles", datetime(2021, 3, 16, 5, 30, tzinfo=UTC), 1),  # 22:30 on Monday; in Chicago Tuesday
    ],
)
async def test_a_sites_now_is_the_clocks(world: World, zone: str, clock: datetime, open_days: int) -> None:
    """Where a site's day has begun before the business day, or has yet to end, what is done there now is neither to
    come nor past: a slot is found and booked before its hour, and the dose is recorded at it, with the site's day."""
    assert (await world.post("/sites", a_site(zone, "far"), who="state@*")).status_code == 200
    begin = clock + timedelta(minutes=30)
    slot = {"start_at": begin.isoformat(), "end_at": (begin + timedelta(hours=1)).isoformat(), "capacity": 3}
    [found] = await world.open_block(site_id="far", plan=None, slots=[slot])
    await world.hear(a_business_day(MONDAY + timedelta(days=open_days)))
    world.clock = clock
    assert [one["slot_id"] for one in (await world.get("/slots?site=far")).json()] == [str(found)]
    booked, missed = [await world.booked(await world.enrol(), found) for _ in range(2)]
    assert code_of(await world.post(f"/appointments/{missed}/noshow", who="site@*")) == "not-yet"
    world.clock = begin
    dose = {"dose": a_given_dose(on=begin.astimezone(ZoneInfo(zone)).date())}
    assert (await world.post(f"/appointments/{booked}/fulfil", dose, who="site@*")).status_code == 200
    assert (await world.post(f"/appointments/{missed}/noshow", who="site@*")).status_code == 200
    walk_in = dose | {"enrolment_id": str(await world.enrol()), "site_id": "far"}
    assert (await world.post("/walk-ins", walk_in, who="site@*")).status_code == 201
    to_come = {"dose": a_given_dose(on=MONDAY + timedelta(days=2))}
    assert code_of(await world.post("/walk-ins", walk_in | to_come, who="site@*")) == "future-dose"
    assert code_of(await world.book(await world.enrol(), found)) == "past-slot"
