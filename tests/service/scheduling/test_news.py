"""What the news of other services does to bookings, in whichever order it comes."""

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from itertools import count, permutations
from time import perf_counter
from typing import Any
from uuid import uuid4

import pytest

from schemas.eligibility_v1 import DoseAction
from schemas.envelope import Event
from services.kit.audit_for_plans import load_for_all
from services.kit.audit_search import names_of
from services.scheduling.appointments.store import NAMES_FOR_PLANS, NAMES_IN_TRAIL
from tests.service.scheduling.world import (
    FLU,
    MONDAY,
    World,
    a_booking,
    a_business_day,
    a_dose,
    a_fact,
    a_merge,
    a_programme,
    a_site,
)

pytestmark = pytest.mark.postgres

TUESDAY, WEDNESDAY = MONDAY + timedelta(days=1), MONDAY + timedelta(days=2)


async def test_a_programme_that_ran_earlier_settles_what_waited_for_it(world: World) -> None:
    """A dose given before the programme began says nothing; once a version is heard that ran already then, the dose
    ends the booking, in whichever order the two come."""
    [slot] = await world.open_block(days=(4,), plan=None)
    ends = []
    for number, news in enumerate(permutations(("dose", "programme"))):
        programme, member = f"il-later-{number}", uuid4()
        await world.hear(a_programme(programme, began_on=WEDNESDAY))
        booked = await world.booked(await world.enrol("acme", member, programme), slot)
        for name in news:
            earlier = a_programme(programme, began_on=MONDAY, version=2)
            await world.hear(a_dose(member, on=TUESDAY) if name == "dose" else earlier)
            ends.append(await world.status_of(booked))
    assert ends == ["booked", "cancelled:pat"] * 2


async def test_a_booking_of_a_past_day_is_left_to_the_site(world: World) -> None:
    """Nobody cancels what has happened: the dose may have been given there."""
    member, _, booked = await a_booking(world, day=1)
    await world.hear(a_business_day(WEDNESDAY))
    await world.hear(a_dose(member))
    assert await world.status_of(booked) == "booked"


@pytest.mark.parametrize(
    ("change", "after"),
    [
        ({"reasons": ["deceased"], "enrolled": False}, "cancelled:pat-dec"),
        ({"enrolled": False}, "cancelled:pat-mt"),
        ({"vaccinated": True}, "cancelled:pat"),
        ({"reasons": ["area-not-vulnerable"]}, "booked"),
    ],
)
async def test_ineligibility_ends_a_booking_when_the_visit_is_pointless(
    world: World, change: dict[str, Any], after: str
) -> None:
    """Death, departure and a dose do; a new cut-off does not break a promise that was given."""
    member, enrolment, booked = await a_booking(world)
    fact = a_fact(enrolment, member, version=2, eligible=False, **change)
    await world.hear(fact, a_fact(enrolment, member))
    assert await world.status_of(booked) == after


async def test_news_that_change_nothing_write_nothing(world: World) -> None:
    """The same facts again, older ones, a retraction, an old merge: not one row in the outbox, no new version."""
    member, enrolment, booked = await a_booking(world)
    gone = uuid4()
    dose = a_dose(gone)
    news: Sequence[Event] = (a_fact(enrolment, member, version=3), a_merge(gone, member), dose)
    await world.hear(*news)
    before = await world.announced()
    await world.hear(*news, a_fact(enrolment, member, version=2), a_business_day(MONDAY))
    await world.hear(a_dose(gone, dose_id=dose.dose_id, version=2, action=DoseAction.RETRACT))
    assert await world.announced() == before
    assert await world.status_of(booked) in {"booked", "cancelled:pat"}


async def test_a_merged_persons_booking_goes_to_the_survivor(world: World) -> None:
    """It keeps its place under the surviving token; through a chain of merges, to the last."""
    retired, _, booked = await a_booking(world)
    middle, last = uuid4(), uuid4()
    await world.hear(a_merge(middle, last))
    await world.hear(a_merge(retired, middle))
    told = (await world.appointment_news())[-1]
    assert (str(told.appointment_id), told.member_token, told.version, told.status) == (booked, last, 2, "booked")
    assert (await world.pool_news())[-1].booked == 1
    await world.hear(a_dose(retired))
    assert await world.status_of(booked) == "cancelled:pat"


async def test_two_bookings_of_one_person_become_one(world: World) -> None:
    """When the survivor has a booking of its own, the other one was an error."""
    retired, _, lost = await a_booking(world)
    survivor, _, kept = await a_booking(world, day=3, tenant="blue")
    await world.hear(a_merge(retired, survivor))
    assert (await world.status_of(lost), await world.status_of(kept)) == ("cancelled:oth-err", "booked")


