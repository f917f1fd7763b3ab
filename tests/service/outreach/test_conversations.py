"""What was spoken of in an attempt: recorded, corrected, read before the next call, and forgotten on erasure."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from services.kit.ids import new_id
from tests.facts import a_fact
from tests.service.outreach.builders import Outreach, Worker, case_id, client_of
from tests.service.outreach.contacts import a_contact, withdrawn

pytestmark = pytest.mark.postgres
SPOKEN: dict[str, Any] = {
    "stage": "evoking",
    "techniques": ["open-question", "reflection"],
    "answers": [{"question": "intention", "answer": "not-sure"}, {"question": "family-norms", "answer": "no"}],
    "materials": [{"material": "side-effects-sheet", "language": "es"}],
    "teach_back": "partly",
    "minutes": 12,
    "notes": "his daughter QUOKKAMARA comes on Sundays",
}


@pytest.fixture
async def supervisor(outreach: Outreach) -> AsyncIterator[Worker]:
    async with client_of(outreach.database) as client:
        yield Worker(client, "sue", role="supervisor")


async def interviewed(worker: Worker, disposition: str = "complete") -> str:
    """The id of an attempt in which the member was interviewed."""
    answer = await worker.log(case_id("ada"), disposition, given=["motivational-interviewing"])
    assert answer.status_code == 201, answer.text
    return str(answer.json()["attempt_id"])


async def record(who: Worker, attempt: str, body: dict[str, Any]) -> httpx.Response:
    headers = {"X-Worker": who.name, "X-Plan": who.plan, "X-Role": who.role, "Idempotency-Key": str(new_id())}
    return await who.client.post(f"/attempts/{attempt}/conversation", json=body, headers=headers)


def code_of(answer: httpx.Response) -> str:
    return str(answer.json()["type"]).removeprefix("urn:vcc:problem:")


@pytest.mark.capability("A6")
async def test_an_attempt_keeps_what_was_given_and_said(outreach: Outreach, worker: Worker) -> None:
    """Stage and techniques of the interview, answers by their domain of hesitancy, material with its version and
    language, teach-back, duration and notes are read as they were recorded."""
    await outreach.hear(a_fact("ada"))
    attempt = await interviewed(worker)
    told = await record(worker, attempt, SPOKEN)
    assert told.status_code == 201, told.text
    read = (await worker.get(f"/attempts/{attempt}/conversation")).json()
    assert (read["stage"], read["techniques"], read["teach_back"], read["minutes"], read["notes"]) == (
        "evoking", ["open-question", "reflection"], "partly", 12, SPOKEN["notes"],
    )  # fmt: skip
    assert {(one["question"], one["domain"], one["answer"]) for one in read["answers"]} == {
        ("intention", "motivation", "not-sure"), ("family-norms", "social-processes", "no"),
    }  # fmt: skip
    assert read["materials"] == [{"material": "side-effects-sheet", "language": "es", "version": 1}]


async def test_a_corrected_record_takes_the_place_of_the_last_one(outreach: Outreach, worker: Worker) -> None:
    """The last one is read, both are on record, and the next briefing shows it."""
    await outreach.hear(a_fact("ada"))
    attempt = await interviewed(worker)
    await record(worker, attempt, SPOKEN)
    assert (await record(worker, attempt, {"minutes": 21})).status_code == 201
    assert (await worker.get(f"/attempts/{attempt}/conversation")).json()["minutes"] == 21
    kept = await outreach.fetch("select sealed_notes is not null as has_notes from conversation order by recorded_at")
    assert [row["has_notes"] for row in kept] == [False, False]
    [before] = (await worker.get(f"/cases/{case_id('ada')}/briefing")).json()["spoken_before"]
    assert (before["attempt_id"], before["minutes"], before["notes"]) == (attempt, 21, None)


async def test_what_was_taken_back_is_spoken_of_no_more(outreach: Outreach, worker: Worker) -> None:
    """Of an attempt entered in error nothing is recorded any more, and no briefing shows what was."""
    await outreach.hear(a_fact("ada"))
    attempt = await interviewed(worker)
    await record(worker, attempt, SPOKEN)
    await worker.retract(attempt)
    assert (await worker.get(f"/cases/{case_id('ada')}/briefing")).json()["spoken_before"] == []
    assert (await worker.get(f"/attempts/{attempt}/conversation")).status_code == 404
    assert code_of(await record(worker, attempt, SPOKEN)) == "attempt-retracted"


@pytest.mark.parametrize(
    ("disposition", "body", "code"),
    [
        ("no-answer", {"stage": "engaging"}, "nobody-reached"),
        ("complete", {"materials": [{"material": "side-effects-sheet", "language": "vi"}]}, "material-not-available"),
        ("complete", {}, "invalid-request"),
        ("complete", {"techniques": ["hypnosis"]}, "invalid-request"),
        ("complete", {"answers": [{"question": "know-where", "answer": "very"}]}, "invalid-request"),
        ("complete", {"answers": [{"question": "intention", "answer": "no"}] * 2}, "invalid-request"),
        ("complete", {"minutes": 241}, "invalid-request"),
        ("complete", {"notes": "\u200b"}, "invalid-request"),
    ],
)
async def test_what_does_not_go_with_the_attempt_is_refused(
    outreach: Outreach, worker: Worker, disposition: str, body: dict[str, Any], code: str
) -> None:
    """With its reason, and nothing is kept."""
    await outreach.hear(a_fact("ada"))
    attempt = await interviewed(worker, disposition)
    assert code_of(await record(worker, attempt, body)) == code
    assert await outreach.fetch("select 1 from conversation") == []


async def test_only_its_worker_or_a_supervisor_records_it(
    outreach: Outreach, worker: Worker, supervisor: Worker
) -> None:
    """Another worker is refused; another plan's attempt is nobody's."""
    await outreach.hear(a_fact("ada"))
    attempt = await interviewed(worker)
    assert code_of(await record(Worker(worker.client, "olga"), attempt, SPOKEN)) == "not-your-attempt"
    assert (await record(supervisor, attempt, SPOKEN)).status_code == 201
    other = Worker(worker.client, "otto", plan="other")
    assert code_of(await record(other, attempt, SPOKEN)) == "unknown-attempt"
    assert (await other.get(f"/attempts/{attempt}/conversation")).status_code == 404


async def test_notes_are_sealed_and_leave_by_no_event(outreach: Outreach, worker: Worker) -> None:
    """What was written freely stands in no column in plain text, and in no event."""
    await outreach.hear(a_fact("ada"))
    attempt = await interviewed(worker)
    await record(worker, attempt, SPOKEN)
    [kept] = await outreach.fetch("select sealed_notes from conversation")
    assert b"QUOKKAMARA" not in kept["sealed_notes"]
    payloads = await outreach.fetch("select payload from outbox")
    assert payloads
    assert not any(b"QUOKKAMARA" in bytes(row["payload"]) for row in payloads)


@pytest.mark.parametrize("is_erased", [False, True])
async def test_notes_go_with_the_details(outreach: Outreach, worker: Worker, is_erased: bool) -> None:
    """When a member's details are withdrawn or erased, notes are deleted, and none is taken any more; codes and answers
    stay."""
    await outreach.hear(a_fact("ada"), a_contact())
    attempt = await interviewed(worker)
    await record(worker, attempt, SPOKEN)
    await outreach.hear(withdrawn(version=2).model_copy(update={"is_erased": is_erased}))
    read = (await worker.get(f"/attempts/{attempt}/conversation")).json()
    assert (read["notes"], read["stage"]) == (None, "evoking")
    assert code_of(await record(worker, attempt, SPOKEN)) == "notes-not-kept"
    assert (await record(worker, attempt, {"minutes": 3})).status_code == 201
