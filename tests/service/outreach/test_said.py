"""Facts always go in: whatever the case, the cap, the lease or the plan; and they can be taken back."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from schemas.eligibility_v1 import EligibilityStatus
from schemas.envelope import Event
from schemas.outreach_v1 import Disposition
from schemas.scheduling_v1 import AppointmentStatus
from services.kit.ids import new_id
from services.outreach.contacts.dispositions import EFFECTS
from tests.facts import NOON, a_day, a_dose, a_fact, a_merge, an_appointment
from tests.service.outreach.builders import Outreach, Worker, case_id

pytestmark = pytest.mark.postgres
ADA = case_id("ada")
NEWS = sorted(one.value for one, effect in EFFECTS.items() if effect.is_news)
MORE: dict[str, dict[str, Any]] = {
    "initial-refusal": {"refusal_domain": "motivation"},
    "callback-scheduled": {"callback_at": (NOON + timedelta(days=2)).isoformat()},
}
LOGGED = "vcc.contact-attempt.logged.v1"


async def _news(worker: Worker, disposition: str, against: str | None, **said: Any) -> dict[str, Any]:
    answer = await worker.log(ADA, disposition, **(MORE.get(disposition, {}) | said))
    assert answer.status_code == 201, answer.text
    logged: dict[str, Any] = answer.json()
    assert logged["against"] == against
    return logged


@pytest.mark.parametrize("disposition", NEWS)
async def test_news_goes_in_whatever_the_rules(outreach: Outreach, worker: Worker, disposition: str) -> None:
    """What became known is logged, told and marked though the case is closed, or another worker's; a try that brought
    nothing is refused."""
    await outreach.hear(a_fact(), a_fact(version=2, status=EligibilityStatus.INELIGIBLE, reasons=("under-age",)))
    await _news(worker, disposition, "case-closed")
    [said] = await outreach.announced(LOGGED)
    assert (said["disposition"], said["against"]) == (disposition, "case-closed")
    refused = await worker.log(ADA, "no-answer")
    assert refused.status_code == 409


async def test_news_of_another_workers_case(outreach: Outreach, worker: Worker) -> None:
    """A wrong number that somebody else finds goes in, and the case stays its holder's."""
    await outreach.hear(a_fact())
    await replace(worker, name="otto").claim()
    logged = await _news(worker, "wrong-number", "not-claimed-by-you")
    assert (logged["case"]["claimed_by"], logged["case"]["next_channel"]) == ("otto", "email")
    assert (await worker.log(ADA, "busy")).json()["type"] == "urn:vcc:problem:not-claimed-by-you"


async def test_opt_out_beyond_the_cap(outreach: Outreach, worker: Worker) -> None:
    """The sixth call ought not to have been made; that the member forbade further ones is kept."""
    await outreach.hear(a_fact(), a_day(10))
    for day in range(5):
        await worker.log(ADA, "no-answer", attempted_at=(NOON + timedelta(days=day)).isoformat())
    await outreach.fetch("update outreach_case set claimed_by = null, claimed_at = null, lease_until = null")
    at = (NOON + timedelta(days=10)).isoformat()
    logged = await _news(worker, "do-not-call", "too-many-attempts", attempted_at=at, claim=False)
    assert logged["case"]["closed_reason"] == "opted-out"


async def test_inbound_needs_nothing(outreach: Outreach, worker: Worker) -> None:
    """A member who calls is logged without lease, beyond the cap and during a pause, and fills no window."""
    await outreach.hear(a_fact(), a_day(10))
    for day in range(5):
        await worker.log(ADA, "no-answer", attempted_at=(NOON + timedelta(days=day)).isoformat())
    await worker.log(ADA, "initial-refusal", refusal_domain="motivation")
    answer = await replace(worker, name="otto").log(ADA, "complete", direction="inbound", claim=False)
    assert answer.status_code == 201, answer.text
    case = answer.json()["case"]
    assert (case["attempts"], case["claimed_by"], case["paused_by"]) == (6, None, "refusal")
    assert (await worker.log(ADA, "no-answer")).json()["type"] == "urn:vcc:problem:case-paused"