async def test_the_survivors_cancelled_booking_makes_room_for_the_moved_one(world: World) -> None:
    """One batch ends the survivor's booking (their plan let them go) and moves the other under their token."""
    retired, _, moved = await a_booking(world)
    survivor, enrolment, ended = await a_booking(world, day=3, tenant="blue")
    left = a_fact(enrolment, survivor, version=2, tenant="blue", eligible=False, enrolled=False)
    await world.hear(left, a_merge(retired, survivor))
    assert (await world.status_of(ended), await world.status_of(moved)) == ("cancelled:pat-mt", "booked")


@pytest.mark.slow
async def test_any_order_of_the_news_ends_alike(world: World) -> None:
    """A merge, the retired fact, the restated fact of each person and a dose, in each of their orders: the same
    appointment is cancelled for the same reason, and the same member is left without a live booking."""
    ends = set()
    for order in permutations(range(4)):
        retired, old, first = await a_booking(world)
        survivor, _, second = await a_booking(world, day=3, tenant="blue")
        news = [
            a_fact(old, retired, version=2, eligible=False, merged_into=survivor),
            a_fact(old, survivor, version=3, eligible=False, vaccinated=True),
            a_merge(retired, survivor),
            a_dose(survivor),
        ]
        for i in order:
            await world.hear(news[i])
        ends.add((await world.status_of(first) != "booked", await world.status_of(second)))
        await world.check()
    assert ends == {(True, "cancelled:pat")}


async def test_a_booking_waits_for_the_restated_fact_of_a_merged_person(world: World) -> None:
    """Between the merge and the restatement nothing is known of the enrolment; afterwards the survivor is booked."""
    retired, survivor, [slot] = uuid4(), uuid4(), await world.open_block()
    enrolment = await world.enrol("acme", retired)
    await world.hear(a_fact(enrolment, retired, version=2, eligible=False, merged_into=survivor))
    assert (await world.book(enrolment, slot)).json()["type"].endswith("unknown-enrolment")
    await world.hear(a_fact(enrolment, survivor, version=3))
    assert (await world.book(enrolment, slot)).json()["member_token"] == str(survivor)


@pytest.mark.parametrize("order", list(permutations(range(2))))
@pytest.mark.parametrize("is_booked_meanwhile", [False, True])
async def test_a_booking_goes_back_with_its_enrolment(
    world: World, is_booked_meanwhile: bool, order: tuple[int, ...]
) -> None:
    """Two who were one are two again: each booking is for whoever its enrolment stands for, whether it was made before
    or meanwhile, and whether the split or the restated fact is heard first; the other one's dose ends it no more."""
    survivor, retired, [slot] = uuid4(), uuid4(), await world.open_block()
    await world.enrol("blue", survivor)
    enrolment = await world.enrol("acme", retired)
    booked = None if is_booked_meanwhile else (await world.book(enrolment, slot)).json()["appointment_id"]
    await world.hear(a_merge(retired, survivor, 1), a_fact(enrolment, survivor, version=2))
    booked = booked or (await world.book(enrolment, slot)).json()["appointment_id"]
    assert (await world.appointment_news())[-1].member_token == survivor
    news: Sequence[Event] = (a_merge(retired, survivor, 2, is_split=True), a_fact(enrolment, retired, version=3))
    for i in order:
        await world.hear(news[i])
    told = (await world.appointment_news())[-1]
    assert (str(told.appointment_id), told.member_token, told.status) == (booked, retired, "booked")
    await world.hear(a_dose(survivor))
    assert await world.status_of(booked) == "booked"
    await world.hear(a_dose(retired))
    assert await world.status_of(booked) == "cancelled:pat"


async def test_days_never_go_back(world: World) -> None:
    """A day that comes late opens nothing."""
    await world.hear(a_business_day(WEDNESDAY))
    await world.open_block(days=(4,))
    before = await world.announced()
    await world.hear(a_business_day(TUESDAY))
    assert await world.announced() == before


