"""Two plans' members are joined, booked and vaccinated as one, and are two again: in every service, over the bus."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.bodies import Json, a_dose
from tests.flow.feeds import Member, a_member, a_roster
from tests.flow.world import World

pytestmark = [pytest.mark.slow, pytest.mark.kafka, pytest.mark.postgres, pytest.mark.timeout(400)]
PERSONS = "select count(distinct person_token) from person where member_token = any($1::uuid[])"


async def decide(world: World, pair: Json, decision: str) -> None:
    asker = world.ask("eligibility", "operator")
    body = {"decision": decision, "reason": "both plans were asked"}
    status, answer = await asker.post(f"/possibly-one/{pair['pair_id']}/decision", world.key(), body)
    assert status == 200, answer
    await world.settle()


async def pair_of(world: World, one: Member, other: Member) -> Json:
    """The two that wait, with their tokens."""
    tokens = {(await world.answer_for(member))["member"]["member_token"] for member in (one, other)}
    page = await world.ask("eligibility", "operator").get("/possibly-one")
    [pair] = [pair for pair in page["pairs"] if set(pair["members"]) == tokens]
    return dict(pair)


async def test_what_was_done_as_one_is_each_ones_own_again(world: World) -> None:
    """Joined, the one plan's visit closes the other's case as well; withdrawn, dose, booking and attempt are of the
    member for whom they were made, the other one is called again, and two are counted."""
    today = await world.today()
    one = a_member()
    other = replace(one, member_id=f"P{one.member_id}", plan="PRAIRIE", registry_id="")
    for member in (one, other):
        await world.news(a_roster(today, member))
    pair = await pair_of(world, one, other)
    await decide(world, pair, "one-person")
    slot = await world.open_slot(today, plan="prairie")
    later = await world.open_slot(today + timedelta(days=1))
    assert (await world.log_attempt(other, "booked"))[0] == 201
    _, given = await world.book(other, slot)
    site = world.ask("scheduling", "site")
    fulfilled = f"/appointments/{given['appointment_id']}/fulfil"
    assert (await site.post(fulfilled, world.key(), {"dose": a_dose(today)}))[0] == 200
    await world.settle()
    for member in (one, other):
        case = await world.case_of(member)
        assert case is not None
        assert case["closed_reason"] == "vaccinated"
    await decide(world, pair, "withdraw")
    mine, his = await world.answer_for(one), await world.answer_for(other)
    assert {mine["member"]["member_token"], his["member"]["member_token"]} == set(pair["members"])
    assert (mine["status"], his["status"]) == ("eligible", "ineligible")
    case = await world.case_of(one)
    assert case is not None
    assert (case["status"], case["history"]) == ("open", [])
    status, booked = await world.book(one, later)
    assert (status, booked["member_token"]) == (201, mine["member"]["member_token"])
    await world.settle()
    for service in ("outreach", "scheduling"):
        [persons] = await world.rows(service, PERSONS, pair["members"])
        assert persons["count"] == 2
    doses = "select member_token::text from dose where member_token = any($1::uuid[]) and action <> 'retract'"
    assert await world.rows("reporting", doses, pair["members"]) == [{"member_token": his["member"]["member_token"]}]
