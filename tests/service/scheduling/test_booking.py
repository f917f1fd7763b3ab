"""Booking, moving, cancelling and recording by HTTP over a real database."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from schemas.scheduling_v1 import AppointmentStatus
from tests.servers import OpenDatabase
from tests.service.scheduling.world import COVID, FLU, MONDAY, World, a_business_day, a_fact, a_given_dose, a_site

pytestmark = pytest.mark.postgres

WEDNESDAY = MONDAY + timedelta(days=2)


def code_of(answer: httpx.Response) -> str:
    return str(answer.json()["type"]).rpartition(":")[2]


async def test_a_booking_is_announced_with_its_block(world: World) -> None:
    """A booking takes one place and tells so on both topics, the pool's version counting up."""
    [slot] = await world.open_block(capacity=3)
    await world.booked(await world.enrol(), slot)
    [told] = await world.appointment_news()
    assert (told.status, told.version, told.slot_id, told.start_on) == ("booked", 1, slot, WEDNESDAY)
    assert [(one.version, one.capacity, one.booked) for one in await world.pool_news()] == [(1, 3, 0), (2, 3, 1)]


@pytest.mark.capability("F3")
async def test_a_full_slot_refuses_and_a_cancel_frees_one_place(world: World) -> None:
    """The third member is refused until somebody cancels; then exactly one more gets in."""
    [slot] = await world.open_block(capacity=2)
    members = [await world.enrol() for _ in range(4)]
    first = await world.booked(members[0], slot)
    await world.booked(members[1], slot)
    refused = await world.book(members[2], slot)
    assert (refused.status_code, code_of(refused)) == (409, "full")
    cancelled = await world.post(f"/appointments/{first}/cancel", {"reason": "pat-lt"})
    assert (cancelled.json()["status"], cancelled.json()["cancelled_late"]) == ("cancelled", False)
    await world.booked(members[2], slot)
    assert code_of(await world.book(members[3], slot)) == "full"


async def test_a_cancellation_on_the_day_is_late_but_counts(world: World) -> None:
    """On the day itself a cancel is marked late, frees the place, and can't be done twice."""
    [slot] = await world.open_block()
    one = await world.booked(await world.enrol(), slot)
    await world.hear(a_business_day(WEDNESDAY))
    answer = await world.post(f"/appointments/{one}/cancel", {"reason": "pat-lt"})
    assert answer.json()["cancelled_late"]
    assert code_of(await world.post(f"/appointments/{one}/cancel", {"reason": "pat-lt"})) == "not-booked"


async def test_only_reasons_of_the_code_system_are_taken(world: World) -> None:
    """A made-up cancellation reason is no reason."""
    [slot] = await world.open_block()
    one = await world.booked(await world.enrol(), slot)
    answer = await world.post(f"/appointments/{one}/cancel", {"reason": "dog-ate-it"})
    assert answer.status_code == 422
    assert "dog" not in answer.text
    assert await world.status_of(one) == "booked"


async def test_who_is_booked_already_is_told_with_which_appointment(world: World) -> None:
    """One's own live booking is named; another plan's is not, though it counts."""
    member = uuid4()
    [slot] = await world.open_block(plan=None)
    own, other = await world.enrol("acme", member), await world.enrol("blue", member)
    booked = await world.booked(own, slot)
    refused = await world.book(own, slot)
    assert (code_of(refused), refused.json()["appointment_id"]) == ("already-booked", booked)
    hidden = await world.book(other, slot, tenant="blue")
    assert (code_of(hidden), booked in hidden.text) == ("already-booked", False)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"eligible": False}, "ineligible"),
        ({"eligible": False, "vaccinated": True}, "vaccinated"),
        ({"eligible": False, "reasons": ("deceased",)}, "ineligible"),
        ({"eligible": False, "enrolled": False}, "ineligible"),
    ],
)
async def test_who_is_not_eligible_is_not_booked(world: World, change: dict[str, Any], code: str) -> None:
    """Eligibility's latest fact decides, also when an older one comes after it."""
    [slot] = await world.open_block()
    enrolment = uuid4()
    await world.hear(a_fact(enrolment, uuid4(), version=2, **change))
    await world.hear(a_fact(enrolment, uuid4(), version=1))
    assert code_of(await world.book(enrolment, slot)) == code


