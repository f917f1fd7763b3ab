"""Somebody comes to the site: checked in, screened, vaccinated or not."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from services.scheduling.desk.screening import Question
from tests.service.scheduling.contacts import BORN_ON, a_contact, withdrawn
from tests.service.scheduling.test_booking import code_of
from tests.service.scheduling.world import MONDAY, World, a_business_day, a_given_dose, a_site

pytestmark = pytest.mark.postgres

WEDNESDAY = MONDAY + timedelta(days=2)
CLERK = "vaccinator@*/united-center"
CLEAR = {question.value: "no" for question in Question}


async def act(world: World, booked: str, what: str, body: Any = None, *, who: str = CLERK, key: str = "") -> Any:
    answer = await world.post(f"/appointments/{booked}/{what}", body, who=who, key=key)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def refusal(world: World, booked: str, what: str, body: Any = None, *, who: str = CLERK) -> str:
    return code_of(await world.post(f"/appointments/{booked}/{what}", body, who=who))


async def come(world: World, slot: UUID, enrolment: UUID | None = None) -> str:
    """Somebody is booked for Wednesday; Wednesday comes, and he does."""
    booked = await world.booked(enrolment or await world.enrol(), slot)
    await world.hear(a_business_day(WEDNESDAY))
    await act(world, booked, "check-in")
    return booked


async def test_who_is_checked_in_is_told_by_name_birth_date_and_address(world: World) -> None:
    """So that the clerk can compare; a repeated request says the same, and nothing of it is kept with the answer."""
    [slot] = await world.open_block()
    ada = await world.enrol()
    await world.hear(a_contact(ada))
    booked = await world.booked(ada, slot)
    await world.hear(a_business_day(WEDNESDAY))
    for _ in range(2):
        told = await act(world, booked, "check-in", key="check-in-1")
        assert (told["name"], told["birth_on"], told["site_step"]) == ("Sesame, Ada", str(BORN_ON), "arrived")
        assert told["address"]["street"] == "123 Sesame St"
    await world.hear(withdrawn(ada))
    assert "name" not in await act(world, booked, "check-in", key="check-in-1")


async def test_each_step_is_told_of_a_booking_that_stands(world: World) -> None:
    """Who knows no steps sees a booking, of a higher version, until the dose is given."""
    [slot] = await world.open_block()
    booked = await come(world, slot)
    assert (await act(world, booked, "screening", {"answers": CLEAR}))["finding"] == "none"
    await act(world, booked, "fulfil", {"dose": a_given_dose(on=WEDNESDAY)})
    told = [(one.version, one.status, one.site_step) for one in await world.appointment_news()]
    assert told == [
        (1, "booked", None), (2, "booked", "arrived"), (3, "booked", "screened"), (4, "fulfilled", None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("reason", "ends_as"),
    [
        ("unwell", "pat"), ("contraindicated", "pat"), ("refused", "pat"), ("no-stock", "prov"),
        ("not-eligible", "pat"),
    ],
)  # fmt: skip
async def test_who_came_and_was_not_vaccinated_may_be_booked_again(world: World, reason: str, ends_as: str) -> None:
    """The booking is over, neither missed nor late, with the true reason beside HL7's; its place stays used."""
    [slot, later] = await world.open_block(days=(2, 3), capacity=1)
    ada = await world.enrol()
    booked = await come(world, slot, ada)
    await act(world, booked, "not-given", {"reason": reason})
    last = (await world.appointment_news())[-1]
    assert (last.status, last.cancellation_reason, last.by_rule) == ("cancelled", ends_as, False)
    assert (last.site_step, last.not_given_reason) == ("not-given", reason)
    assert await holders(world, slot) == [booked]
    await world.booked(ada, later)


async def test_who_leaves_has_used_his_place(world: World) -> None:
    """Somebody who went away before his turn is no no-show, and nobody gets his place."""
    [slot] = await world.open_block(capacity=1)
    booked = await come(world, slot)
    left = await act(world, booked, "left")
    assert (left["status"], left["site_step"], left["cancelled_late"]) == ("cancelled", "left", False)
    assert await holders(world, slot) == [booked]


