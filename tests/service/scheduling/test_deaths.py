"""What a death does, one that is declared, one that is reported, and one that was none."""

from datetime import datetime, timedelta
from itertools import permutations
from typing import Any
from uuid import UUID, uuid4

import pytest

from schemas.envelope import Event
from schemas.outreach_v1 import Disposition
from tests.service.scheduling.test_booking import code_of
from tests.service.scheduling.world import MONDAY, NOW, World, a_fact, a_given_dose, a_retraction, an_attempt

pytestmark = pytest.mark.postgres


class Member:
    """Somebody with a booking for Wednesday, whose news count up."""

    def __init__(self, world: World) -> None:
        self.world, self.enrolment, self.member_token, self.version = world, uuid4(), uuid4(), 0

    async def booked(self) -> "Member":
        await self.hear()
        self.wednesday, self.friday = await self.world.open_block(days=(2, 4), plan=None)
        self.appointment = await self.world.booked(self.enrolment, self.wednesday)
        return self

    async def hear(self, *, weighed: datetime | None = None, **says: Any) -> None:
        self.version += 1
        fact = a_fact(self.enrolment, self.member_token, version=self.version, weighed=weighed, **says)
        await self.world.hear(fact)

    async def code_of_a_move(self) -> str:
        path, body = f"/appointments/{self.appointment}/reschedule", {"slot_id": str(self.friday)}
        answer = await self.world.post(path, body)
        return "moved" if answer.status_code == 200 else code_of(answer)

    async def flag(self) -> bool:
        answer = (await self.world.get(f"/appointments/{self.appointment}")).json()
        assert answer["status"] == "booked"
        return bool(answer["death_reported"])


@pytest.fixture
async def member(world: World) -> Member:
    return await Member(world).booked()


async def test_a_workers_report_pauses_and_flags_until_eligibility_decides(world: World, member: Member) -> None:
    """No new seat and no other one, at once; the booking stays, and whoever looks at it is told. An older answer of
    eligibility decides nothing; the one that has weighed the report and set it aside ends the pause."""
    await world.hear(an_attempt(member.member_token))
    assert (await member.code_of_a_move(), await member.flag()) == ("death-reported", True)
    [listed] = (await world.get(f"/appointments?site=united-center&on={MONDAY + timedelta(days=2)}")).json()
    assert listed["death_reported"]
    await member.hear(weighed=NOW - timedelta(seconds=1))
    assert await member.code_of_a_move() == "death-reported"
    await member.hear(weighed=NOW, eligible=False, reasons=["death-reported"])
    assert (await member.code_of_a_move(), await member.flag()) == ("death-reported", True)
    await member.hear(weighed=NOW)
    assert (await member.flag(), await member.code_of_a_move()) == (False, "moved")


async def test_a_declared_death_ends_the_booking_with_its_reason(world: World, member: Member) -> None:
    """By rule and not by anybody, so that who hears of it can tell the case."""
    await world.hear(an_attempt(member.member_token))
    await member.hear(weighed=NOW, eligible=False, reasons=["deceased"])
    told = (await world.appointment_news())[-1]
    assert (told.status, told.cancellation_reason, told.by_rule) == ("cancelled", "pat-dec", True)


async def test_an_undone_death_books_nothing_again(world: World, member: Member) -> None:
    """What was cancelled stays cancelled and may be booked anew by somebody who asks the member."""
    await member.hear(eligible=False, reasons=["deceased"])
    before = len(await world.appointment_news())
    await member.hear()
    assert (await world.status_of(member.appointment), len(await world.appointment_news())) == (
        "cancelled:pat-dec", before,
    )  # fmt: skip
    assert (await world.book(member.enrolment, member.friday)).status_code == 201


async def test_a_report_in_error_pauses_nobody(world: World, member: Member) -> None:
    """The attempt was entered in error, or corrected: the pause ends with its retraction, whichever is heard first."""
    for order in permutations(range(2)):
        attempt = an_attempt(member.member_token)
        news: tuple[Event, ...] = (attempt, a_retraction(attempt, member=uuid4()))
        for i in order:
            await world.hear(news[i])
        assert not await member.flag()
    await world.hear(an_attempt(member.member_token, Disposition.NO_ANSWER))
    assert await member.code_of_a_move() == "moved"


