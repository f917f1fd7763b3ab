"""Opening weeks of slots and describing sites: what is opened makes sense, and what is promised is kept or named."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.service.scheduling.test_booking import code_of
from tests.service.scheduling.world import COVID, FLU, MONDAY, World, a_business_day, a_given_dose, a_site, a_slot

pytestmark = pytest.mark.postgres

WEEK = timedelta(days=7)
THURSDAY = MONDAY + timedelta(days=3)


async def opened(world: World, slots: list[dict[str, Any]], *, who: str = "state@*", **more: Any) -> httpx.Response:
    body = {"site_id": "united-center", "week_on": str(MONDAY), "plan": "acme", "cvx": COVID, "slots": slots,
            "new_plan": True}  # fmt: skip
    return await world.post("/blocks", body | more, who=who)


def hours(start: float, length: float, days: int = 3, capacity: int = 2) -> dict[str, Any]:
    begin = datetime(2021, 3, 15, tzinfo=UTC) + timedelta(days=days, hours=start)
    return {"start_at": begin.isoformat(), "end_at": (begin + timedelta(hours=length)).isoformat(),
            "capacity": capacity}  # fmt: skip


@pytest.mark.capability("B10")
@pytest.mark.parametrize(
    ("slots", "status", "code"),
    [
        ([hours(15, 1), hours(15, 1)], 422, "slots-overlap"),
        ([hours(15, 1), hours(15.5, 1)], 422, "slots-overlap"),
        ([hours(15, 8), hours(16, 1)], 422, "slots-overlap"),
        ([hours(15, 24 * 200)], 422, "invalid-request"),
        ([hours(15, 12.5)], 422, "invalid-request"),
        ([hours(15, 0)], 422, "invalid-request"),
        ([hours(15, 1, capacity=0)], 422, "invalid-request"),
        ([hours(15, 1, capacity=10_001)], 422, "invalid-request"),
        ([hours(15, 1), hours(16, 1)], 201, ""),
    ],
)
async def test_slots_are_windows_that_take_turns(
    world: World, slots: list[dict[str, Any]], status: int, code: str
) -> None:
    """No slot twice, no hours on top of each other, none of half a day and more; of what is refused nothing is kept."""
    answer = await opened(world, slots)
    assert (answer.status_code, code_of(answer) if code else "") == (status, code)
    async with world.everything() as connection:
        assert await connection.fetchval("select count(*) from slot") == (len(slots) if status == 201 else 0)


async def test_a_nights_slot_does_not_reach_into_the_next_week(world: World) -> None:
    """The same chairs of one plan and product are not given out twice, over blocks either; another plan's or product's
    are others."""
    sunday = {"start_at": "2021-03-22T03:00:00Z", "end_at": "2021-03-22T09:00:00Z", "capacity": 1}  # 22:00 in Chicago
    monday = {"start_at": "2021-03-22T06:00:00Z", "end_at": "2021-03-22T10:00:00Z", "capacity": 1}
    assert (await opened(world, [sunday])).status_code == 201
    after = str(MONDAY + WEEK)
    assert code_of(await opened(world, [monday], week_on=after)) == "slots-overlap"
    assert (await opened(world, [monday], week_on=after, plan="blue")).status_code == 201
    assert (await opened(world, [monday], week_on=after, cvx=FLU)).status_code == 201


@pytest.mark.parametrize(
    ("weeks", "code"), [(-1, "past-week"), (-9, "past-week"), (53, "far-week"), (52 * 3, "far-week"), (52, "")]
)
async def test_a_week_is_neither_over_nor_years_ahead(world: World, weeks: int, code: str) -> None:
    """This week and the next year's."""
    week_on = MONDAY + weeks * WEEK
    answer = await opened(world, [a_slot(week_on + timedelta(days=3))], week_on=str(week_on))
    assert (answer.status_code == 201) is (code == "")
    assert code == "" or code_of(answer) == code