async def holders(world: World, slot: UUID) -> list[str | None]:
    """Who has the places of a slot; None: it is free."""
    async with world.everything() as connection:
        rows = await connection.fetch("select appointment_id::text from slot_place where slot_id = $1", slot)
    return [row["appointment_id"] for row in rows]


async def test_a_wrong_record_of_a_visit_is_the_sites_to_take_back(world: World) -> None:
    """Entered in error by the site, its place is free again; a coordinator is told to ask the site."""
    [slot] = await world.open_block(capacity=1)
    booked = await come(world, slot)
    await act(world, booked, "not-given", {"reason": "unwell"})
    assert await refusal(world, booked, "entered-in-error", who="coordinator@acme") == "site-first"
    await act(world, booked, "entered-in-error")
    async with world.everything() as connection:
        assert await connection.fetchval("select count(*) from slot_place where appointment_id is null") == 1


@pytest.mark.parametrize(
    ("what", "body", "who"),
    [
        ("cancel", {"reason": "pat-lt"}, "coordinator@acme"),
        ("noshow", {}, CLERK),
        ("check-in", {}, CLERK),
    ],
)
async def test_whoever_has_come_can_neither_miss_it_nor_be_cancelled(
    world: World, what: str, body: Any, who: str
) -> None:
    """While the member stands at the site, the site alone says what comes of it."""
    [slot] = await world.open_block()
    booked = await come(world, slot)
    assert await refusal(world, booked, what, body, who=who) == "arrived"
    assert await world.status_of(booked) == "booked"


async def test_whoever_has_come_is_not_moved(world: World) -> None:
    """Nor moved to another hour."""
    [slot, later] = await world.open_block(days=(2, 3))
    booked = await come(world, slot)
    assert await refusal(world, booked, "reschedule", {"slot_id": str(later)}, who="coordinator@acme") == "arrived"


async def test_a_check_in_of_another_one_is_taken_back(world: World) -> None:
    """Then the booking stands as it did, what the other one answered is nobody's, a repeated check-in names nobody, and
    whoever comes later is checked in."""
    [slot] = await world.open_block()
    ada = await world.enrol()
    await world.hear(a_contact(ada))
    booked = await world.booked(ada, slot)
    await world.hear(a_business_day(WEDNESDAY))
    assert "name" in await act(world, booked, "check-in", key="another-one-came")
    await act(world, booked, "screening", {"answers": CLEAR})
    assert (await act(world, booked, "check-in/taken-back"))["site_step"] is None
    async with world.everything() as connection:
        assert await connection.fetch("select 1 from screening") == []
    assert "name" not in await act(world, booked, "check-in", key="another-one-came")
    assert (await act(world, booked, "check-in"))["site_step"] == "arrived"


@pytest.mark.parametrize(
    ("what", "body", "status"),
    [("noshow", {}, "noshow"), ("cancel", {"reason": "pat-lt"}, "cancelled"), ("reschedule", None, "booked")],
)
async def test_whoever_came_and_of_whom_nothing_was_said_is_not_stuck(
    world: World, what: str, body: Any, status: str
) -> None:
    """Once the day is over, what becomes of a booking whose member was checked in may be said as of any other."""
    [slot, later] = await world.open_block(days=(2, 4))
    booked = await come(world, slot)
    await world.hear(a_business_day(WEDNESDAY + timedelta(days=1)))
    who = CLERK if what == "noshow" else "coordinator@acme"
    told = await act(world, booked, what, {"slot_id": str(later)} if body is None else body, who=who)
    assert (told["status"], told["site_step"]) == (status, None)


@pytest.mark.parametrize("what", ["screening", "not-given", "left", "check-in/taken-back"])
async def test_nothing_is_said_of_somebody_who_was_not_checked_in(world: World, what: str) -> None:
    """Before the check-in there is nobody to be screened or sent home."""
    [slot] = await world.open_block()
    booked = await world.booked(await world.enrol(), slot)
    body = {"screening": {"answers": CLEAR}, "not-given": {"reason": "unwell"}}.get(what)
    assert await refusal(world, booked, what, body) == "not-arrived"


