"""Disposition → effect: each row of the table, through the API, on a real database."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from schemas.outreach_v1 import Disposition
from services.outreach.contacts.dispositions import EFFECTS
from tests.facts import DAY, NOON, a_day, a_fact, an_appointment
from tests.service.outreach.builders import Outreach, Worker, case_id

pytestmark = pytest.mark.postgres
ADA = case_id("ada")


async def _logged(worker: Worker, disposition: str, **said: Any) -> dict[str, Any]:
    answer = await worker.log(ADA, disposition, **said)
    assert answer.status_code == 201, answer.text
    case: dict[str, Any] = answer.json()["case"]
    return case


def test_every_disposition_has_an_effect() -> None:
    """No disposition is without its row."""
    assert set(EFFECTS) == set(Disposition)


@pytest.mark.parametrize(
    "disposition",
    ["complete", "no-answer", "busy", "answering-machine", "left-message", "third-party"],
)
async def test_attempt_without_outcome_counts_and_rests(outreach: Outreach, worker: Worker, disposition: str) -> None:
    """It counts as an attempt, lowers the rank, keeps the lease, and nobody else is offered the case that day."""
    await outreach.hear(a_fact())
    case = await _logged(worker, disposition)
    assert (case["attempts"], case["rank"], case["claimed_by"]) == (1, 440, "wanda")
    assert (case["status"], case["held_by"], case["held_until_on"]) == ("open", "resting", "2021-03-02")
    await worker.release(ADA)
    assert await worker.claim() == []
    await outreach.hear(a_day(1))
    assert len(await worker.claim()) == 1


@pytest.mark.parametrize("disposition", ["wrong-number", "disconnected", "fax"])
async def test_dead_number_leads_to_the_next_channel(outreach: Outreach, worker: Worker, disposition: str) -> None:
    """The channel is invalid, texts to the same number too, the next one is named, the worker goes on with it."""
    await outreach.hear(a_fact())
    case = await _logged(worker, disposition)
    assert (case["next_channel"], case["status"], case["claimed_by"]) == ("email", "open", "wanda")
    file = (await worker.get(f"/cases/{ADA}")).json()
    assert file["invalid_channels"] == ["phone", "text"]


@pytest.mark.capability("D15")
async def test_no_channel_left_is_unreachable(outreach: Outreach, worker: Worker) -> None:
    """Once every channel is invalid the case closes as unreachable."""
    await outreach.hear(a_fact())
    for channel in ("phone", "email", "letter"):
        await _logged(worker, "wrong-number", channel=channel)
    case = await _logged(worker, "wrong-number", channel="visit")
    assert (case["status"], case["closed_reason"]) == ("closed", "unreachable")


async def test_do_not_call_stops_calls_and_texts(outreach: Outreach, worker: Worker) -> None:
    """Calls and texts stop and every case of the member at every plan closes; letters and visits are not stopped."""
    await outreach.hear(a_fact(), a_fact(programme_id="flu-2021"), a_fact("ada", tenant_id="prairie"))
    case = await _logged(worker, "do-not-call")
    assert (case["status"], case["closed_reason"], case["claimed_by"]) == ("closed", "opted-out", None)
    file = (await worker.get(f"/cases/{ADA}")).json()
    assert file["stopped_channels"] == ["phone", "text"]
    other = case_id("ada", programme="flu-2021")
    assert (await worker.get(f"/cases/{other}")).json()["closed_reason"] == "opted-out"
    refused = await worker.log(other, "no-answer")
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:vcc:problem:opted-out")
    await outreach.review()
    elsewhere = await outreach.case("ada", "prairie")
    assert elsewhere is not None
    assert elsewhere["closed_reason"] == "opted-out"


@pytest.mark.capability("D15")
async def test_letters_stop_when_that_is_said_too(outreach: Outreach, worker: Worker) -> None:
    """Other channels are stopped by name."""
    await outreach.hear(a_fact())
    await _logged(worker, "do-not-call", stop_channels=["letter", "visit"])
    file = (await worker.get(f"/cases/{ADA}")).json()
    assert file["stopped_channels"] == ["letter", "phone", "text", "visit"]


async def test_opt_out_outlives_a_new_fact(outreach: Outreach, worker: Worker) -> None:
    """Whatever eligibility says later, an opted-out member is not called."""
    await outreach.hear(a_fact())
    await _logged(worker, "do-not-call")
    await outreach.hear(a_fact(version=2, priority=900, zip5="60601"), a_day(90))
    case = await outreach.case()
    assert case is not None
    assert case["closed_reason"] == "opted-out"


async def test_deceased_pauses_until_eligibility_speaks(outreach: Outreach, worker: Worker) -> None:
    """A report of death pauses at once and without end, for a fact that has not weighed it changes nothing."""
    await outreach.hear(a_fact())
    case = await _logged(worker, "deceased")
    assert (case["status"], case["paused_by"], case["paused_until_on"]) == ("paused", "death-reported", None)
    await outreach.hear(a_fact(version=2), an_appointment(), a_day(60))
    still = await outreach.case()
    assert still is not None
    assert (still["status"], still["flags"]) == ("paused", "death-reported")
    assert await worker.claim() == []


async def test_moved_holds_until_eligibility_says_otherwise(outreach: Outreach, worker: Worker) -> None:
    """The case closes as moved; a fact with the old place changes nothing, one with a new place reopens it."""
    await outreach.hear(a_fact())
    case = await _logged(worker, "moved")
    await outreach.hear(a_fact(version=2, priority=501))
    still = await outreach.case()
    await outreach.hear(a_fact(version=3, zip5="60601"))
    again = await outreach.case()
    assert still is not None
    assert again is not None
    assert (case["closed_reason"], still["closed_reason"], again["status"]) == ("moved", "moved", "open")


async def test_language_barrier_goes_to_a_matching_worker(outreach: Outreach, worker: Worker) -> None:
    """The case is free at once, but only for somebody who speaks the language."""
    await outreach.hear(a_fact())
    case = await _logged(worker, "language-barrier", language="es")
    assert (case["needs_language"], case["language"], case["claimed_by"]) == (True, "es", None)
    assert await worker.claim() == []
    assert await worker.claim(language="en") == []
    [claimed] = await replace(worker, name="lupe").claim(language="es")
    assert claimed["case_id"] == str(ADA)


@pytest.mark.capability("A4")
async def test_refusal_pauses_thirty_days(outreach: Outreach, worker: Worker) -> None:
    """A refusal is told with its domain and pauses the case for thirty days."""
    await outreach.hear(a_fact())
    case = await _logged(worker, "initial-refusal", refusal_domain="practical-issues")
    assert (case["status"], case["paused_until_on"], case["claimed_by"]) == ("paused", "2021-03-31", None)
    [said] = await outreach.announced("vcc.contact-attempt.logged.v1")
    assert said["refusal_domain"] == "practical-issues"
    await outreach.hear(a_day(29))
    assert await worker.claim() == []
    await outreach.hear(a_day(30))
    assert len(await worker.claim()) == 1
    assert [one["status"] for one in await outreach.announced()] == ["open", "paused", "open"]


async def test_change_of_mind_ends_the_pause(outreach: Outreach, worker: Worker) -> None:
    """A member who refused and then books is no longer paused."""
    await outreach.hear(a_fact())
    await _logged(worker, "initial-refusal", refusal_domain="motivation")
    case = await _logged(worker, "booked", attempted_at=(NOON + timedelta(hours=2)).isoformat())
    assert (case["status"], case["held_by"]) == ("open", "booked")


@pytest.mark.capability("B7")
async def test_booked_is_off_the_list(outreach: Outreach, worker: Worker) -> None:
    """The worker's word holds for seven days; the appointment itself, once heard, decides."""
    await outreach.hear(a_fact(), a_fact("bob"))
    case = await _logged(worker, "booked")
    assert (case["held_by"], case["held_until_on"], case["claimed_by"]) == ("booked", "2021-03-08", None)
    await outreach.hear(an_appointment(days=20))
    booked = await outreach.case()
    assert booked is not None
    assert booked["held_until_on"] == DAY + timedelta(days=21)