async def test_a_plan_is_known_by_its_members_or_is_said_to_be_new(world: World) -> None:
    """A slip in a plan's name would hold places for nobody; the refusal heals once a member is heard of. Its own staff
    have a token that says that the plan is one."""
    slots, key = [hours(15, 1)], "same-key-of-a-block"
    body = {"site_id": "united-center", "week_on": str(MONDAY), "plan": "zenith", "cvx": COVID, "slots": slots}
    early = await world.post("/blocks", body, who="state@*", key=key)
    assert (code_of(early), early.headers["retry-after"]) == ("unknown-plan", "5")
    await world.enrol("zenith")
    assert (await world.post("/blocks", body, who="state@*", key=key)).status_code == 201
    assert (await opened(world, slots, plan="newcomer", new_plan=True)).status_code == 201
    assert (await world.post("/sites", a_site(site_id="clinic"), who="site@fresh")).status_code == 200
    own = {"site_id": "clinic", "plan": "fresh", "new_plan": False}
    assert (await opened(world, slots, who="site@fresh", **own)).status_code == 201


@pytest.mark.capability("B10")
async def test_a_block_that_is_opened_late_is_released_at_once(world: World) -> None:
    """What starts within two days is everybody's from the first moment, as if the block had been there before; the rest
    is held. A block that lies inside of the window is held for nobody."""
    near, far = a_slot(MONDAY + timedelta(days=2), 3), a_slot(THURSDAY, 5)
    answer = (await opened(world, [near, far])).json()
    assert (answer["plan"], answer["capacity"], answer["released"]) == ("acme", 8, 3)
    [told] = await world.pool_news()
    assert (told.version, told.tenant_id, told.released, told.capacity) == (1, "acme", 3, 8)
    seen = (await world.get("/slots", who="coordinator@blue")).json()
    assert [(one["slot_id"], one["held_for"]) for one in seen] == [(answer["slots"][0]["slot_id"], None)]
    await world.hear(a_business_day(MONDAY + timedelta(days=1)))
    assert [(one.version, one.tenant_id, one.released) for one in await world.pool_news()][-1] == (2, None, 8)
    assert (await opened(world, [near], cvx=FLU)).json()["released"] == 3
    assert (await world.pool_news())[-1].tenant_id is None


WEDNESDAY = MONDAY + timedelta(days=2)


@pytest.mark.parametrize(
    ("zone", "clock", "kept"),
    [
        ("America/Chicago", None, [2, 3]),  # days are simulated: today counts as to come
        ("America/Chicago", datetime(2021, 3, 17, 14, 59, tzinfo=UTC), [2, 3]),
        ("America/Chicago", datetime(2021, 3, 17, 15, tzinfo=UTC), [3]),
        ("Pacific/Honolulu", datetime(2021, 3, 18, 8, tzinfo=UTC), [3]),  # 22:00 on Wednesday there
        ("Pacific/Guam", datetime(2021, 3, 17, 14, 30, tzinfo=UTC), [2, 3]),  # 0:30 on Thursday, the slot at 1:00
    ],
)
async def test_of_a_week_that_has_begun_what_is_to_come_is_opened(
    world: World, zone: str, clock: datetime | None, kept: list[int]
) -> None:
    """Slots of past days, and of hours of today that have come by the site's own clock, are named and left out: no seat
    of theirs is counted, offered or told of."""
    assert (await world.post("/sites", a_site(zone, "far"), who="state@*")).status_code == 200
    await world.hear(a_business_day(WEDNESDAY))
    world.clock = clock
    asked = [a_slot(MONDAY + timedelta(days=n), 10 + n) for n in (0, 1, 2, 3)]
    answer = (await opened(world, asked, site_id="far", plan=None)).json()
    places = [10 + n for n in kept]
    assert [one["capacity"] for one in answer["slots"]] == places
    assert len(answer["left_out"]) == 4 - len(kept)
    assert datetime.fromisoformat(answer["left_out"][0]["start_at"]) == datetime(2021, 3, 15, 15, tzinfo=UTC)
    [told] = await world.pool_news()
    assert (answer["capacity"], told.capacity) == (sum(places), sum(places))
    listed = (await world.get("/slots?site=far", who="site@*")).json()
    assert [one["capacity"] for one in listed] == places