async def test_opting_back_in(outreach: Outreach, worker: Worker) -> None:
    """By the member's word, by channel: the case is open again here and at the other plan; it is told with who."""
    await outreach.hear(a_fact(), a_fact(tenant_id="prairie"))
    await _news(worker, "do-not-call", None)
    await outreach.review()
    at = (NOON + timedelta(hours=1)).isoformat()
    said: dict[str, Any] = {"direction": "inbound", "resume_channels": ["text"], "attempted_at": at}
    answer = await worker.log(ADA, "complete", **said)
    assert answer.status_code == 201, answer.text
    await outreach.review()
    elsewhere = await outreach.case("ada", "prairie")
    assert elsewhere is not None
    assert (answer.json()["case"]["status"], answer.json()["case"]["next_channel"]) == ("open", "text")
    assert (elsewhere["status"], elsewhere["next_channel"]) == ("open", "text")
    told = (await outreach.announced(LOGGED))[-1]
    assert (told["resumed_channels"], told["worker_id"], told["attempted_at"]) == (
        ["text"],
        "wanda",
        "2021-03-01T19:00:00Z",
    )
    assert (await worker.get(f"/cases/{ADA}")).json()["stopped_channels"] == ["phone"]


async def test_another_plan_learns_no_more_than_the_effect(outreach: Outreach, worker: Worker) -> None:
    """The other plan's case closes as opted-out and pauses; whom the member told, and how, stays with the plan."""
    await outreach.hear(a_fact(), a_fact(tenant_id="prairie"))
    await _news(worker, "do-not-call", None, barriers=["homelessness"])
    await outreach.review()
    stranger = replace(worker, name="stan", plan="prairie")
    answer = await stranger.get(f"/cases/{case_id('ada', 'prairie')}")
    assert (answer.json()["closed_reason"], answer.json()["history"]) == ("opted-out", [])
    assert not any(word in answer.text for word in ("wanda", "lakeshore", "homelessness", str(ADA)))


async def test_opt_out_of_a_merged_person(outreach: Outreach, worker: Worker) -> None:
    """What was said under one token holds under the other, once they turn out to be one person."""
    await outreach.hear(a_fact("ada"), a_fact("adda", tenant_id="prairie"))
    await _news(worker, "do-not-call", None)
    before = await outreach.case("adda", "prairie")
    await outreach.hear(a_merge("ada", "adda"))
    after = await outreach.case("adda", "prairie")
    assert before is not None
    assert after is not None
    assert (before["status"], after["closed_reason"]) == ("open", "opted-out")


async def _parted(outreach: Outreach, *more: Event, is_split_first: bool = True) -> None:
    """Ada, whose plan's enrolment goes back to the token that it stood under, is Bo no more."""
    news: list[Event] = [a_merge("bo", "ada", 1, 2, is_split=True)]
    news.insert(1 if is_split_first else 0, a_fact("bo", 3, 1, tenant_id="prairie"))
    await outreach.hear(*news, *more)
    await outreach.review()


async def _joined(outreach: Outreach) -> None:
    ada = a_fact("ada").member_token
    await outreach.hear(a_fact("ada"), a_fact("bo", tenant_id="prairie"), a_day(1))
    await outreach.hear(a_merge("bo", "ada", version=1), a_fact("bo", 2, tenant_id="prairie", member_token=ada))


@pytest.mark.parametrize("who", ["ada", "bo"])
@pytest.mark.parametrize("is_split_first", [False, True])
async def test_an_opt_out_holds_for_both_who_were_one(
    outreach: Outreach, worker: Worker, who: str, is_split_first: bool
) -> None:
    """What was said while two were one holds for each of them once they are two, and is taken back for both."""
    await _joined(outreach)
    plan = {"ada": "lakeshore", "bo": "prairie"}[who]
    mine = replace(worker, plan=plan, name=f"worker-{who}")
    answer = await mine.log(case_id(who, plan), "do-not-call")
    assert answer.status_code == 201, answer.text
    await _parted(outreach, is_split_first=is_split_first)
    cases = [await outreach.case("ada"), await outreach.case("bo", "prairie")]
    assert [case and case["closed_reason"] for case in cases] == ["opted-out", "opted-out"]
    retracted = await mine.retract(answer.json()["attempt_id"])
    assert retracted.status_code == 200, retracted.text
    await outreach.review()
    cases = [await outreach.case("ada"), await outreach.case("bo", "prairie")]
    assert [case and case["status"] for case in cases] == ["open", "open"]


@pytest.mark.parametrize("is_known", [True, False])
async def test_an_opt_out_of_before_is_the_ones_who_said_it(outreach: Outreach, worker: Worker, is_known: bool) -> None:
    """What one asked of callers before the join is his own afterwards; where nobody knows when that was, it holds for
    both."""
    await outreach.hear(a_fact("ada"), a_fact("bo", tenant_id="prairie"), a_day(1))
    stan = replace(worker, plan="prairie", name="stan")
    assert (await stan.log(case_id("bo", "prairie"), "do-not-call")).status_code == 201
    ada = a_fact("ada").member_token
    join = a_merge("bo", "ada", version=1).model_copy(update={"occurred_at": datetime.now(UTC)})
    await outreach.hear(join, a_fact("bo", 2, tenant_id="prairie", member_token=ada))
    if not is_known:
        await outreach.fetch("delete from joined_token")
    await _parted(outreach)
    cases = [await outreach.case("ada"), await outreach.case("bo", "prairie")]
    assert [case and case["status"] for case in cases] == ["open" if is_known else "closed", "closed"]


