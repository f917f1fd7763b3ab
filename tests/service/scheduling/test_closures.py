"""A clinic is closed: nobody books there any more, and who was booked is told so."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from tests.service.scheduling.test_booking import code_of
from tests.service.scheduling.world import MONDAY, World, a_business_day, a_site

pytestmark = pytest.mark.postgres

WEDNESDAY = MONDAY + timedelta(days=2)
OPENER = "site@*/united-center"


async def close(world: World, expected: int | None = None, *, who: str = OPENER, **said: Any) -> httpx.Response:
    """Without a number a dry run."""
    asked = {"dry_run": True} if expected is None else {"expected": expected}
    what = {} if "block_id" in said else {"closed_on": str(WEDNESDAY)}
    return await world.post("/sites/united-center/closures", what | {"reason": "oth-weath"} | asked | said, who=who)


async def filled(world: World, slot: UUID, members: int) -> list[str]:
    return [await world.booked(await world.enrol(), slot) for _ in range(members)]


async def test_a_dry_run_says_who_and_changes_nothing(world: World) -> None:
    """It names the bookings of that day alone, and tells nobody anything."""
    [wednesday, thursday] = await world.open_block(days=(2, 3))
    booked = await filled(world, wednesday, 2)
    await filled(world, thursday, 1)
    told = len(await world.announced())
    answer = await close(world)
    assert (answer.status_code, answer.json()["closure_id"], answer.json()["bookings"]) == (200, None, 2)
    assert sorted(answer.json()["cancelled"]) == sorted(booked)
    assert len(await world.announced()) == told
    await filled(world, wednesday, 1)


async def test_a_day_that_is_closed_ends_its_bookings_with_the_reason(world: World) -> None:
    """Each is told as cancelled for the site's reason and by no rule, its place is free again, and nobody gets it."""
    [wednesday, thursday] = await world.open_block(days=(2, 3))
    booked = await filled(world, wednesday, 2)
    [kept] = await filled(world, thursday, 1)
    answer = await close(world, 2)
    assert (answer.status_code, sorted(answer.json()["cancelled"])) == (201, sorted(booked))
    told = (await world.appointment_news())[3:]
    assert {(str(one.appointment_id), one.status, one.cancellation_reason, one.by_rule) for one in told} == {
        (one, "cancelled", "oth-weath", False) for one in booked
    }
    assert await world.status_of(kept) == "booked"
    assert code_of(await world.book(await world.enrol(), wednesday)) == "closed"
    assert [slot["slot_id"] for slot in (await world.get("/slots")).json()] == [str(thursday)]
    moved = await world.post(f"/appointments/{kept}/reschedule", {"slot_id": str(wednesday)})
    assert code_of(moved) == "closed"


async def test_a_block_is_closed_alone(world: World) -> None:
    """Another product's or plan's block of the same day goes on."""
    [ours] = await world.open_block()
    [others] = await world.open_block(plan="blue")
    [booked] = await filled(world, ours, 1)
    async with world.everything() as connection:
        block = await connection.fetchval("select block_id from slot where slot_id = $1", ours)
    assert (await close(world, 1, block_id=str(block))).status_code == 201
    assert await world.status_of(booked) == "cancelled:oth-weath"
    await world.booked(await world.enrol("blue"), others, tenant="blue")


async def test_who_booked_since_the_dry_run_stops_it(world: World) -> None:
    """The number of bookings is another one: nothing is done, and the number now is told."""
    [slot] = await world.open_block()
    [booked] = await filled(world, slot, 1)
    expected = (await close(world)).json()["bookings"]
    await filled(world, slot, 1)
    refused = await close(world, expected)
    assert (code_of(refused), refused.json()["bookings"]) == ("others-booked", 2)
    assert await world.status_of(booked) == "booked"


