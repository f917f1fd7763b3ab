"""What the news of a dose does to bookings, in whichever order it comes."""

from datetime import date, timedelta
from itertools import permutations
from typing import Any
from uuid import UUID, uuid4

import pytest

from schemas.eligibility_v1 import DoseAction
from tests.service.scheduling.world import (
    FLU,
    MONDAY,
    World,
    a_booking,
    a_business_day,
    a_dose,
    a_fact,
    a_given_dose,
    a_slot,
)

pytestmark = pytest.mark.postgres
TUESDAY, WEDNESDAY = MONDAY + timedelta(days=1), MONDAY + timedelta(days=2)


@pytest.mark.capability("F8")
async def test_a_dose_given_elsewhere_cancels_the_booking_and_frees_its_place(world: World) -> None:
    """The registry's dose of Monday ends Wednesday's booking, and says so."""
    member, _, booked = await a_booking(world)
    await world.hear(a_dose(member))
    assert await world.status_of(booked) == "cancelled:pat"
    told = (await world.appointment_news())[-1]
    assert (told.status, told.version, told.cancellation_reason, told.changed_on) == ("cancelled", 2, "pat", MONDAY)
    assert told.by_rule
    assert (await world.pool_news())[-1].booked == 0


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"group": "flu"}, "another vaccine"),
        ({"on": date(2020, 12, 30)}, "given before the programme began"),
        ({"on": WEDNESDAY}, "perhaps the very dose of this booking, reported by the registry first"),
        ({"action": DoseAction.RETRACT}, "never given"),
    ],
)
async def test_a_dose_that_says_nothing_about_the_booking_leaves_it(
    world: World, change: dict[str, Any], why: str
) -> None:
    """Only a dose that the booking was for ends it."""
    member, _, booked = await a_booking(world)
    await world.hear(a_dose(member, **change))
    assert await world.status_of(booked) == "booked", why


async def test_an_earlier_dose_that_is_reported_late_leaves_the_booking_for_the_next(world: World) -> None:
    """Dose 1 of February becomes known after dose 2 was booked: eligibility still says that a dose is due, so the
    booking stays; once it says that none is, the booking ends."""
    member, enrolment, booked = await a_booking(world)
    await world.hear(a_dose(member, on=MONDAY - timedelta(days=21)), a_fact(enrolment, member, version=2))
    assert await world.status_of(booked) == "booked"
    await world.hear(a_fact(enrolment, member, version=3, eligible=False, vaccinated=True))
    assert await world.status_of(booked) == "cancelled:pat"
    assert (await world.appointment_news())[-1].by_rule


async def test_a_dose_of_the_day_of_booking_leaves_a_booking_for_the_next(world: World) -> None:
    """Who got dose 1 this morning and books dose 2 for four weeks later keeps that, whenever the registry tells of dose
    1; who booked for Wednesday, and got the dose elsewhere today, needs no seat."""
    later = MONDAY + timedelta(days=28)
    [next_month] = await world.open_block(week_on=str(later), slots=[a_slot(later)])
    [wednesday] = await world.open_block(days=(2,))
    members = uuid4(), uuid4()
    bookings = [
        await world.booked(await world.enrol(member=member), slot)
        for member, slot in zip(members, (next_month, wednesday), strict=True)
    ]
    await world.hear(a_business_day(TUESDAY), *(a_dose(member, on=MONDAY) for member in members))
    assert [await world.status_of(one) for one in bookings] == ["booked", "cancelled:pat"]


async def test_a_late_report_and_eligibilitys_answer_end_alike_in_any_order(world: World) -> None:
    """The dose of before the booking and the answer that nothing is due now end it, whichever comes last."""
    ends = []
    for news in permutations(range(2)):
        member, enrolment, booked = await a_booking(world)
        late = a_dose(member, on=MONDAY - timedelta(days=21))
        answer = a_fact(enrolment, member, version=2, eligible=False, reasons=["not-due"])
        for i in news:
            await world.hear((late, answer)[i])
        ends.append(await world.status_of(booked))
    assert ends == ["cancelled:pat"] * 2


async def test_a_combination_vaccine_counts_for_each_of_its_groups(world: World) -> None:
    """A dose whose first group is another one ends the booking for one of its others."""
    member, _, booked = await a_booking(world)
    await world.hear(a_dose(member, group="mmr", groups=("mmr", "covid-19")))
    assert await world.status_of(booked) == "cancelled:pat"