async def test_an_unknown_enrolment_may_be_asked_again_with_the_same_key(world: World) -> None:
    """A refusal that time will heal does not spend the key."""
    [slot] = await world.open_block()
    enrolment = uuid4()
    early = await world.book(enrolment, slot, key="same-key-1")
    assert (early.status_code, code_of(early), early.headers["retry-after"]) == (409, "unknown-enrolment", "5")
    await world.hear(a_fact(enrolment, uuid4()))
    assert (await world.book(enrolment, slot, key="same-key-1")).status_code == 201


async def test_an_enrolment_in_two_programmes_names_the_one_meant(world: World) -> None:
    """Without a programme it is refused; with it, the slot's vaccine must be the programme's."""
    [slot] = await world.open_block()
    enrolment, member = uuid4(), uuid4()
    await world.hear(a_fact(enrolment, member), a_fact(enrolment, member, programme="il-flu"))
    body = {"enrolment_id": str(enrolment), "slot_id": str(slot)}
    assert code_of(await world.post("/appointments", body)) == "programme-needed"
    assert code_of(await world.post("/appointments", body | {"programme_id": "il-flu"})) == "other-vaccine"
    assert (await world.post("/appointments", body | {"programme_id": "il-covid"})).status_code == 201


async def test_slots_of_yesterday_and_of_nowhere_are_refused(world: World) -> None:
    """A past day can't be booked, today can; an id that is no slot's is unknown."""
    monday, wednesday = await world.open_block(days=(0, 2))
    await world.hear(a_business_day(MONDAY + timedelta(days=1)))
    enrolment = await world.enrol()
    assert code_of(await world.book(enrolment, monday)) == "past-slot"
    assert code_of(await world.book(enrolment, uuid4())) == "unknown-slot"
    await world.hear(a_business_day(WEDNESDAY))
    assert (await world.book(enrolment, wednesday)).status_code == 201


@pytest.mark.capability("B10")
async def test_a_block_held_for_a_plan_is_nobody_elses_until_it_is_released(world: World) -> None:
    """Blue neither sees nor books Acme's places on Monday; two days before, everybody may."""
    thursday, saturday = await world.open_block(days=(3, 5), capacity=2)
    enrolment = await world.enrol("blue")
    await world.hear(a_business_day(MONDAY))  # heard twice: nothing happens
    assert (await world.get("/slots", who="coordinator@blue")).json() == []
    assert len((await world.get("/slots?site=united-center&zip=60612")).json()) == 2
    assert code_of(await world.book(enrolment, thursday, tenant="blue")) == "block-held-for-another-plan"
    await world.hear(a_business_day(MONDAY + timedelta(days=1)))
    seen = (await world.get(f"/slots?week={MONDAY}", who="coordinator@blue")).json()
    assert [(one["slot_id"], one["free"], one["held_for"]) for one in seen] == [(str(thursday), 2, None)]
    await world.booked(enrolment, thursday, tenant="blue")
    refused = await world.book(await world.enrol("blue"), saturday, tenant="blue")
    assert code_of(refused) == "block-held-for-another-plan"
    await world.hear(a_business_day(MONDAY + timedelta(days=3)))
    told = [(one.version, one.tenant_id, one.released, one.booked) for one in await world.pool_news()]
    assert told == [(1, "acme", 0, 0), (2, "acme", 2, 0), (3, "acme", 2, 1), (4, None, 4, 1)]


@pytest.mark.capability("B5")
async def test_a_plan_sees_its_own_appointments_only(world: World) -> None:
    """Blue's coordinator finds Acme's appointment neither alone nor in the day's list; the site sees both. Each look is
    in the trail, also for what was not found."""
    [slot] = await world.open_block(plan=None)
    acme = await world.booked(await world.enrol("acme"), slot)
    blue = await world.booked(await world.enrol("blue"), slot, tenant="blue")
    assert (await world.get(f"/appointments/{acme}", who="coordinator@blue")).status_code == 404
    assert (
        await world.post(f"/appointments/{acme}/cancel", {"reason": "pat"}, who="coordinator@blue")
    ).status_code == 404
    day = f"/appointments?site=united-center&on={WEDNESDAY}"
    assert [one["appointment_id"] for one in (await world.get(day, who="coordinator@blue")).json()] == [blue]
    assert {one["appointment_id"] for one in (await world.get(day, who="site@*")).json()} == {acme, blue}
    async with world.everything() as connection:
        seen = await connection.fetch("select principal, subjects from audit where action = 'read' order by audit_id")
    assert [(row["principal"], sorted(row["subjects"])) for row in seen] == [
        ("coordinator-1", [acme]),
        ("coordinator-1", [acme]),
        ("coordinator-1", [blue]),
        ("site-1", sorted([acme, blue])),
    ]


