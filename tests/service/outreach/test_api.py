"""Claims, attempts and looks through the API, on a real database."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from schemas.eligibility_v1 import DoseAction, EligibilityStatus
from schemas.scheduling_v1 import AppointmentStatus
from services.kit.app import create
from services.kit.http import unguarded
from services.kit.ids import new_id
from services.kit.look_ups import LookUps
from services.outreach.app import build
from tests.facts import DAY, NOON, a_day, a_dose, a_fact, an_appointment
from tests.service.outreach.builders import Outreach, Worker, a_target, case_id

pytestmark = pytest.mark.postgres
ADA = case_id("ada")


async def test_no_operation_is_unguarded(outreach: Outreach) -> None:
    """Every operation needs a token, every write an idempotency key."""
    assert unguarded(create(build(), outreach.database.settings())) == []


async def test_twenty_claimers_never_share_a_case(outreach: Outreach, worker: Worker) -> None:
    """Twenty workers claim five cases each at once: a hundred different cases, by rank."""
    await outreach.hear(*(a_fact(f"member-{i}", priority=i) for i in range(120)))
    workers = [replace(worker, name=f"worker-{i}") for i in range(20)]
    claims = await asyncio.gather(*(one.claim(5) for one in workers))
    claimed = Counter(case["case_id"] for cases in claims for case in cases)
    assert (len(claimed), set(claimed.values())) == (100, {1})
    assert min(case["rank"] for cases in claims for case in cases) == 20


async def test_one_claimer_cannot_hoard(outreach: Outreach, worker: Worker) -> None:
    """One worker's requests at once never add up to more leases than one worker may hold."""
    await outreach.hear(*(a_fact(f"member-{i}") for i in range(80)))
    claims = await asyncio.gather(*(worker.claim(20) for _ in range(4)))
    assert sum(map(len, claims)) == 50


async def test_claim_sent_again_gives_the_same_cases(outreach: Outreach, worker: Worker) -> None:
    """A claim repeated with its key claims nothing more."""
    await outreach.hear(*(a_fact(name) for name in ("ada", "bob", "cyd")))
    key = str(new_id())
    first, again = await worker.claim(1, key), await worker.claim(1, key)
    assert first == again
    held = await outreach.fetch("select count(*) as held from outreach_case where claimed_by is not null")
    assert held[0]["held"] == 1


async def test_looks_by_zip_end_soon(outreach: Outreach, worker: Worker) -> None:
    """Of 300 ZIPs that one client tries as many are answered as he may look up in a minute; another one goes on, and so
    do the pages of a look, and looks at all cases (v5.0.0-2.4.1)."""
    await outreach.hear(a_fact("ada", zip5="60601"), a_fact("bob", zip5="60601"))
    transport: Any = worker.client._transport
    transport.app.state.look_ups = LookUps(120.0, lambda: 0.0)
    first = await worker.get("/cases", zip5="60601", limit=1)
    states = Counter([(await worker.get("/cases", zip5=f"{60_000 + n}")).status_code for n in range(300)])
    assert (first.status_code, states) == (200, {200: 119, 429: 181})
    more = await worker.get("/cases", zip5="60601", limit=1, after=first.json()["next"])
    assert (more.status_code, (await worker.get("/cases")).status_code) == (200, 200)
    assert (await replace(worker, name="another").get("/cases", zip5="60601")).status_code == 200


async def test_a_made_up_page_is_a_look(outreach: Outreach, worker: Worker) -> None:
    """Whoever names a place in a list that he has not begun looks a ZIP up like anybody else."""
    transport: Any = worker.client._transport
    transport.app.state.look_ups = LookUps(120.0, lambda: 0.0)
    place = f"1_1_0_{new_id().hex}"
    asked = [await worker.get("/cases", zip5=f"{60_000 + n}", after=place) for n in range(150)]
    assert Counter(answer.status_code for answer in asked) == {200: 120, 429: 30}


async def test_claim_filters(outreach: Outreach, worker: Worker) -> None:
    """A claim by ZIP or language gives such cases only."""
    await outreach.hear(a_fact("ada"), a_fact("bob", zip5="60601"), a_fact("cyd", language="es"))
    assert [case["zip5"] for case in await worker.claim(zip5="60601")] == ["60601"]
    assert [case["language"] for case in await worker.claim(language="es")] == ["es"]
    assert await worker.claim(language="pl") == []


async def test_expired_lease_is_free_again(outreach: Outreach, worker: Worker) -> None:
    """A lease that has run out protects nothing, and its holder is told so."""
    await outreach.hear(a_fact())
    await worker.claim()
    assert await replace(worker, name="otto").claim() == []
    await _let_leases_run_out(outreach)
    refused = await worker.log(ADA, "no-answer", claim=False)
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:vcc:problem:lease-expired")
    [case] = await replace(worker, name="otto").claim()
    assert case["claimed_by"] == "otto"