@pytest.mark.parametrize("is_joined", [False, True])
async def test_an_opt_in_of_the_one_does_not_lift_the_others_opt_out(
    outreach: Outreach, worker: Worker, is_joined: bool
) -> None:
    """Of two members of one plan the one forbade calls and the other one wants them, said before they were one or
    meanwhile: afterwards each has his own word."""
    await outreach.hear(a_fact("ada"), a_fact("bo"), a_day(1))
    assert (await worker.log(case_id("ada"), "do-not-call")).status_code == 201
    join = a_merge("bo", "ada", version=1).model_copy(update={"occurred_at": datetime.now(UTC)})
    news: list[Event] = [join, a_fact("bo", 2, member_token=a_fact("ada").member_token)]
    if is_joined:
        await outreach.hear(*news)
    at = (NOON + timedelta(hours=1)).isoformat()
    said: dict[str, Any] = {"direction": "inbound", "resume_channels": ["phone", "text"], "attempted_at": at}
    assert (await worker.log(case_id("bo"), "complete", **said)).status_code == 201
    if not is_joined:
        await outreach.hear(*news)
    assert [case and case["status"] for case in (await outreach.case("ada"), await outreach.case("bo"))] == ["open"] * 2
    await outreach.hear(a_merge("bo", "ada", 1, 2, is_split=True), a_fact("bo", 3, 1))
    await outreach.review()
    cases = [await outreach.case("ada"), await outreach.case("bo")]
    assert [case and case["closed_reason"] for case in cases] == ["opted-out", None]


async def test_what_its_own_member_has_lifted_is_held_for_nobody(outreach: Outreach, worker: Worker) -> None:
    """An opt-out that the same plan's member took back by an opt-in, both while two were one, stops neither."""
    await _joined(outreach)
    assert (await worker.log(case_id("ada"), "do-not-call")).status_code == 201
    at = (NOON + timedelta(hours=1)).isoformat()
    said: dict[str, Any] = {"direction": "inbound", "resume_channels": ["phone", "text"], "attempted_at": at}
    assert (await worker.log(case_id("ada"), "complete", **said)).status_code == 201
    await _parted(outreach)
    cases = [await outreach.case("ada"), await outreach.case("bo", "prairie")]
    assert [case and case["status"] for case in cases] == ["open", "open"]


async def test_a_try_goes_back_with_its_enrolment(outreach: Outreach, worker: Worker) -> None:
    """A call made for the one while both were one counts for that one alone afterwards, and so does a dose; the case
    stands under the token of its enrolment."""
    await _joined(outreach)
    stan = replace(worker, plan="prairie", name="stan")
    assert (await stan.log(case_id("bo", "prairie"), "no-answer")).status_code == 201
    await outreach.hear(a_dose("ada"))
    dose = a_dose("ada", 2, member_token=a_fact("bo").member_token)
    await _parted(outreach, dose)
    ada, bo = await outreach.case("ada"), await outreach.case("bo", "prairie")
    assert ada is not None
    assert bo is not None
    assert (bo["member_token"], bo["attempts"]) == (a_fact("bo").member_token, 1)
    assert (ada["status"], bo["closed_reason"]) == ("open", "vaccinated")
    rows = await outreach.fetch("select member_token from attempt")
    assert [row["member_token"] for row in rows] == [a_fact("bo").member_token]


async def test_refusal_pauses_the_vaccine_everywhere(outreach: Outreach, worker: Worker) -> None:
    """A refusal pauses the member's cases of that vaccine at every plan, though his number was logged by one."""
    await outreach.hear(a_fact(), a_fact(tenant_id="prairie"), a_fact(programme_id="flu-2021"))
    await _news(worker, "initial-refusal", None)
    await outreach.review()
    rows = await outreach.fetch("select programme_id, paused_by from outreach_case order by programme_id, tenant_id")
    assert [(row["programme_id"], row["paused_by"]) for row in rows] == [
        ("connectors-65", "refusal"), ("connectors-65", "refusal"), ("flu-2021", None),
    ]  # fmt: skip