async def test_free_places_are_counted_over_all_plans(world: World) -> None:
    """What Blue has taken is not free for Acme, though Acme can't see who has it."""
    [slot] = await world.open_block(plan=None, capacity=2)
    await world.booked(await world.enrol("blue"), slot, tenant="blue")
    [listed] = (await world.get("/slots")).json()
    assert (listed["free"], listed["capacity"]) == (1, 2)


async def test_moving_gives_up_the_old_place_only_for_a_new_one(world: World) -> None:
    """A move to a full slot changes nothing; a move to a free one moves exactly one place."""
    small, large = await world.open_block(days=(2, 3), capacity=1)
    holder, mover = await world.enrol(), await world.enrol()
    await world.booked(holder, small)
    moving = await world.booked(mover, large)
    before = len(await world.announced())
    assert code_of(await world.post(f"/appointments/{moving}/reschedule", {"slot_id": str(small)})) == "full"
    assert code_of(await world.post(f"/appointments/{moving}/reschedule", {"slot_id": str(large)})) == "same-slot"
    assert len(await world.announced()) == before
    [other] = await world.open_block(days=(4,), capacity=1, plan=None)
    answer = await world.post(f"/appointments/{moving}/reschedule", {"slot_id": str(other)})
    assert (answer.json()["slot_id"], answer.json()["changes"], answer.json()["version"]) == (str(other), 1, 2)
    assert (await world.book(await world.enrol(), large)).status_code == 201


async def test_an_appointment_moves_three_times_at_most(world: World) -> None:
    """The fourth change is refused."""
    a, b = await world.open_block(days=(2, 3))
    one = await world.booked(await world.enrol(), a)
    for slot in (b, a, b):
        assert (await world.post(f"/appointments/{one}/reschedule", {"slot_id": str(slot)})).status_code == 200
    assert code_of(await world.post(f"/appointments/{one}/reschedule", {"slot_id": str(a)})) == "too-many-changes"


async def test_a_dose_given_is_recorded_and_can_be_taken_back(world: World) -> None:
    """Fulfilled carries the dose; entered in error announces none, so that eligibility retracts it."""
    [slot] = await world.open_block(days=(0,))
    one = await world.booked(await world.enrol(), slot)
    answer = await world.post(f"/appointments/{one}/fulfil", {"dose": a_given_dose()}, who="site@*")
    assert (answer.status_code, answer.json()["status"]) == (200, "fulfilled")
    answer = await world.post(f"/appointments/{one}/entered-in-error", who="site@*")
    assert answer.json()["status"] == "entered-in-error"
    told = [(one.version, one.status, one.dose is not None) for one in await world.appointment_news()]
    assert told == [(1, "booked", False), (2, "fulfilled", True), (3, "entered-in-error", False)]
    assert [(p.booked, p.fulfilled) for p in await world.pool_news()] == [(0, 0), (1, 0), (0, 1), (0, 0)]


@pytest.mark.parametrize(
    ("dose", "code"),
    [
        (a_given_dose(cvx="207"), "not-given-here"),
        (a_given_dose(cvx=FLU), "other-vaccine"),
        (a_given_dose(on=MONDAY + timedelta(days=1)), "future-dose"),
        (a_given_dose(on=MONDAY - timedelta(days=1)), "early-dose"),
    ],
)
async def test_a_dose_that_does_not_fit_is_refused(world: World, dose: dict[str, object], code: str) -> None:
    """Product, vaccine and day must fit the site and the appointment."""
    [slot] = await world.open_block(days=(0,))
    one = await world.booked(await world.enrol(), slot)
    answer = await world.post(f"/appointments/{one}/fulfil", {"dose": dose}, who="site@*")
    assert (answer.status_code in {409, 422}, code_of(answer)) == (True, code)
    assert await world.status_of(one) == "booked"