async def test_self_reported_dose_pauses_only(outreach: Outreach, worker: Worker) -> None:
    """Already vaccinated, says the member: paused for thirty days, not closed as vaccinated."""
    await outreach.hear(a_fact())
    case = await _logged(worker, "already-vaccinated")
    assert (case["status"], case["closed_reason"], case["paused_until_on"]) == ("paused", None, "2021-03-31")


async def test_callback_waits_for_its_time_and_its_worker(outreach: Outreach, worker: Worker) -> None:
    """Before its time nobody gets the case; then its worker does, before all ranks; later anybody."""
    otto = replace(worker, name="otto")
    await outreach.hear(a_fact("ada", priority=1), a_fact("bob", priority=900))
    tomorrow = NOON + timedelta(days=1)
    case = await _logged(worker, "callback-scheduled", callback_at=tomorrow.isoformat())
    assert (case["held_by"], case["claimed_by"], case["callback_worker"]) == ("callback", None, "wanda")
    assert [one["case_id"] for one in await otto.claim()] == [str(case_id("bob"))]
    await outreach.hear(a_day(1))
    await _move_callback(outreach, minutes_ago=5)
    assert await otto.claim() == []
    [vested] = await worker.claim(1)
    assert (vested["case_id"], vested["rank_parts"]["callback_due"]) == (str(ADA), 2000)
    await worker.release(ADA)
    await _move_callback(outreach, minutes_ago=61)
    assert [one["case_id"] for one in await otto.claim()] == [str(ADA)]


async def test_callback_in_the_future_is_nobodys_yet(outreach: Outreach, worker: Worker) -> None:
    """On its day, but before its hour, a callback is claimed by nobody."""
    await outreach.hear(a_fact())
    await _logged(worker, "callback-scheduled", callback_at=(NOON + timedelta(days=1)).isoformat())
    await outreach.hear(a_day(1))
    await _move_callback(outreach, minutes_ago=-180)
    assert await worker.claim() == []
    await _move_callback(outreach, minutes_ago=0)
    assert len(await worker.claim()) == 1


async def test_promised_call_is_made_after_many_attempts(outreach: Outreach, worker: Worker) -> None:
    """The limit of attempts does not break a promise: the sixth attempt is the callback that was asked for."""
    await outreach.hear(a_fact(), a_day(10))
    for day in range(4):
        await _logged(worker, "no-answer", attempted_at=(NOON + timedelta(days=day)).isoformat())
    at, then = NOON + timedelta(days=5), NOON + timedelta(days=6)
    await _logged(worker, "callback-scheduled", attempted_at=at.isoformat(), callback_at=then.isoformat())
    case = await _logged(worker, "booked", attempted_at=then.isoformat())
    assert case["attempts"] == 6


async def _move_callback(outreach: Outreach, minutes_ago: int) -> None:
    await outreach.fetch(
        "update outreach_case set callback_at = clock_timestamp() - make_interval(mins => $1) "
        "where callback_at is not null",
        minutes_ago,
    )
