"""What somebody says goes in though he has no case, or was never heard of; and it holds for the cases of later days."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from schemas.eligibility_v1 import EligibilityStatus, MemberEligibilityDecidedV1
from services.kit.ids import new_id
from services.kit.unit_of_work import working
from services.outreach.attempts.flow.unheard import on_member_eligibility
from tests.facts import NOON, a_day, a_fact, a_merge, a_programme, enrolment_id, member_token
from tests.service.outreach.builders import Outreach, Worker, case_id
from tests.service.outreach.test_said import LOGGED, MORE, NEWS

pytestmark = pytest.mark.postgres
ADA = enrolment_id("ada")
RETRACTED = "vcc.contact-attempt.retracted.v1"
PROBLEM = "urn:vcc:problem:"


def never_eligible(name: str = "ada", **changes: Any) -> MemberEligibilityDecidedV1:
    return a_fact(name, status=EligibilityStatus.INELIGIBLE, reasons=("under-age",), **changes)


async def status(outreach: Outreach, name: str = "ada", plan: str = "lakeshore") -> tuple[Any, Any]:
    case = await outreach.case(name, plan)
    assert case is not None
    return case["status"], case["closed_reason"] or case["paused_by"]


@pytest.mark.capability("B7")
@pytest.mark.parametrize("direction", ["inbound", "outbound"])
@pytest.mark.parametrize("disposition", NEWS)
async def test_news_of_somebody_never_eligible(
    outreach: Outreach, worker: Worker, disposition: str, direction: str
) -> None:
    """Every news of somebody who never had a case is on record and told once, with the case that he may get."""
    await outreach.hear(never_eligible())
    answer = await worker.say(ADA, disposition, direction=direction, **MORE.get(disposition, {}))
    assert answer.status_code == 201, answer.text
    logged = answer.json()
    assert (logged["is_waiting"], logged["case"]) == (False, None)
    assert logged["against"] == (None if direction == "inbound" else "no-case")
    [told] = await outreach.announced(LOGGED)
    assert (told["attempt_id"], told["disposition"], told["case_id"], told["member_token"]) == (
        logged["attempt_id"], disposition, str(case_id("ada")), str(member_token("ada")),
    )  # fmt: skip
    [row] = await outreach.fetch("select attempt_id, disposition from attempt")
    assert (str(row["attempt_id"]), row["disposition"]) == (logged["attempt_id"], disposition)


@pytest.mark.parametrize(
    ("disposition", "expected"),
    [
        ("do-not-call", ("closed", "opted-out")), ("deceased", ("paused", "death-reported")),
        ("initial-refusal", ("paused", "refusal")), ("already-vaccinated", ("paused", "self-report")),
        ("moved", ("closed", "moved")), ("callback-scheduled", ("open", None)),
    ],
)  # fmt: skip
async def test_it_holds_for_the_case_that_opens_later(
    outreach: Outreach, worker: Worker, disposition: str, expected: tuple[str, str]
) -> None:
    """Whoever becomes eligible afterwards gets a case that already heeds what was said."""
    await outreach.hear(never_eligible())
    await worker.say(ADA, disposition, **MORE.get(disposition, {}))
    await outreach.hear(a_fact(version=2))
    assert await status(outreach) == expected
    case = await outreach.case()
    assert case is not None
    assert (case["held_by"] == "callback") is (disposition == "callback-scheduled")
    [record] = (await worker.get(f"/cases/{case_id('ada')}")).json()["history"]
    assert record["disposition"] == disposition


async def test_a_wrong_number_before_the_case(outreach: Outreach, worker: Worker) -> None:
    """The number stays invalid for the case that opens, until a roster brings another."""
    await outreach.hear(never_eligible(phone_version=3))
    await worker.say(ADA, "wrong-number", direction="outbound")
    seen = []
    for version, phone_version in ((2, 3), (3, 4)):
        await outreach.hear(a_fact(version=version, phone_version=phone_version))
        case = await outreach.case()
        assert case is not None
        seen.append(case["next_channel"])
    assert seen == ["email", "phone"]


async def test_do_not_call_holds_at_every_plan_and_programme(outreach: Outreach, worker: Worker) -> None:
    """Said to a plan where he has no case, it closes his cases at another plan, also those that open later, until he
    opts in again."""
    await outreach.hear(a_programme(programme_id="flu-2021", vaccine_group="influenza"))
    await outreach.hear(never_eligible(), a_fact(tenant_id="prairie"))
    await worker.say(ADA, "do-not-call")
    await outreach.review()
    await outreach.hear(a_fact(programme_id="flu-2021"))
    rows = await outreach.fetch("select programme_id, closed_reason from outreach_case order by 1")
    assert [tuple(row.values()) for row in rows] == [("connectors-65", "opted-out"), ("flu-2021", "opted-out")]
    at = (NOON + timedelta(hours=1)).isoformat()
    back = await worker.say(ADA, "complete", resume_channels=["phone", "text"], attempted_at=at)
    assert back.status_code == 201, back.text
    await outreach.review()
    assert {row["status"] for row in await outreach.fetch("select status from outreach_case")} == {"open"}


async def test_taken_back_without_a_case(outreach: Outreach, worker: Worker) -> None:
    """Entered in error, it holds for no case of later days; that is told once, however often it is asked."""
    await outreach.hear(never_eligible())
    logged = (await worker.say(ADA, "do-not-call")).json()["attempt_id"]
    answers = [await worker.retract(logged) for _ in range(2)]
    assert [(one.status_code, one.json()["case"]) for one in answers] == [(200, None)] * 2
    [told] = await outreach.announced(RETRACTED)
    assert told["attempt_id"] == logged
    await outreach.hear(a_fact(version=2))
    assert await status(outreach) == ("open", None)


async def test_a_try_that_brought_nothing_needs_a_case(outreach: Outreach, worker: Worker) -> None:
    """Nobody has to reach somebody without a case: a call in vain is refused, known or not; the member's own is
    logged."""
    for event in (a_day(), never_eligible()):
        await outreach.hear(event)
        refused = await worker.say(ADA, "no-answer", direction="outbound")
        assert (refused.status_code, refused.json()["type"]) == (409, f"{PROBLEM}no-case")
    assert (await worker.say(ADA, "complete")).status_code == 201


async def test_with_a_case_it_is_the_cases(outreach: Outreach, worker: Worker) -> None:
    """Whoever names the enrolment of somebody with a case logs for that case, by its rules."""
    await outreach.hear(a_fact())
    refused = await worker.say(ADA, "no-answer", direction="outbound")
    assert refused.json()["type"] == f"{PROBLEM}not-claimed-by-you"
    answer = await worker.say(ADA, "no-answer", direction="outbound", claim=True)
    assert (answer.status_code, answer.json()["case"]["claimed_by"]) == (201, "wanda")


async def test_which_programme_is_meant(outreach: Outreach, worker: Worker) -> None:
    """What is said of a vaccine names its programme where there are several; an opt-out need not."""
    await outreach.hear(a_programme(programme_id="flu-2021", vaccine_group="influenza"))
    await outreach.hear(never_eligible(), never_eligible(programme_id="flu-2021"))
    refused = await worker.say(ADA, "initial-refusal", refusal_domain="motivation")
    assert (refused.status_code, refused.json()["type"]) == (422, f"{PROBLEM}programme-needed")
    said = {"refusal_domain": "motivation", "programme_id": "flu-2021"}
    assert (await worker.say(ADA, "initial-refusal", **said)).status_code == 201
    assert (await worker.say(ADA, "do-not-call")).status_code == 201
    told = await outreach.announced(LOGGED)
    assert [one["programme_id"] for one in told] == ["flu-2021", "connectors-65"]


async def test_somebody_unknown_is_kept_for(outreach: Outreach, worker: Worker) -> None:
    """A contact with somebody of whom nothing was heard waits, and tells nobody; with the first fact it is logged in
    the same transaction as that, so that his case is never open."""
    key = str(new_id())
    answers = [await worker.say(ADA, "do-not-call", key) for _ in range(2)]
    assert [(one.status_code, one.json()["is_waiting"], one.json()["case"]) for one in answers] == [
        (202, True, None)
    ] * 2
    assert await outreach.announced(LOGGED) == []
    await outreach.hear(a_fact())
    assert await status(outreach) == ("closed", "opted-out")
    [told] = await outreach.announced(LOGGED)
    assert (told["attempt_id"], told["worker_id"], told["attempted_at"]) == (
        answers[0].json()["attempt_id"], "wanda", "2021-03-01T18:00:00Z",
    )  # fmt: skip
    await outreach.hear(a_fact(version=2))
    assert len(await outreach.announced(LOGGED)) == 1
    assert (await worker.retract(told["attempt_id"])).json()["case"]["status"] == "open"


async def test_an_unknown_member_who_was_merged(outreach: Outreach, worker: Worker) -> None:
    """Kept by the enrolment, a word finds its person under whichever token the first fact comes."""
    await outreach.hear(a_fact("adda", tenant_id="prairie"))
    await worker.say(ADA, "do-not-call")
    await outreach.hear(a_merge("ada", "adda"), never_eligible(merged_into=member_token("adda")))
    await outreach.review()
    assert await status(outreach, "adda", "prairie") == ("closed", "opted-out")


async def test_a_waiting_word_taken_back(outreach: Outreach, worker: Worker) -> None:
    """Taken back before the member was heard of, it is never logged; by its worker or a supervisor only."""
    logged = (await worker.say(ADA, "do-not-call")).json()["attempt_id"]
    assert (await replace(worker, name="otto").retract(logged)).json()["type"] == f"{PROBLEM}not-your-attempt"
    assert (await replace(worker, plan="prairie").retract(logged)).status_code == 404
    answers = [await worker.retract(logged) for _ in range(2)]
    assert [(one.status_code, one.json()["case"]) for one in answers] == [(200, None)] * 2
    await outreach.hear(a_fact())
    assert await status(outreach) == ("open", None)
    assert await outreach.announced(LOGGED) == []


async def test_another_plans_member_is_as_unknown(outreach: Outreach, worker: Worker) -> None:
    """Of another plan's enrolment a plan gets the answer that it gets of nobody's, and nothing ever comes of it."""
    await outreach.hear(a_fact())
    stranger = replace(worker, plan="prairie")
    answers = [await stranger.say(one, "do-not-call") for one in (ADA, new_id())]
    assert [(one.status_code, one.json() | {"attempt_id": ""}) for one in answers] == [
        (202, {"attempt_id": "", "is_waiting": True, "against": None, "case": None})
    ] * 2
    await outreach.hear(a_fact(version=2))
    assert await status(outreach) == ("open", None)
    assert await outreach.announced(LOGGED) == []


async def test_the_named_programme_comes_later(outreach: Outreach, worker: Worker) -> None:
    """A refusal of one vaccine waits for the fact of its programme, whatever else is heard of the member before."""
    await outreach.hear(a_programme(programme_id="flu-2021", vaccine_group="influenza"))
    said = {"refusal_domain": "motivation", "programme_id": "flu-2021"}
    assert (await worker.say(ADA, "initial-refusal", **said)).status_code == 202
    await outreach.hear(a_fact())
    assert await outreach.announced(LOGGED) == []
    await outreach.hear(a_fact(programme_id="flu-2021"))
    rows = await outreach.fetch("select programme_id, paused_by from outreach_case order by 1")
    assert [tuple(row.values()) for row in rows] == [("connectors-65", None), ("flu-2021", "refusal")]


async def test_dates_that_nobody_can_mean(outreach: Outreach, worker: Worker) -> None:
    """Of the unknown, too, a contact later than the clock and the open day, or older than 60 days, is refused."""
    seen = []
    for days in (40_000, -61):
        answer = await worker.say(ADA, "do-not-call", attempted_at=(NOON + timedelta(days=days)).isoformat())
        seen.append(answer.json()["type"].removeprefix(PROBLEM))
    assert seen == ["attempt-in-future", "attempt-too-old"]


async def test_said_while_the_fact_is_being_heard(outreach: Outreach, worker: Worker) -> None:
    """A word that comes while the first fact is being kept waits for that, and is logged at once: none is kept for a
    fact that was heard already."""
    async with working(outreach.database.pool) as work:
        await on_member_eligibility(work, [a_fact()])
        said = asyncio.create_task(worker.say(ADA, "do-not-call"))
        while not (said.done() or await outreach.fetch("select from pg_locks where not granted")):
            pass
    assert (await said).status_code == 201
    assert await status(outreach) == ("closed", "opted-out")