async def test_two_reports_are_taken_back_one_by_one(world: World, member: Member) -> None:
    """One of them in error leaves the other, also when all come in one batch."""
    first, second = an_attempt(member.member_token), an_attempt(member.member_token)
    await world.hear(first, second, a_retraction(first))
    assert await member.code_of_a_move() == "death-reported"


@pytest.mark.parametrize("who", ["site@*", "coordinator@acme"])
async def test_a_cancellation_for_death_is_a_report(world: World, member: Member, who: str) -> None:
    """Said by a person, so that eligibility weighs it; until then the person gets no other seat."""
    at = NOW.isoformat()
    path = f"/appointments/{member.appointment}/cancel"
    assert (await world.post(path, {"reason": "pat-dec", "occurred_at": at}, who=who)).status_code == 200
    told = (await world.appointment_news())[-1]
    assert (told.cancellation_reason, told.by_rule, told.occurred_at) == ("pat-dec", False, NOW)
    assert code_of(await world.book(member.enrolment, member.friday)) == "death-reported"
    await member.hear(weighed=NOW)
    assert (await world.book(member.enrolment, member.friday)).status_code == 201


async def test_another_cancellation_reports_nothing(world: World, member: Member) -> None:
    """Who cancels because of a long wait may book again at once."""
    await world.post(f"/appointments/{member.appointment}/cancel", {"reason": "pat-lt"})
    assert (await world.book(member.enrolment, member.friday)).status_code == 201


async def test_a_report_by_one_plans_worker_counts_for_another_plan(world: World, member: Member) -> None:
    """The person is paused, not the enrolment."""
    other = await world.enrol("blue", member.member_token)
    await world.post(f"/appointments/{member.appointment}/cancel", {"reason": "pat"})
    await world.hear(an_attempt(member.member_token))
    assert code_of(await world.book(other, member.friday, tenant="blue")) == "death-reported"


async def test_who_was_said_to_be_dead_and_comes_is_recorded(world: World, member: Member) -> None:
    """A dose is a fact, whatever was reported: the walk-in goes in, and ends the booking whose need it met."""
    await world.hear(an_attempt(member.member_token))
    body = {"enrolment_id": str(member.enrolment), "site_id": "united-center", "dose": a_given_dose()}
    assert (await world.post("/walk-ins", body, who="site@*")).status_code == 201
    assert await world.status_of(member.appointment) == "cancelled:pat"
    told = {one.appointment_id: one.by_rule for one in await world.appointment_news()}
    assert told[UUID(member.appointment)]


@pytest.mark.parametrize("who", ["site@*", "coordinator@acme", "chw@acme"])
async def test_a_cancellation_for_death_that_was_a_mistake_is_taken_back(
    world: World, member: Member, who: str
) -> None:
    """Whoever may cancel says that it was entered in error: the report is gone at once, everybody hears of it, and the
    member may have a seat again. A second time there is nothing to take back."""
    await world.post(f"/appointments/{member.appointment}/cancel", {"reason": "pat-dec"}, who=who)
    assert code_of(await world.book(member.enrolment, member.friday)) == "death-reported"
    taken_back = await world.post(f"/appointments/{member.appointment}/entered-in-error", who=who)
    assert (taken_back.status_code, taken_back.json()["cancellation_reason"]) == (200, None)
    told = (await world.appointment_news())[-1]
    assert (told.status.value, told.reports_death, told.cancellation_reason) == ("entered-in-error", False, None)
    again = await world.post(f"/appointments/{member.appointment}/entered-in-error", who=who)
    assert code_of(again) in {"not-booked", "site-first"}
    assert (await world.book(member.enrolment, member.friday)).status_code == 201


async def test_what_the_news_cancelled_nobody_entered_in_error(world: World, member: Member) -> None:
    """A booking that ended with a declared death is undone by eligibility's news alone; and of one that stands its site
    says whether it was an error."""
    stands = await world.post(f"/appointments/{member.appointment}/entered-in-error", who="coordinator@acme")
    assert code_of(stands) == "site-first"
    await member.hear(eligible=False, reasons=("deceased",))
    ended = await world.post(f"/appointments/{member.appointment}/entered-in-error", who="site@*")
    assert code_of(ended) == "not-booked"