async def test_who_has_come_is_left_to_the_site(world: World) -> None:
    """A member who stands at the desk is named and not sent away by it."""
    [slot] = await world.open_block()
    came, absent = await filled(world, slot, 2)
    await world.hear(a_business_day(WEDNESDAY))
    await world.post(f"/appointments/{came}/check-in", who=OPENER)
    answer = (await close(world, 2)).json()
    assert (answer["cancelled"], answer["at_the_site"]) == ([absent], [came])
    assert await world.status_of(came) == "booked"


@pytest.mark.parametrize("said", [{"closed_on": str(MONDAY - timedelta(days=1))}, {"closed_on": "2021-03-20"}])
async def test_what_is_over_or_was_never_open_is_not_closed(world: World, said: dict[str, str]) -> None:
    """There is nothing to come of it."""
    await world.open_block()
    assert code_of(await close(world, 0, **said)) == "nothing-to-close"


async def test_a_closed_day_is_closed_once(world: World) -> None:
    """Asked for again, there is nothing left to close."""
    await world.open_block()
    assert (await close(world, 0)).status_code == 201
    assert code_of(await close(world, 0)) == "nothing-to-close"


async def test_a_day_that_is_opened_again_is_booked_again(world: World) -> None:
    """Its slots are free again, once; what was cancelled stays so; another site has no such closure."""
    await world.post("/sites", a_site(site_id="navy-pier"), who="state@*")
    [slot] = await world.open_block(capacity=1)
    [off] = await filled(world, slot, 1)
    closure = (await close(world, 1)).json()["closure_id"]
    answers = [
        await world.post(f"/sites/{site}/closures/{closure}/reopening", who="site@*")
        for site in ("navy-pier", "united-center", "united-center")
    ]
    assert [answer.status_code for answer in answers] == [404, 200, 404]
    await filled(world, slot, 1)
    assert await world.status_of(off) == "cancelled:oth-weath"


@pytest.mark.parametrize(
    ("who", "status", "code"),
    [
        ("coordinator@acme", 403, ""),
        ("vaccinator@*/united-center", 403, ""),
        ("site@acme/united-center", 403, "other-tenant"),
        ("site@*/navy-pier", 404, "unknown-site"),
    ],
)
async def test_who_runs_the_site_for_all_closes_it(world: World, who: str, status: int, code: str) -> None:
    """Neither a plan's worker, nor who gives doses, nor a plan's own site staff, for others have bookings there; to
    another site's staff there is no such site."""
    await world.post("/sites", a_site(site_id="navy-pier"), who="state@*")
    await world.open_block()
    answer = await close(world, 0, who=who)
    assert answer.status_code == status
    assert code in {"", code_of(answer)}


@pytest.mark.parametrize(
    "said",
    [
        {"closed_on": None},
        {"reason": "pat"},
        {"dry_run": False},
        {"block_id": str(UUID(int=1)), "closed_on": str(MONDAY)},
    ],
)
async def test_a_closure_says_what_it_means(world: World, said: dict[str, Any]) -> None:
    """A day or a block, a reason of the site's own, and a dry run or a number."""
    assert (await close(world, **said)).status_code == 422


async def test_bookings_and_a_closure_at_once_leave_nobody_behind(world: World) -> None:
    """However they meet, whoever got a seat is either cancelled by the closure or stops it."""
    [slot] = await world.open_block(capacity=20)
    await filled(world, slot, 3)
    members = [await world.enrol() for _ in range(8)]
    results = await asyncio.gather(close(world, 3), *(world.book(one, slot) for one in members))
    closure, booked = results[0], [one for one in results[1:] if one.status_code == 201]
    live = len([one for one in await statuses(world) if one == "booked"])
    if closure.status_code == 201:
        assert live == 0, "somebody has a seat on a closed day"
    else:
        assert (code_of(closure), live) == ("others-booked", 3 + len(booked))
        assert (await close(world, live)).status_code == 201
    assert "booked" not in await statuses(world)


async def statuses(world: World) -> list[str]:
    async with world.everything() as connection:
        return [row["status"] for row in await connection.fetch("select status from appointment")]