async def test_a_no_show_keeps_its_place_and_frees_the_member(world: World) -> None:
    """Before the day it can't be said; on the day it ends the booking, and the member may book again."""
    wednesday, thursday = await world.open_block(days=(2, 3), capacity=1)
    enrolment = await world.enrol()
    one = await world.booked(enrolment, wednesday)
    assert code_of(await world.post(f"/appointments/{one}/noshow", who="site@*")) == "not-yet"
    await world.hear(a_business_day(WEDNESDAY))
    assert (await world.post(f"/appointments/{one}/noshow", who="site@*")).json()["status"] == "noshow"
    assert code_of(await world.book(enrolment, wednesday)) == "full"
    await world.booked(enrolment, thursday)


async def test_a_walk_in_needs_no_place_and_ends_the_live_booking(world: World) -> None:
    """With every place taken the dose is recorded, born fulfilled; the member's booking for Wednesday is cancelled."""
    [slot] = await world.open_block(capacity=1)
    enrolment = await world.enrol()
    booked = await world.booked(enrolment, slot)
    body = {"enrolment_id": str(enrolment), "site_id": "united-center", "dose": a_given_dose()}
    answer = await world.post("/walk-ins", body, who="site@*")
    given = answer.json()
    assert (answer.status_code, given["status"], given["walk_in"], given["slot_id"]) == (201, "fulfilled", True, None)
    assert await world.status_of(booked) == "cancelled:pat"
    twice = await world.post("/walk-ins", body, who="site@*")
    assert (code_of(twice), twice.json()["appointment_id"]) == ("already-recorded", given["appointment_id"])
    last = (await world.appointment_news())[-1]
    assert (last.status, last.dose and last.dose.lot, last.start_on) == (AppointmentStatus.FULFILLED, "EN6201", MONDAY)


async def test_somebody_ineligible_who_got_a_dose_did_get_it(world: World) -> None:
    """A walk-in records a fact: eligibility can't unmake it."""
    enrolment = uuid4()
    await world.hear(a_fact(enrolment, uuid4(), eligible=False))
    body = {"enrolment_id": str(enrolment), "site_id": "united-center", "dose": a_given_dose()}
    assert (await world.post("/walk-ins", body, who="site@*")).status_code == 201


async def test_days_are_the_sites_own_across_the_change_of_the_clocks(database: OpenDatabase) -> None:
    """At 00:30 Pacific daylight time on 15 March 2021 it is the 15th; an hour earlier, and with winter's offset still
    a day before the change, it is the day before."""
    world = World((await database("scheduling")).pool)
    await world.begin(MONDAY - timedelta(days=7))
    await world.post("/sites", a_site("America/Los_Angeles", "moscone"), who="state@*")
    body = {"site_id": "moscone", "week_on": str(MONDAY), "cvx": COVID}
    slot = {"start_at": "2021-03-15T07:30:00Z", "end_at": "2021-03-15T07:45:00Z", "capacity": 1}
    opened = await world.post("/blocks", body | {"slots": [slot]}, who="state@*")
    assert [one["start_on"] for one in opened.json()["slots"]] == [str(MONDAY)]
    sunday = {"start_at": "2021-03-15T06:30:00Z", "end_at": "2021-03-15T06:45:00Z", "capacity": 1}
    assert code_of(await world.post("/blocks", body | {"slots": [sunday]}, who="state@*")) == "slot-outside-week"
    before = body | {"week_on": str(MONDAY - timedelta(days=7)), "plan": "acme", "new_plan": True}
    winter = {"start_at": "2021-03-14T07:30:00Z", "end_at": "2021-03-14T07:45:00Z", "capacity": 1}
    opened = await world.post("/blocks", before | {"slots": [winter, sunday]}, who="state@*")
    assert [one["start_on"] for one in opened.json()["slots"]] == ["2021-03-13", "2021-03-14"]
    listed = (await world.get("/slots?site=moscone")).json()
    assert [one["start_at"] for one in listed] == [
        "2021-03-13T23:30:00-08:00", "2021-03-14T23:30:00-07:00", "2021-03-15T00:30:00-07:00"
    ]  # fmt: skip
    await world.close()