async def test_a_dose_known_before_the_booking_leaves_it(world: World) -> None:
    """Whoever is eligible after a first dose books the second; hearing of the first again changes nothing."""
    member, dose_id = uuid4(), uuid4()
    await world.hear(a_dose(member, dose_id=dose_id))
    enrolment = await world.enrol("acme", member)
    [slot] = await world.open_block()
    booked = await world.booked(enrolment, slot)
    await world.hear(a_dose(member, dose_id=dose_id, version=2, action=DoseAction.UPDATE))
    assert await world.status_of(booked) == "booked"


async def test_a_retraction_heard_first_is_not_undone_by_the_dose(world: World) -> None:
    """Of two versions the higher holds, also when it comes first; nothing is written for the lower one."""
    member, _, booked = await a_booking(world)
    dose_id = uuid4()
    before = len(await world.announced())
    await world.hear(a_dose(member, dose_id=dose_id, version=2, action=DoseAction.RETRACT))
    await world.hear(a_dose(member, dose_id=dose_id, version=1))
    assert (await world.status_of(booked), len(await world.announced())) == ("booked", before)


async def test_the_dose_of_ones_own_appointment_spares_the_next_booking(world: World) -> None:
    """Eligibility's word of a dose that was given here comes after the member has booked the next one."""
    member, enrolment, first = await a_booking(world, day=0)
    await world.post(f"/appointments/{first}/fulfil", {"dose": a_given_dose()}, who="site@*")
    [slot] = await world.open_block(days=(4,))
    second = await world.booked(enrolment, slot)
    await world.hear(a_dose(member, appointment_id=UUID(first)))
    assert await world.status_of(second) == "booked"


async def test_a_dose_recorded_by_one_plans_site_ends_another_plans_booking(world: World) -> None:
    """A site that acts for Blue alone can't see Acme's booking; the dose's own news ends it."""
    member, _, booked = await a_booking(world)
    other = await world.enrol("blue", member)
    body = {"enrolment_id": str(other), "site_id": "united-center", "dose": a_given_dose()}
    walk_in = (await world.post("/walk-ins", body, who="site@blue")).json()["appointment_id"]
    assert await world.status_of(booked) == "booked"
    await world.hear(a_dose(member, appointment_id=UUID(walk_in)))
    assert await world.status_of(booked) == "cancelled:pat"


async def test_a_dose_given_here_ends_a_booking_made_meanwhile_in_another_programme(world: World) -> None:
    """Booked after the first appointment, before its dose: what counts is when the dose was given, and for which
    groups."""
    member, _, first = await a_booking(world, day=0)
    other = await world.enrol("blue", member, "il-flu")
    [slot] = await world.open_block(plan="blue", cvx=FLU)
    second = await world.booked(other, slot, tenant="blue")
    await world.post(f"/appointments/{first}/fulfil", {"dose": a_given_dose()}, who="site@acme")
    assert await world.status_of(second) == "booked"
    await world.hear(a_dose(member, appointment_id=UUID(first), groups=("covid-19", "flu")))
    assert await world.status_of(second) == "cancelled:pat"


async def test_partial_dose_cancels_nothing(world: World) -> None:
    """A dose administered in part leaves the booking; once it turns out to have been whole, it ends it."""
    member, _, appointment = await a_booking(world)
    dose = uuid4()
    await world.hear(a_dose(member, dose_id=dose).model_copy(update={"is_partial": True}))
    assert await world.status_of(appointment) == "booked"
    await world.hear(a_dose(member, dose_id=dose, version=2))
    assert await world.status_of(appointment) == "cancelled:pat"


async def test_whole_after_all_is_news(world: World) -> None:
    """A booking made between the dose in part and the word that it was whole ends, too."""
    member, dose = uuid4(), uuid4()
    await world.hear(a_dose(member, dose_id=dose).model_copy(update={"is_partial": True}))
    [slot] = await world.open_block()
    appointment = await world.booked(await world.enrol(member=member), slot)
    await world.hear(a_dose(member, dose_id=dose, version=2))
    assert await world.status_of(appointment) == "cancelled:pat"