async def test_nobody_is_checked_in_before_his_day(world: World) -> None:
    """Two days ahead nobody can have come, and no birth date is told."""
    [slot] = await world.open_block()
    ada = await world.enrol()
    await world.hear(a_contact(ada))
    booked = await world.booked(ada, slot)
    answer = await world.post(f"/appointments/{booked}/check-in", who=CLERK)
    assert (code_of(answer), str(BORN_ON) in answer.text) == ("not-yet", False)


async def test_another_sites_clerk_checks_nobody_in(world: World) -> None:
    """To a clerk of another site there is no such appointment, and to a coordinator no such act."""
    await world.post("/sites", a_site(site_id="navy-pier"), who="state@*")
    [slot] = await world.open_block()
    booked = await world.booked(await world.enrol(), slot)
    await world.hear(a_business_day(WEDNESDAY))
    assert await refusal(world, booked, "check-in", who="vaccinator@*/navy-pier") == "unknown-appointment"
    answer = await world.post(f"/appointments/{booked}/check-in", who="coordinator@acme")
    assert answer.status_code == 403


async def test_every_question_is_answered_and_the_newest_answers_are_kept(world: World) -> None:
    """Half a screening is refused; said again, an answer takes the place of the one before."""
    [slot] = await world.open_block()
    booked = await come(world, slot)
    half = {"answers": {"sick-today": "no"}}
    assert (await world.post(f"/appointments/{booked}/screening", half, who=CLERK)).status_code == 422
    for reply, finding in (("yes", "contraindication"), ("unknown", "precaution")):
        answers = CLEAR | {"reaction-to-vaccine": reply}
        assert (await act(world, booked, "screening", {"answers": answers}))["finding"] == finding
    async with world.everything() as connection:
        [kept] = await connection.fetch("select answers->>'reaction-to-vaccine' as reply, site_id from screening")
    assert tuple(kept) == ("unknown", "united-center")


async def test_whoever_vaccinates_reads_what_was_answered(world: World) -> None:
    """Until it is said what came of it; at another site, and before a screening, there is nothing to read."""
    [slot] = await world.open_block()
    booked = await come(world, slot)
    path = f"/appointments/{booked}/screening"
    assert code_of(await world.get(path, who=CLERK)) == "not-arrived"
    await act(world, booked, "screening", {"answers": CLEAR | {"pregnant": "yes"}})
    read = (await world.get(path, who=CLERK)).json()
    assert (read["finding"], read["answers"]["pregnant"]) == ("precaution", "yes")
    assert code_of(await world.get(path, who="vaccinator@*/navy-pier")) == "unknown-appointment"
    await act(world, booked, "not-given", {"reason": "contraindicated"})
    assert code_of(await world.get(path, who=CLERK)) == "not-arrived"


async def test_one_outcome_of_several_at_once(world: World) -> None:
    """A dose, a departure and a refusal told at the same moment: one of them is what happened."""
    [slot] = await world.open_block()
    booked = await come(world, slot)

    async def tell(what: str, body: Any) -> httpx.Response:
        return await world.post(f"/appointments/{booked}/{what}", body, who=CLERK)

    answers = await asyncio.gather(
        tell("fulfil", {"dose": a_given_dose(on=WEDNESDAY)}), tell("not-given", {"reason": "refused"}),
        tell("left", {}), tell("check-in/taken-back", {}),
    )  # fmt: skip
    done = [answer for answer in answers if answer.status_code == 200]
    ended = [answer.json()["status"] for answer in done if answer.json()["status"] != "booked"]
    assert 1 <= len(done) <= 2
    assert len(ended) <= 1
    last = (await world.appointment_news())[-1]
    assert last.version == 2 + len(done)
    assert last.status == (ended[0] if ended else "booked")