async def test_closing_ends_the_lease(outreach: Outreach, worker: Worker) -> None:
    """A dose takes the case out of its worker's hands; reopened, anybody may claim it."""
    await outreach.hear(a_fact())
    await worker.claim()
    await outreach.hear(a_dose())
    assert (await worker.get("/cases", mine=True)).json()["cases"] == []
    await outreach.hear(a_dose(version=2, action=DoseAction.RETRACT))
    assert len(await replace(worker, name="otto").claim()) == 1


async def test_a_dose_that_is_withheld_is_on_no_page(outreach: Outreach, worker: Worker) -> None:
    """A retraction takes the dose off the case's page and the case off the list of the vaccinated; a member whom a
    registry protects is offered to nobody."""
    await outreach.hear(a_fact(), a_dose())
    page = (await worker.get(f"/cases/{ADA}")).json()
    assert (len(page["doses"]), page["closed_reason"]) == (1, "vaccinated")
    await outreach.hear(a_dose(version=2, action=DoseAction.RETRACT), a_fact(version=2, contact_protected=True))
    page = (await worker.get(f"/cases/{ADA}")).json()
    assert (page["doses"], page["status"], page["closed_reason"]) == ([], "closed", "ineligible")
    assert await worker.claim() == []


async def test_skipped_case_sinks(outreach: Outreach, worker: Worker) -> None:
    """A case given back untouched falls behind its equals; one given back after an attempt does not."""
    await outreach.hear(a_fact("ada", priority=501), a_fact("bob", priority=500))
    [first] = await worker.claim(1)
    assert (await worker.release(ADA)).status_code == 204
    [second] = await worker.claim(1)
    assert (first["case_id"], second["case_id"]) == (str(ADA), str(case_id("bob")))
    await worker.log(case_id("bob"), "no-answer")
    await worker.release(case_id("bob"))
    rows = await outreach.fetch("select skips, claimed_by from outreach_case order by priority desc")
    assert rows == [{"skips": 1, "claimed_by": None}, {"skips": 0, "claimed_by": None}]


async def test_only_holder_or_supervisor_releases(outreach: Outreach, worker: Worker) -> None:
    """Nobody else gives a case back; a supervisor's release is no skip."""
    await outreach.hear(a_fact())
    await worker.claim()
    otto = replace(worker, name="otto")
    assert (await otto.release(ADA)).status_code == 409
    assert (await replace(otto, role="supervisor").release(ADA)).status_code == 204
    case = await outreach.case()
    assert case is not None
    assert (case["skips"], case["claimed_by"]) == (0, None)


@pytest.mark.capability("B5")
async def test_other_plan_sees_nothing(outreach: Outreach, worker: Worker) -> None:
    """To another plan's coordinator a case does not exist: not to read, list, claim, release, count or log."""
    await outreach.hear(a_fact())
    stranger = replace(worker, plan="prairie")
    answers = [await stranger.get(f"/cases/{ADA}"), await stranger.release(ADA), await stranger.log(ADA, "no-answer")]
    assert [answer.status_code for answer in answers] == [404, 404, 404]
    assert await stranger.claim() == []
    assert (await stranger.get("/cases")).json()["cases"] == []
    assert (await stranger.get("/work-summary")).json()["programmes"] == []


@pytest.mark.expects_error_log("denied")
async def test_analysts_may_not(outreach: Outreach, worker: Worker) -> None:
    """A role without member-level work is denied."""
    assert (await replace(worker, role="analyst").get("/cases")).status_code == 403


async def test_reads_are_audited(outreach: Outreach, worker: Worker) -> None:
    """Each look at single members is an audit row that names the cases."""
    await outreach.hear(a_fact())
    await worker.get("/cases")
    await worker.get(f"/cases/{ADA}")
    await worker.claim()
    query = "select principal, action, kind, subjects from audit where action = 'read' order by audit_id"
    rows = await outreach.fetch(query)
    assert rows == [{"principal": "wanda", "action": "read", "kind": "case", "subjects": [str(ADA)]}] * 3


async def test_looks_at_another_plans_case_are_audited(outreach: Outreach, worker: Worker) -> None:
    """Whoever asks for a case of another plan, to read, log or release it, stands in the trail with what was asked."""
    await outreach.hear(a_fact())
    stranger = replace(worker, name="stan", plan="prairie")
    await stranger.get(f"/cases/{ADA}")
    await stranger.log(ADA, "no-answer")
    await stranger.release(ADA)
    query = "select tenant_id, principal, action, subjects from audit where action = 'read' order by audit_id"
    rows = await outreach.fetch(query)
    assert rows == [{"tenant_id": "prairie", "principal": "stan", "action": "read", "subjects": [str(ADA)]}] * 3


