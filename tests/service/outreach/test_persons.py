"""One person is one entry of the list, and the list is in the order of the claims."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from schemas.scheduling_v1 import AppointmentStatus
from services.kit.audit_for_plans import load_for_all
from services.kit.audit_search import names_of
from services.kit.postgres import transaction
from services.outreach.cases.store import NAMES_FOR_PLANS, NAMES_IN_TRAIL
from tests.facts import NOON, a_day, a_fact, a_merge, an_appointment, enrolment_id, member_token
from tests.service.outreach.builders import Outreach, Worker, case_id

pytestmark = pytest.mark.postgres
ADA, FLU = case_id("ada"), case_id("ada", programme="flu-2021")


async def _let_be_due(outreach: Outreach, name: str, minutes_ago: int) -> None:
    await outreach.fetch(
        "update outreach_case set callback_at = clock_timestamp() - make_interval(mins => $2), held_by = null,"
        " held_until_on = null, callback_worker = 'wanda' where case_id = $1",
        case_id(name), minutes_ago,
    )  # fmt: skip


async def test_two_programmes_are_one_call(outreach: Outreach, worker: Worker) -> None:
    """Of a member under two programmes the better case is claimed; nobody gets the other one meanwhile, and its holder
    sees and may work on both."""
    otto = replace(worker, name="otto")
    await outreach.hear(a_fact(), a_fact(programme_id="flu-2021", priority=600))
    [first] = await worker.claim()
    assert (first["case_id"], await otto.claim(), await worker.claim()) == (str(FLU), [], [])
    assert (await otto.log(ADA, "no-answer")).json()["type"] == "urn:vcc:problem:not-claimed-by-you"
    [other] = (await worker.get(f"/cases/{FLU}")).json()["other_cases"]
    assert (other["case_id"], other["held"]) == (str(ADA), False)
    summary = (await worker.get("/work-summary")).json()["programmes"]
    assert [counts["claimable"] for counts in summary] == [0, 0]
    assert (await worker.log(ADA, "no-answer")).status_code == 201
    for case in (ADA, FLU):
        await worker.release(case)
    assert await otto.claim() == []
    await outreach.hear(a_day(1))
    assert len(await otto.claim()) == 1


async def test_two_tokens_of_one_person_are_one_call(outreach: Outreach, worker: Worker) -> None:
    """Also where the plan has the person under two tokens."""
    await outreach.hear(a_fact("ada"), a_fact("adda"), a_merge("adda", "ada"))
    await outreach.hear(a_fact("adda", 2, member_token=a_fact("ada").member_token))
    assert len(await worker.claim()) == 1


async def test_twenty_claimers_never_share_a_person(outreach: Outreach, worker: Worker) -> None:
    """Twenty workers claim at once from forty persons under three programmes: each person once, all of them."""
    names = [f"member-{i}" for i in range(40)]
    programmes = ("connectors-65", "flu-2021", "zoster-2021")
    facts = [a_fact(name, programme_id=one, priority=i) for i, name in enumerate(names) for one in programmes]
    await outreach.hear(*facts)
    workers = [replace(worker, name=f"worker-{i}") for i in range(20)]
    claims = await asyncio.gather(*(one.claim(2, programme_id=programmes[i % 3]) for i, one in enumerate(workers)))
    persons = Counter(case["member_token"] for cases in claims for case in cases)
    assert (len(persons), set(persons.values())) == (40, {1})


async def test_the_list_goes_as_claims_do(outreach: Outreach, worker: Worker) -> None:
    """Promised calls that are due come first, the longest due before the others, then the ranks; page by page the same
    as at once, and as claims give them."""
    names = [f"member-{i}" for i in range(6)]
    await outreach.hear(*(a_fact(name, priority=100 * i) for i, name in enumerate(names)))
    for name, minutes in (("member-0", 50), ("member-2", 5), ("member-3", -90)):
        await _let_be_due(outreach, name, minutes)
    whole = [case["case_id"] for case in (await worker.get("/cases", status="open")).json()["cases"]]
    order = ("member-0", "member-2", "member-5", "member-4", "member-3", "member-1")
    assert whole == [str(case_id(name)) for name in order]
    paged: list[str] = []
    after: dict[str, Any] = {}
    for _ in range(6):
        page = (await worker.get("/cases", limit=1, status="open", **after)).json()
        paged += [case["case_id"] for case in page["cases"]]
        after = {"after": page["next"]}
    assert paged == whole
    claimed = [case["case_id"] for case in await worker.claim()]
    assert claimed == [one for one in whole if one != str(case_id("member-3"))]


async def test_calls_promised_for_one_hour_go_as_the_list_does(outreach: Outreach, worker: Worker) -> None:
    """Promised for the same time, they are claimed together, or one by one, in the order of the list."""
    names = [f"member-{i}" for i in range(8)]
    await outreach.hear(*(a_fact(name, priority=100 * i) for i, name in enumerate(names)))
    await outreach.fetch(
        "update outreach_case set callback_at = date_trunc('hour', clock_timestamp() - interval '10 minutes'),"
        " callback_worker = 'wanda', held_by = null, held_until_on = null"
    )
    listed = [case["case_id"] for case in (await worker.get("/cases")).json()["cases"]]
    claimed = [case["case_id"] for case in [*await worker.claim(3), *await worker.claim(1), *await worker.claim()]]
    assert claimed == listed


async def test_a_clinic_that_cancels_after_the_fifth_attempt(outreach: Outreach, worker: Worker) -> None:
    """The member is callable at once, first of all, and the worker reads why; the sixth attempt is none too many."""
    await outreach.hear(a_fact(), a_fact("bob", priority=800), an_appointment(days=9, occurred_at=NOON))
    for hour in range(5):
        at = (NOON + timedelta(hours=hour)).isoformat()
        assert (await worker.log(ADA, "no-answer", attempted_at=at)).status_code == 201
    held = await outreach.case()
    assert held is not None
    assert held["held_by"] == "attempts"
    await worker.release(ADA)
    later = NOON + timedelta(hours=6)
    gone: dict[str, Any] = {
        "status": AppointmentStatus.CANCELLED, "cancellation_reason": "prov-pers", "occurred_at": later,
    }  # fmt: skip
    await outreach.hear(an_appointment(version=2, days=9, **gone))
    [case] = await worker.claim(1)
    assert (case["case_id"], case["flags"], case["rank_parts"]["lost_appointment"]) == (
        str(ADA), ["appointment-lost"], 1000,
    )  # fmt: skip
    why = (await worker.get(f"/cases/{ADA}")).json()["why"]
    assert "Telephone: the appointment is off, not by the member's wish, and nobody has told him (prov-pers)." in why
    at = (later + timedelta(minutes=5)).isoformat()
    assert (await worker.log(ADA, "no-answer", attempted_at=at)).status_code == 201


async def test_an_overdue_outcome_is_told(outreach: Outreach, worker: Worker) -> None:
    """An appointment that is past without an outcome is flagged on the card and said in words."""
    await outreach.hear(a_fact(), an_appointment(days=1), a_day(3))
    await outreach.hear(an_appointment(version=2, days=1, outcome_overdue=True, by_rule=True))
    file = (await worker.get(f"/cases/{ADA}")).json()
    assert (file["flags"], file["appointments"][0]["outcome_overdue"]) == (["outcome-overdue"], True)
    assert "An appointment is past without an outcome: ask the site." in file["why"]


async def test_new_number_reopens(outreach: Outreach, worker: Worker) -> None:
    """An unreachable member is open again once a roster brings another number; tried in vain, that one closes too."""
    await outreach.hear(a_fact(phone_version=1))
    for channel in ("phone", "email", "letter", "visit"):
        await worker.log(ADA, "wrong-number", channel=channel)
    closed = await outreach.case()
    await outreach.hear(a_fact(version=2, phone_version=2))
    again = await outreach.case()
    assert closed is not None
    assert again is not None
    assert (closed["closed_reason"], again["status"], again["next_channel"]) == ("unreachable", "open", "phone")
    await worker.log(ADA, "disconnected", channel="text")
    case = await outreach.case()
    assert case is not None
    assert case["closed_reason"] == "unreachable"


@pytest.mark.parametrize(("said", "kept"), [("ES", "es"), ("es-MX", "es"), ("zh-Hant", "zh"), ("und", "und")])
async def test_languages_by_bcp_47(outreach: Outreach, worker: Worker, said: str, kept: str) -> None:
    """However a tag is written, the language is the same at every door."""
    await outreach.hear(a_fact(language="en"))
    case = (await worker.log(ADA, "language-barrier", language=said)).json()["case"]
    assert case["language"] == kept
    assert len((await worker.get("/cases", language=said)).json()["cases"]) == 1
    assert len(await worker.claim(language=said)) == 1


@pytest.mark.parametrize("said", ["spanish", "Spanish", "español", "e", "xx", "es--MX", "99", "english-us"])
async def test_what_is_no_language_is_refused(outreach: Outreach, worker: Worker, said: str) -> None:
    """A word that is no tag of BCP 47 is refused at every door, with what was expected and without the word."""
    await outreach.hear(a_fact())
    answers = [
        await worker.log(ADA, "language-barrier", language=said),
        await worker.get("/cases", language=said),
        await worker.client.post("/claims", json={"language": said}, headers=worker._headers()),
    ]
    assert [answer.status_code for answer in answers] == [422, 422, 422]
    assert all("BCP 47" in answer.text or "characters" in answer.text for answer in answers)
    assert not any(f'"{said}"' in answer.text for answer in answers)


@pytest.mark.capability("D15", "E6")
async def test_health_workers_see_whom_they_visit(outreach: Outreach, worker: Worker) -> None:
    """A community health worker reads the case, its appointments and their sites; each look is in the trail."""
    await outreach.hear(a_fact(), an_appointment())
    chw = replace(worker, name="chao", role="chw")
    file = await chw.get(f"/cases/{ADA}")
    assert (file.status_code, file.json()["appointments"][0]["site_id"]) == (200, "united-center")
    assert (await chw.log(ADA, "complete", channel="visit")).status_code == 201
    rows = await outreach.fetch("select principal, action, subjects from audit where action = 'read' order by audit_id")
    assert rows == [{"principal": "chao", "action": "read", "subjects": [str(ADA)]}] * 2


async def test_the_trail_names_a_person_in_many_ways(outreach: Outreach, worker: Worker) -> None:
    """Whichever of his tokens is asked for: all of them, his enrolments, his cases and his attempts, and of nobody
    else's."""
    await outreach.hear(a_fact("ada"), a_fact("adda"), a_fact("bob"))
    await worker.claim(3)
    assert (await worker.log(ADA, "no-answer")).status_code == 201
    await outreach.hear(a_merge("adda", "ada"))
    [attempt] = await outreach.fetch("select attempt_id from attempt")
    tokens, cases = [a_fact(name).member_token for name in ("ada", "adda")], [ADA, case_id("adda")]
    enrolments = [enrolment_id(name) for name in ("ada", "adda")]
    async with transaction(outreach.database.pool, "*") as connection:
        for token in tokens:
            names = await names_of(connection, NAMES_IN_TRAIL, token)
            assert names == sorted(map(str, [*tokens, *cases, *enrolments, attempt["attempt_id"]]))
        stranger = await names_of(connection, NAMES_IN_TRAIL, member_token("carol"))
        assert stranger == [str(member_token("carol"))]


async def test_a_plan_is_named_its_own_ids_alone(outreach: Outreach, worker: Worker) -> None:
    """By which its auditor finds who looked for all plans: case, enrolment and attempt of its own; no token, which may
    be another plan's, and nothing where it does not have the member."""
    prairies = a_fact("adda", tenant_id="prairie")
    await outreach.hear(a_fact("ada"), prairies, a_merge("adda", "ada"))
    await worker.claim(1)
    assert (await worker.log(ADA, "no-answer")).status_code == 201
    [attempt] = await outreach.fetch("select attempt_id from attempt")
    expected = {
        "lakeshore": {str(ADA), str(enrolment_id("ada")), str(attempt["attempt_id"])},
        "prairie": {str(case_id("adda", "prairie")), str(prairies.enrolment_id)},
        "third": set(),
    }
    async with transaction(outreach.database.pool, "*") as connection:
        for plan, names in expected.items():
            found = await load_for_all(connection, NAMES_FOR_PLANS, plan, a_fact("adda").member_token)
            assert names == ({name.subject for name in found.names} if found else set())