async def test_a_block_is_opened_once_and_by_whom_it_concerns(world: World) -> None:
    """The same block twice is refused; a plan's own site staff can't open a block for another plan."""
    await world.open_block()
    start = {"start_at": "2021-03-17T15:00:00Z", "end_at": "2021-03-17T15:30:00Z", "capacity": 1}
    body = {"site_id": "united-center", "week_on": str(MONDAY), "plan": "acme", "cvx": COVID, "slots": [start],
            "new_plan": True}  # fmt: skip
    assert code_of(await world.post("/blocks", body, who="state@*")) == "block-exists"
    assert code_of(await world.post("/blocks", body | {"plan": "blue"}, who="site@acme")) == "other-tenant"
    assert code_of(await world.post("/blocks", body | {"cvx": "207"}, who="state@*")) == "not-given-here"
    assert (await world.post("/blocks", body | {"week_on": "2021-03-16"}, who="state@*")).status_code == 422


async def test_a_site_keeps_its_time_zone_once_it_has_blocks(world: World) -> None:
    """Its days were counted in it; everything else may be described anew."""
    assert (await world.post("/sites", a_site("America/Denver"), who="state@*")).status_code == 200
    await world.post("/sites", a_site(), who="state@*")
    await world.open_block()
    assert code_of(await world.post("/sites", a_site("America/Denver"), who="state@*")) == "time-zone-in-use"
    assert (await world.post("/sites", a_site() | {"name": "The Stadium"}, who="state@*")).json()[
        "name"
    ] == "The Stadium"


@pytest.mark.capability("E6")
@pytest.mark.parametrize(
    ("path", "who"),
    [
        ("/sites", "coordinator@acme"),
        ("/blocks", "coordinator@acme"),
        ("/appointments", "site@*"),
        ("/walk-ins", "coordinator@acme"),
        (f"/appointments/{UUID(int=1)}/fulfil", "coordinator@acme"),
        (f"/appointments/{UUID(int=1)}/noshow", "chw@acme"),
        (f"/appointments/{UUID(int=1)}/entered-in-error", "analyst@acme"),
        (f"/appointments/{UUID(int=1)}/reschedule", "site@*"),
        (f"/appointments/{UUID(int=1)}/cancel", "analyst@acme"),
    ],
)
async def test_each_act_belongs_to_its_role(world: World, path: str, who: str) -> None:
    """A wrong role is denied before anything is looked at."""
    assert (await world.post(path, {}, who=who)).status_code == 403


async def test_a_plan_describes_no_other_plans_site_anew(world: World) -> None:
    """A site's name, place and products are changed by the tenant that described it first, or by who acts for all."""
    own, again = a_site(site_id="clinic"), {**a_site(site_id="clinic"), "name": "Clinic on Wheels"}
    assert (await world.post("/sites", own, who="site@blue")).status_code == 200
    for who, status in (("site@acme", 403), ("site@blue", 200), ("state@*", 200), ("site@acme", 403)):
        assert (await world.post("/sites", again, who=who)).status_code == status
    refused = await world.post("/sites", {**a_site(), "gives": again["gives"][:1]}, who="site@blue")
    assert (refused.status_code, refused.json()["type"]) == (403, "urn:vcc:problem:other-tenant")


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+14:00", "1899-12-31T23:59:59Z", "9999-12-31T23:59:00-12:00"])
async def test_no_time_at_the_calendars_ends(world: World, at: str) -> None:
    """An instant or a day that nobody can have meant is refused as a field of the request, in writes and in looks."""
    [slot] = await world.open_block()
    enrolment, on = str(await world.enrol()), at[:10]
    block = {"site_id": "united-center", "week_on": str(MONDAY), "cvx": COVID}
    answers = [
        await world.post("/appointments", {"enrolment_id": enrolment, "slot_id": str(slot), "occurred_at": at}),
        await world.post("/blocks", block | {"slots": [{"start_at": at, "end_at": at, "capacity": 1}]}, who="state@*"),
        await world.post(
            "/walk-ins",
            {"enrolment_id": enrolment, "site_id": "united-center", "dose": a_given_dose(on=date.fromisoformat(on))},
            who="site@*",
        ),
        await world.get(f"/appointments?site=united-center&on={on}"),
        await world.get("/slots?week=9999-12-27"),
    ]
    assert [(answer.status_code, answer.json()["type"]) for answer in answers] == [
        (422, "urn:vcc:problem:invalid-request")
    ] * 5