async def test_list_goes_by_rank_and_by_page(outreach: Outreach, worker: Worker) -> None:
    """Pages by rank hold every case once, though their limit cuts through equals."""
    await outreach.hear(*(a_fact(f"member-{i}", priority=i // 3) for i in range(10)))
    ranks: list[int] = []
    seen: set[str] = set()
    after: dict[str, str] = {}
    while True:
        page = (await worker.get("/cases", limit=4, status="open", **after)).json()
        ranks += [case["rank"] for case in page["cases"]]
        seen |= {case["case_id"] for case in page["cases"]}
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    assert ranks == [3, 2, 2, 2, 1, 1, 1, 0, 0, 0]
    assert len(seen) == 10


async def test_why_am_i_calling_her(outreach: Outreach, worker: Worker) -> None:
    """A case tells what its rank is made of and what happened before."""
    await outreach.hear(a_fact(), a_target(), an_appointment(status=AppointmentStatus.NOSHOW))
    await outreach.hear(a_dose(administered_on=DAY - timedelta(days=400)))
    await worker.log(ADA, "left-message", topics=["side-effects"], barriers=["transportation-insecurity"])
    file = (await worker.get(f"/cases/{ADA}")).json()
    assert file["rank"] == 790
    assert file["rank_parts"] == {
        "priority": 500, "target_zip": 150, "no_show": 200, "lost_appointment": 0, "attempts": -60,
        "skips": 0, "callback_due": 0,
    }  # fmt: skip
    assert "+200: missed the last appointment, which is no refusal." in file["why"]
    assert "Last attempt: 2021-03-01, phone, left-message." in file["why"]
    assert [one["barriers"] for one in file["history"]] == [["transportation-insecurity"]]
    assert ([one["status"] for one in file["appointments"]], [one["state"] for one in file["doses"]]) == (
        ["noshow"],
        ["recorded"],
    )


async def test_attempt_sent_again_counts_once(outreach: Outreach, worker: Worker) -> None:
    """An attempt repeated with its key is logged and announced once."""
    await outreach.hear(a_fact())
    key = str(new_id())
    first, again = await worker.log(ADA, "no-answer", key), await worker.log(ADA, "no-answer", key)
    assert (first.status_code, first.json()) == (201, again.json())
    [said] = await outreach.announced("vcc.contact-attempt.logged.v1")
    assert (said["attempt_id"], said["worker_id"]) == (first.json()["attempt_id"], "wanda")


@pytest.mark.capability("A6", "B6")
async def test_what_was_given_and_explained_is_on_record(outreach: Outreach, worker: Worker) -> None:
    """Motivational interviewing, information and support, and what was explained, stand in the case and are told."""
    await outreach.hear(a_fact())
    said: dict[str, Any] = {"given": ["motivational-interviewing", "support"], "topics": ["safety", "getting-there"]}
    assert (await worker.log(ADA, "complete", **said)).status_code == 201
    [record] = (await worker.get(f"/cases/{ADA}")).json()["history"]
    [told] = await outreach.announced("vcc.contact-attempt.logged.v1")
    for one in (record, told):
        assert {name: sorted(one[name]) for name in said} == {name: sorted(codes) for name, codes in said.items()}
    assert (await worker.log(ADA, "complete", given=["a-lecture"])).status_code == 422


async def test_attempt_dated_back_counts_on_its_own_day(outreach: Outreach, worker: Worker) -> None:
    """The day of an attempt is that of the programme's time zone, also when it is logged later."""
    await outreach.hear(a_fact())
    late_at_night = NOON.replace(day=1, hour=3)  # still 28 February in Chicago
    await worker.log(ADA, "no-answer", attempted_at=late_at_night.isoformat())
    [said] = await outreach.announced("vcc.contact-attempt.logged.v1")
    assert said["attempted_on"] == "2021-02-28"


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"disposition": "initial-refusal"}, "refusal_domain"),
        ({"refusal_domain": "motivation"}, "refusal_domain"),
        ({"disposition": "callback-scheduled"}, "callback_at"),
        ({"barriers": ["left-handedness"]}, "barrier"),
        ({"topics": ["astrology"]}, "topic"),
        ({"language": "es"}, "language"),
        ({"stop_channels": ["letter"]}, "stop_channels"),
        ({"phone_number": "x"}, "Extra"),
    ],
)
async def test_unusable_attempt_is_named(outreach: Outreach, worker: Worker, said: Any, expected: str) -> None:
    """A record that does not fit is answered with 422 and a sentence that names what was expected."""
    await outreach.hear(a_fact())
    answer = await worker.log(ADA, **({"disposition": "no-answer"} | said))
    assert answer.status_code == 422
    assert expected in answer.text


