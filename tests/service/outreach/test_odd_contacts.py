"""Contacts that come late, in an odd order or beside each other: they say what was so when they were made."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from schemas.eligibility_v1 import EligibilityStatus
from schemas.scheduling_v1 import AppointmentStatus
from tests.facts import NOON, a_day, a_dose, a_fact, a_merge, a_programme, an_appointment
from tests.service.outreach.builders import Outreach, Worker, case_id, vaccinated

pytestmark = pytest.mark.postgres
ADA = case_id("ada")
FLU = "flu-65"


def at(days: float) -> str:
    return (NOON + timedelta(days=days)).isoformat()


async def the_case(outreach: Outreach, name: str = "ada", plan: str = "lakeshore") -> dict[str, Any]:
    found = await outreach.case(name, plan)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("edge", "channel", "news", "tried", "left"),
    [
        ("the old number, before the new one came", "phone", {"phone_version": 2}, 1, "phone"),
        ("the new number, on its first day", "phone", {"phone_version": 2}, 2, "email"),
        ("a text to the old number", "text", {"phone_version": 2}, 1, "phone"),
        ("the old number, and only the address is new", "phone", {"address_version": 2}, 1, "email"),
    ],
)
async def test_a_dead_number_that_is_logged_late(
    outreach: Outreach, worker: Worker, edge: str, channel: str, news: dict[str, int], tried: int, left: str
) -> None:
    """What was tried before a roster brought another number says nothing of that one, whenever it is logged."""
    first: dict[str, Any] = {"phone_version": 1, "address_version": 1, "email_version": 1}
    await outreach.hear(a_fact(**first), a_day(2))
    await outreach.hear(a_fact(version=2, days=2, **(first | news)))
    await outreach.hear(a_fact(version=3, days=3, **(first | news)), a_day(3))
    answer = await worker.log(ADA, "disconnected", channel=channel, attempted_at=at(tried))
    assert (answer.status_code, answer.json()["case"]["next_channel"]) == (201, left), edge


async def test_moved_from_where_the_roster_no_longer_has_him(outreach: Outreach, worker: Worker) -> None:
    """A visit of before the new address was heard of says that the member left the old one."""
    await outreach.hear(a_fact(address_version=1), a_day(2))
    await outreach.hear(a_fact(version=2, days=2, address_version=2, zip5="60601"))
    for day, status in ((1, "open"), (2, "closed")):
        answer = await worker.log(ADA, "moved", channel="visit", attempted_at=at(day))
        assert (answer.status_code, answer.json()["case"]["status"]) == (201, status)


@pytest.mark.parametrize(
    ("edge", "disposition", "tried", "more", "is_promised"),
    [
        ("a reminder by text the day before", "left-message", 1, {"channel": "text"}, True),
        ("nobody answers before the hour", "no-answer", 1, {}, True),
        ("a wrong number before the hour", "wrong-number", 1, {}, True),
        ("the call was made, and nobody answered", "no-answer", 2, {}, False),
        ("somebody reached him before", "complete", 1, {}, False),
        ("he called himself", "complete", 1, {"direction": "inbound"}, False),
        ("he refused before", "initial-refusal", 1, {"refusal_domain": "motivation"}, False),
        ("he asked for another time", "callback-scheduled", 1, {"callback_at": at(3)}, True),
    ],
)
async def test_a_promised_call_is_kept(
    outreach: Outreach, worker: Worker, edge: str, disposition: str, tried: float, more: dict[str, Any],
    is_promised: bool,
) -> None:  # fmt: skip
    """Until it was made at its hour, or somebody has spoken with the member."""
    await outreach.hear(a_fact(), a_day(3))
    await worker.log(ADA, "callback-scheduled", attempted_at=at(0), callback_at=at(2))
    await worker.log(ADA, disposition, attempted_at=at(tried), direction=more.get("direction", "outbound"), **{
        name: value for name, value in more.items() if name != "direction"
    })  # fmt: skip
    case = await the_case(outreach)
    assert (case["callback_at"] is not None) is is_promised, edge


async def test_a_promise_is_kept_in_the_other_programme_too(outreach: Outreach, worker: Worker) -> None:
    """A message that is left under one programme brings the member no call before the promised day under another."""
    await outreach.hear(a_programme(programme_id=FLU, vaccine_group="influenza"))
    await outreach.hear(a_fact(), a_fact(programme_id=FLU), a_day(1))
    await worker.log(ADA, "callback-scheduled", attempted_at=at(0), callback_at=at(5))
    flu = case_id("ada", programme=FLU)
    await worker.log(flu, "left-message", attempted_at=at(0.1), channel="text")
    await outreach.hear(a_day(3))
    [row] = await outreach.fetch("select held_by, callback_at from outreach_case where case_id = $1", flu)
    assert row == {"held_by": "callback", "callback_at": None}
    assert await worker.claim() == []


# -- opt-outs at every state


@pytest.mark.parametrize(
    ("edge", "facts", "status"),
    [
        ("vaccinated", [vaccinated()], "closed"),
        ("disenrolled", [a_fact(version=2, status=EligibilityStatus.INELIGIBLE, reasons=("not-enrolled",),
                                enrolled=False)], "closed"),
        ("dead", [a_fact(version=2, status=EligibilityStatus.INELIGIBLE, reasons=("deceased",), enrolled=False)],
         "closed"),
        ("a dose this week", [a_dose()], "closed"),
        ("booked", [an_appointment()], "open"),
        ("lost a booking", [an_appointment(status=AppointmentStatus.CANCELLED, cancellation_reason="prov")], "open"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("direction", ["inbound", "outbound"])
async def test_an_opt_out_goes_in_at_every_state(
    outreach: Outreach, worker: Worker, edge: str, facts: list[Any], status: str, direction: str
) -> None:
    """And holds, once the member is eligible again and whatever number a roster brings."""
    await outreach.hear(a_fact(), *facts)
    assert (await the_case(outreach))["status"] == status, edge
    answer = await replace(worker, name="otto").log(ADA, "do-not-call", direction=direction, claim=False)
    assert answer.status_code == 201, edge
    await outreach.hear(a_dose(version=2, action="retract"))
    await outreach.hear(a_fact(version=9, phone_version=9, address_version=9))
    case = await the_case(outreach)
    assert (case["status"], case["closed_reason"]) == ("closed", "opted-out"), edge
    assert await worker.claim() == []


async def test_an_opt_out_holds_for_two_who_prove_to_be_one(outreach: Outreach, worker: Worker) -> None:
    """In every programme and plan of both, in whichever order the merge and the word come."""
    await outreach.hear(a_fact(), a_fact("eve", tenant_id="prairie"), a_fact("eve", programme_id=FLU))
    await worker.log(case_id("eve", programme=FLU), "do-not-call")
    await outreach.hear(a_merge("eve", "ada"))
    rows = await outreach.fetch("select status, closed_reason from outreach_case")
    assert {row["status"] for row in rows} == {"closed"}
    assert (await the_case(outreach))["closed_reason"] == "opted-out"


# -- one person, one call; what a plan may see


async def test_a_wrong_number_of_one_token_is_the_persons(outreach: Outreach, worker: Worker) -> None:
    """Two entries of one plan that prove to be one have one history of numbers."""
    await outreach.hear(a_fact(), a_fact("eve"))
    await worker.log(case_id("eve"), "wrong-number")
    await outreach.hear(a_merge("eve", "ada"))
    assert (await the_case(outreach))["next_channel"] == "email"


@pytest.mark.parametrize(("disposition", "count"), [("no-answer", 5), ("wrong-number", 5)])
async def test_five_tries_over_two_programmes_are_five(
    outreach: Outreach, worker: Worker, disposition: str, count: int
) -> None:
    """The person is not tried a sixth time, under whichever programme."""
    await outreach.hear(a_programme(programme_id=FLU, vaccine_group="influenza"))
    await outreach.hear(a_fact(), a_fact(programme_id=FLU), a_day(9))
    cases: list[UUID] = [ADA, case_id("ada", programme=FLU)]
    for day in range(count):
        channel = "phone" if disposition == "no-answer" else ("phone", "email", "letter", "visit", "text")[day]
        await worker.log(cases[day % 2], disposition, attempted_at=at(day), channel=channel)
    for case in cases:
        await outreach.fetch("update outreach_case set claimed_by = null, claimed_at = null, lease_until = null")
        refused = await worker.log(case, "no-answer", attempted_at=at(9))
        assert refused.status_code == 409


@pytest.mark.parametrize(("days", "status"), [(-60, 201), (-61, 409), (0, 201)])
async def test_how_old_a_contact_may_be(outreach: Outreach, worker: Worker, days: int, status: int) -> None:
    """Sixty days before the open day, not one more."""
    await outreach.hear(a_fact())
    assert (await worker.log(ADA, "complete", attempted_at=at(days), direction="inbound")).status_code == status