@pytest.mark.parametrize("who", ["state@*", "site@acme"])
async def test_a_block_of_nothing_to_come_is_none(world: World, who: str) -> None:
    """Of this week as of a past one; the week may be opened with the rest of it after that."""
    assert (await world.post("/sites", a_site(site_id="ours"), who="site@acme")).status_code == 200
    await world.hear(a_business_day(WEDNESDAY))
    gone, to_come = hours(15, 1, days=1), hours(15, 1, days=4)
    refused = await opened(world, [gone], who=who, site_id="ours")
    assert (refused.status_code, code_of(refused)) == (409, "past-slot")
    async with world.everything() as connection:
        assert await connection.fetchval("select count(*) from slot") == 0
    assert (await opened(world, [gone, to_come], who=who, site_id="ours")).json()["capacity"] == 2


async def test_past_hours_take_no_turns_from_a_block_beside(world: World) -> None:
    """A night's slot that is over and is left out is on nobody's chairs."""
    await world.hear(a_business_day(MONDAY + WEEK))
    world.clock = datetime(2021, 3, 22, 12, tzinfo=UTC)
    over, later = hours(6, 4, days=7), hours(15, 1, days=7)
    assert (await opened(world, [over, later], week_on=str(MONDAY + WEEK))).json()["capacity"] == 2


async def test_a_block_opened_again_takes_nobodys_seat(world: World) -> None:
    """The week that was opened before stays as it was opened, with who is booked and who came on days that are over:
    opened once more in its middle it is refused, and both are told as they were."""
    monday, friday = await world.open_block(days=(0, 4), plan=None)
    came, booked = [await world.booked(await world.enrol(), slot) for slot in (monday, friday)]
    assert (await world.post(f"/appointments/{came}/fulfil", {"dose": a_given_dose()}, who="site@*")).status_code == 200
    told = (await world.pool_news())[-1]
    await world.hear(a_business_day(WEDNESDAY))
    again = await opened(world, [hours(15, 0.5, days=0), hours(15, 0.5, days=4)], plan=None)
    assert code_of(again) == "block-exists"
    assert [await world.status_of(one) for one in (came, booked)] == ["fulfilled", "booked"]
    assert (await world.pool_news())[-1] == told
    assert (told.capacity, told.booked, told.fulfilled) == (6, 1, 1)


async def test_a_dose_of_a_product_withdrawn_since_is_recorded(world: World) -> None:
    """Who came before the product was withdrawn got it: the booking that promised it can be fulfilled, and nothing of
    another vaccine or product."""
    monday, friday = await world.open_block(days=(0, 4), plan=None)
    came, to_come = [await world.booked(await world.enrol(), slot) for slot in (monday, friday)]
    left_out = a_site() | {"gives": [{"cvx": FLU, "vaccine_group": "flu"}], "withdraw": True}
    assert (await world.post("/sites", left_out, who="state@*")).status_code == 200
    for cvx, code in (("207", "not-given-here"), (FLU, "other-vaccine")):
        answer = await world.post(f"/appointments/{came}/fulfil", {"dose": a_given_dose(cvx)}, who="site@*")
        assert code_of(answer) == code
    assert (await world.post(f"/appointments/{came}/fulfil", {"dose": a_given_dose()}, who="site@*")).status_code == 200
    assert await world.status_of(to_come) == "booked"


async def test_where_days_are_simulated_nobody_goes_behind_the_open_one(world: World) -> None:
    """A request that says an hour of yesterday opens and takes no seat of yesterday."""
    monday, _ = await world.open_block(days=(0, 4), plan=None)
    await world.hear(a_business_day(MONDAY + timedelta(days=1)))
    early = {"occurred_at": "2021-03-15T09:00:00Z"}
    body = {"enrolment_id": str(await world.enrol()), "slot_id": str(monday)}
    assert code_of(await world.post("/appointments", body | early)) == "past-slot"
    answer = (await opened(world, [hours(15, 1, days=0), hours(15, 1, days=1)], plan="acme", **early)).json()
    assert len(answer["left_out"]) == 1