async def test_retracted_attempt_never_was(outreach: Outreach, worker: Worker) -> None:
    """Taken back, an opt-out entered for the wrong member holds nowhere; the attempt stays on record, marked; it is
    told once, however often it is asked."""
    await outreach.hear(a_fact(), a_fact(tenant_id="prairie"))
    logged = await _news(worker, "do-not-call", None)
    await outreach.review()
    first = await worker.retract(logged["attempt_id"])
    again = await worker.retract(logged["attempt_id"], "not-made")
    await outreach.review()
    elsewhere = await outreach.case("ada", "prairie")
    assert elsewhere is not None
    assert (first.status_code, again.status_code, elsewhere["status"]) == (200, 200, "open")
    assert (first.json()["case"]["status"], first.json()["case"]["attempts"]) == ("open", 0)
    [told] = await outreach.announced("vcc.contact-attempt.retracted.v1")
    assert (told["attempt_id"], told["reason"], told["worker_id"]) == (logged["attempt_id"], "wrong-member", "wanda")
    [record] = (await worker.get(f"/cases/{ADA}")).json()["history"]
    assert (record["retracted_on"], record["retracted_for"], record["retracted_by"]) == (
        "2021-03-01", "wrong-member", "wanda",
    )  # fmt: skip


async def test_who_may_retract(outreach: Outreach, worker: Worker) -> None:
    """Its worker within a day, a supervisor always, nobody else; another plan's attempt does not exist; each look is
    audited."""
    await outreach.hear(a_fact())
    logged = (await _news(worker, "moved", None))["attempt_id"]
    otto = replace(worker, name="otto")
    assert (await otto.retract(logged)).json()["type"] == "urn:vcc:problem:not-your-attempt"
    assert (await replace(worker, plan="prairie").retract(logged)).status_code == 404
    assert (await worker.retract(str(new_id()))).status_code == 404
    assert (await worker.retract(logged, "because")).status_code == 422
    await outreach.fetch("update attempt set logged_at = logged_at - interval '25 hours'")
    assert (await worker.retract(logged)).status_code == 409
    assert (await replace(otto, role="supervisor").retract(logged)).status_code == 200
    rows = await outreach.fetch("select principal from audit where kind = 'attempt' and subjects = $1", [logged])
    assert [row["principal"] for row in rows] == ["otto", "wanda", "wanda", "otto"]


async def test_death_is_eligibilitys_to_declare(outreach: Outreach, worker: Worker) -> None:
    """A worker's report pauses at every plan; a fact that weighed it and says nothing opens the case again; one that
    declares the death closes it, until a newer one does not."""
    await outreach.hear(a_fact(), a_fact(tenant_id="prairie"))
    await _news(worker, "deceased", None)
    await outreach.review()
    elsewhere = await outreach.case("ada", "prairie")
    assert elsewhere is not None
    assert elsewhere["paused_by"] == "death-reported"
    [told] = await outreach.announced(LOGGED)
    seen = []
    for version, reasons in ((2, ("death-reported",)), (3, ("deceased",)), (4, ())):
        status = EligibilityStatus.INELIGIBLE if reasons else EligibilityStatus.ELIGIBLE
        fact = a_fact(version=version, reasons=reasons, status=status, death_reports_until=told["occurred_at"])
        await outreach.hear(fact)
        case = await outreach.case()
        assert case is not None
        seen.append((case["status"], case["closed_reason"] or case["paused_by"]))
    assert seen == [("paused", "death-reported"), ("closed", "deceased"), ("open", None)]


@pytest.mark.parametrize(("by_rule", "status"), [(False, "paused"), (True, "open")])
async def test_a_sites_word_of_death(outreach: Outreach, worker: Worker, by_rule: bool, status: str) -> None:
    """A booking that a site cancels because the member died reports a death; one that the news cancelled does not."""
    gone = an_appointment(version=2, status=AppointmentStatus.CANCELLED, cancellation_reason="pat-dec", by_rule=by_rule)
    await outreach.hear(a_fact(), an_appointment(), gone)
    case = await outreach.case()
    assert case is not None
    assert case["status"] == status
    file = (await worker.get(f"/cases/{ADA}")).json()
    [record] = file["appointments"]
    assert (record["cancellation_reason"], record["by_rule"]) == ("pat-dec", by_rule)
    assert (await outreach.fetch("select reports_death from statement") != []) is not by_rule


async def test_combination_dose_closes_each_group(outreach: Outreach) -> None:
    """A dose of a combination vaccine takes the member off the list of each of its groups."""
    await outreach.hear(a_fact(), a_dose(vaccine_group="hepa", vaccine_groups=("hepa", "covid-19")))
    case = await outreach.case()
    assert case is not None
    assert case["closed_reason"] == "vaccinated"


def test_the_news_are_what_the_table_says() -> None:
    """Eleven outcomes make something known."""
    assert len(NEWS) == 11
    assert set(NEWS) < {one.value for one in Disposition}