@pytest.mark.slow
async def test_a_batch_costs_what_a_few_facts_alone_do(world: World) -> None:
    """Of new facts, changed facts and doses, with bookings among the members, a thousand in one batch take less than
    forty do one by one."""
    [slot] = await world.open_block(capacity=100)
    members = [uuid4() for _ in range(1000)]
    version = count(1)
    costs = {"new": await alone_and_together(world, lambda: [a_fact(uuid4(), uuid4()) for _ in range(1000)])}
    await world.hear(*(a_fact(member, member, version=next(version)) for member in members))
    for member in members[::20]:
        await world.booked(member, slot)
    costs["changed"] = await alone_and_together(
        world, lambda: [a_fact(member, member, version=next(version)) for member in members]
    )
    costs["doses"] = await alone_and_together(world, lambda: [a_dose(member) for member in members])
    assert all(together_s < 40 * alone_s for alone_s, together_s in costs.values()), costs
    async with world.everything() as connection:
        assert await connection.fetchval("select count(*) from appointment where status = 'booked'") == 0


async def alone_and_together(world: World, batch: Callable[[], list[Event]]) -> tuple[float, float]:
    """Seconds of one fact by itself and of a thousand at once: the median and the best, for the machine has other work,
    too."""
    alone = [await took_s(world, [event]) for event in batch()[:9]]
    return sorted(alone)[4], min([await took_s(world, batch()) for _ in range(3)])


async def took_s(world: World, events: Sequence[Event]) -> float:
    began = perf_counter()
    await world.hear(*events)
    return perf_counter() - began


async def test_one_business_day_for_every_programme_and_site(world: World) -> None:
    """The day that the clock opened is the day of a site in another time zone, too."""
    library = a_site("America/Los_Angeles", "library")
    assert (await world.post("/sites", library, who="state@*")).status_code == 200
    [slot] = await world.open_block(days=[0], site_id="library")
    await world.hear(a_business_day(TUESDAY))
    refused = await world.book(await world.enrol(), slot)
    assert refused.json()["type"] == "urn:vcc:problem:past-slot"


async def test_version_holds_from_its_day_on(world: World) -> None:
    """A version announced before it takes effect changes no booking; when its day opens, its vaccine is what is
    booked."""
    [covid, later] = await world.open_block(days=[1, 5])
    [flu] = await world.open_block(days=[5], cvx=FLU)
    await world.hear(a_programme(group="flu", began_on=WEDNESDAY, version=2))
    await world.booked(await world.enrol(), covid)
    await world.hear(a_business_day(WEDNESDAY))
    refused = await world.book(await world.enrol(), later)
    assert refused.json()["type"] == "urn:vcc:problem:other-vaccine"
    await world.booked(await world.enrol(), flu)


async def test_versions_and_days_in_any_order(world: World) -> None:
    """Whether the day or the version comes first, the same version holds, and the campaign began with the first."""
    news = [
        a_programme(version=2, group="flu", began_on=WEDNESDAY),
        a_programme(version=3, group="zoster", began_on=WEDNESDAY + timedelta(days=1)),
        a_business_day(WEDNESDAY),
        a_programme(version=4, group="covid-19", began_on=TUESDAY),
    ]
    found = set()
    for order in permutations(news):
        async with world.everything() as connection:
            await connection.execute("truncate programme, programme_version, business_day")
        await world.hear(a_business_day(MONDAY), a_programme(), *order)
        async with world.everything() as connection:
            row = await connection.fetchrow("select version, vaccine_group, began_on from programme")
        found.add(tuple(row))
    assert found == {(2, "flu", date(2021, 1, 4))}


async def test_the_trail_names_a_person_in_many_ways(world: World) -> None:
    """Whichever of his tokens is asked for: all of them, his enrolments and his appointments, and of nobody else's."""
    retired, enrolment, booked = await a_booking(world)
    surviving = uuid4()
    kept, other = await world.enrol("acme", surviving), await a_booking(world, day=3)
    await world.hear(a_merge(retired, surviving))
    async with world.everything() as connection:
        for token in (retired, surviving):
            names = await names_of(connection, NAMES_IN_TRAIL, token)
            assert names == sorted(map(str, (retired, surviving, enrolment, kept, booked)))
        assert not set(map(str, other)) & set(names)


async def test_a_plan_is_named_its_own_ids_alone(world: World) -> None:
    """By which its auditor finds who looked for all plans: its bookings and enrolments; no token, which may be another
    plan's, and nothing where it does not have the member."""
    retired, enrolment, booked = await a_booking(world)
    surviving = uuid4()
    kept = await world.enrol("globex", surviving)
    await world.hear(a_merge(retired, surviving))
    async with world.everything() as connection:
        expected = {"acme": {str(enrolment), booked}, "globex": {str(kept)}, "third": set[str]()}
        for name, ids in expected.items():
            found = await load_for_all(connection, NAMES_FOR_PLANS, name, retired)
            assert ({one.subject for one in found.names} if found else set()) == ids