@pytest.mark.parametrize("plan", ["acme", "blue", None])
async def test_a_plans_site_staff_open_nothing_at_anothers_site(world: World, plan: str | None) -> None:
    """Neither at another plan's nor at the State's, and at their own for their own plan only."""
    for who, site_id in (("site@acme", "ours"), ("site@blue", "theirs")):
        assert (await world.post("/sites", a_site(site_id=site_id), who=who)).status_code == 200
    codes = [
        (await opened(world, [hours(15, 1)], who="site@acme", site_id=site_id, plan=plan)).status_code
        for site_id in ("united-center", "theirs", "ours")
    ]
    assert codes == [403, 403, 201 if plan == "acme" else 403]


async def test_a_product_left_out_names_the_blocks_that_this_breaks(world: World) -> None:
    """Refused while blocks to come offer it, with each block and its live bookings, of all plans; withdrawn, it ends:
    named once more, nobody books there, and the bookings stay for somebody to move or cancel."""
    [slot] = await world.open_block(days=(3,), plan=None)
    flu = await world.open_block(days=(3,), plan="blue", cvx=FLU)
    booked = await world.booked(await world.enrol(), slot)
    await world.booked(await world.enrol("blue"), slot, tenant="blue")
    left_out = a_site() | {"gives": [{"cvx": FLU, "vaccine_group": "flu"}]}
    refused = await world.post("/sites", left_out, who="state@*")
    assert (refused.status_code, code_of(refused)) == (409, "product-in-use")
    [block] = refused.json()["blocks"]
    assert (block["cvx"], block["week_on"], block["bookings"]) == (COVID, str(MONDAY), 2)
    assert len((await world.get("/slots", who="site@*")).json()) == 2
    done = await world.post("/sites", left_out | {"withdraw": True}, who="state@*")
    assert (done.status_code, done.json()["broken"]) == (200, [block])
    assert [one["slot_id"] for one in (await world.get("/slots", who="site@*")).json()] == [str(flu[0])]
    assert code_of(await world.book(await world.enrol(), slot)) == "not-given-here"
    assert await world.status_of(booked) == "booked"
    again = await world.post("/sites", left_out | {"name": "The Stadium"}, who="state@*")
    assert (again.status_code, again.json()["broken"]) == (200, [])


async def test_a_product_of_another_vaccine_breaks_its_blocks_too(world: World) -> None:
    """A product described for another vaccine is no longer what its blocks promise; over blocks may change."""
    combined, other = (a_site() | {"gives": [{"cvx": "110", "vaccine_group": group}]} for group in ("hepb", "polio"))
    assert (await world.post("/sites", combined, who="state@*")).status_code == 200
    await world.open_block(days=(1,), plan=None, cvx="110")
    assert code_of(await world.post("/sites", other, who="state@*")) == "product-in-use"
    await world.hear(a_business_day(MONDAY + timedelta(days=2)))
    assert (await world.post("/sites", other, who="state@*")).status_code == 200


async def test_a_product_is_named_once(world: World) -> None:
    """Twice with two vaccines would leave open which of them it is for."""
    gives = [{"cvx": COVID, "vaccine_group": group} for group in ("covid-19", "flu")]
    assert (await world.post("/sites", a_site(site_id="twice") | {"gives": gives}, who="state@*")).status_code == 422


@pytest.mark.parametrize(("name", "kept"), [("", None), (" \t ", None), (" Navy Pier ", "Navy Pier")])
async def test_a_site_has_a_name(world: World, name: str, kept: str | None) -> None:
    """Blanks are none, and are not kept around one."""
    answer = await world.post("/sites", a_site(site_id="navy-pier") | {"name": name}, who="state@*")
    assert answer.json().get("name") == kept
    assert answer.status_code == (200 if kept else 422)