async def _refused(worker: Worker, **said: Any) -> str:
    answer = await worker.log(ADA, **({"disposition": "no-answer"} | said))
    assert answer.status_code == 409, answer.text
    return str(answer.json()["type"]).removeprefix("urn:vcc:problem:")


async def test_unclaimed_and_foreign_cases_are_refused(outreach: Outreach, worker: Worker) -> None:
    """Without a lease, or against another's, nothing is logged."""
    await outreach.hear(a_fact())
    assert await _refused(worker, claim=False) == "not-claimed-by-you"
    await replace(worker, name="otto").claim()
    assert await _refused(worker) == "not-claimed-by-you"
    assert await outreach.announced("vcc.contact-attempt.logged.v1") == []


async def test_protected_and_closed_are_refused(outreach: Outreach, worker: Worker) -> None:
    """A protected member and a closed case take no attempts."""
    await outreach.hear(a_fact(), a_fact(version=2, status=EligibilityStatus.INELIGIBLE, reasons=("under-age",)))
    assert await _refused(worker) == "case-closed"
    await outreach.hear(a_fact(version=3, contact_protected=True))
    assert await _refused(worker) == "contact-protected"


async def test_future_attempts_are_refused(outreach: Outreach, worker: Worker) -> None:
    """An attempt of a day that has not come is refused."""
    await outreach.hear(a_fact())
    assert await _refused(worker, attempted_at="2121-03-01T18:00:00Z") == "attempt-in-future"


async def test_sixth_attempt_in_the_window_is_refused(outreach: Outreach, worker: Worker) -> None:
    """After five attempts in thirty days the sixth is refused and the case rests until the first falls out."""
    await outreach.hear(a_fact(), a_day(10))
    for day in range(5):
        at = NOON + timedelta(days=day)
        assert (await worker.log(ADA, "no-answer", attempted_at=at.isoformat())).status_code == 201
    case = await outreach.case()
    assert case is not None
    assert (case["held_by"], case["held_until_on"]) == ("attempts", DAY + timedelta(days=30))
    assert await _refused(worker, attempted_at=(NOON + timedelta(days=10)).isoformat()) == "too-many-attempts"
    await outreach.hear(a_day(30))
    at = NOON + timedelta(days=30)
    assert (await worker.log(ADA, "no-answer", attempted_at=at.isoformat())).status_code == 201


async def test_summary_counts_the_work(outreach: Outreach, worker: Worker) -> None:
    """The summary says what is open, claimable, claimed, booked and closed, and why."""
    await outreach.hear(a_fact("ada"), a_fact("bob"), a_fact("cyd"), a_fact("dot"))
    await outreach.hear(an_appointment("bob"), a_dose("cyd"))
    await worker.claim(1)
    [counts] = (await worker.get("/work-summary")).json()["programmes"]
    expected = {"cases": 4, "open": 3, "closed": 1, "claimable": 1, "claimed": 1, "booked": 1}
    assert {name: counts[name] for name in expected} == expected
    assert counts["closed_by_reason"] == {"vaccinated": 1}


async def test_subject_that_is_no_code_gets_a_fingerprint(outreach: Outreach, worker: Worker) -> None:
    """A worker whose token names an e-mail address stands in events as a fingerprint."""
    await outreach.hear(a_fact())
    await replace(worker, name="Wanda@Example.org").log(ADA, "no-answer")
    [said] = await outreach.announced("vcc.contact-attempt.logged.v1")
    assert said["worker_id"].startswith("w-")


async def _let_leases_run_out(outreach: Outreach) -> None:
    await outreach.fetch(
        "update outreach_case set lease_until = clock_timestamp() - interval '1 second' where claimed_by is not null"
    )


@pytest.mark.parametrize(
    "said",
    [
        {"attempted_at": "0001-01-01T00:00:00Z"},
        {"attempted_at": "9999-12-31T23:59:00-12:00"},
        {"disposition": "callback-scheduled", "callback_at": "9999-12-31T23:59:00-12:00"},
        {"disposition": "callback-scheduled", "callback_at": (NOON + timedelta(days=91)).isoformat()},
    ],
)
async def test_no_time_that_nobody_meant(outreach: Outreach, worker: Worker, said: dict[str, str]) -> None:
    """An attempt at the calendar's ends, or a callback more than 90 days after it, is refused and leaves no trace."""
    await outreach.hear(a_fact())
    answer = await worker.log(case_id("ada"), **({"disposition": "no-answer"} | said))
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:vcc:problem:invalid-request")
    assert await outreach.fetch("select * from attempt") == []


async def test_callback_within_ninety_days(outreach: Outreach, worker: Worker) -> None:
    """Ninety days ahead is not too late."""
    await outreach.hear(a_fact())
    at = (NOON + timedelta(days=90)).isoformat()
    assert (await worker.log(case_id("ada"), "callback-scheduled", callback_at=at)).status_code == 201
