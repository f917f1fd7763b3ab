"""Claims and the gate: who is handed out at which hour, what the gate answers, and caps under concurrency."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from services.outreach.gate.policy import GATE
from services.outreach.settings import CLAIMS_ASK_GATE, OwnSettings, read_own_settings
from tests.facts import a_fact, enrolment_id
from tests.service.outreach.builders import Outreach, Worker, case_id, client_of

NOON = datetime(2021, 3, 2, 18, tzinfo=UTC)  # a Tuesday, at noon in Chicago
NIGHT = datetime(2021, 3, 3, 5, tzinfo=UTC)
MORNING = datetime(2021, 3, 3, 15, tzinfo=UTC)  # at nine, when Illinois lets people be called


@asynccontextmanager
async def at(outreach: Outreach, now: datetime) -> AsyncIterator[Worker]:
    """A worker at this instant, where claims ask the gate."""
    async with client_of(outreach.database, now) as client:
        yield Worker(client)


async def test_nobody_is_handed_out_at_night(outreach: Outreach) -> None:
    """Claims give a case at noon and in the morning, and not at eleven in the evening by the member's clock."""
    await outreach.hear(a_fact("ada"))
    async with at(outreach, NIGHT) as worker:
        assert await worker.claim() == []
    async with at(outreach, MORNING) as worker:
        assert [case["case_id"] for case in await worker.claim()] == [str(case_id("ada"))]


async def test_each_member_is_handed_out_by_his_own_clock(outreach: Outreach) -> None:
    """At eight in the evening in Los Angeles a member there is handed out, and one in New York is not, whatever the
    ranks."""
    await outreach.hear(a_fact("ada", zip5="10001", priority=900), a_fact("bob", zip5="90011", priority=100))
    async with at(outreach, datetime(2021, 3, 3, 4, 30, tzinfo=UTC)) as worker:
        assert [case["case_id"] for case in await worker.claim()] == [str(case_id("bob"))]


async def test_a_case_that_was_kept_back_comes_with_its_hour(outreach: Outreach) -> None:
    """One that claims have passed over is kept until the instant that the gate named, and not a moment longer."""
    await outreach.hear(a_fact("ada"))
    async with at(outreach, NIGHT) as worker:
        assert await worker.claim() == []
    kept = await outreach.case("ada")
    assert kept is not None
    assert kept["not_before_at"] == MORNING
    async with at(outreach, MORNING) as worker:
        assert len(await worker.claim()) == 1


async def test_the_gate_answers_for_a_channel(outreach: Outreach) -> None:
    """At night a call is refused with its reason and the next instant, a letter is permitted, a recorded call needs
    consent that nobody gave."""
    await outreach.hear(a_fact("ada"))
    path = f"/cases/{case_id('ada')}/contact-permission"
    async with at(outreach, NIGHT) as worker:
        call = (await worker.get(path, channel="phone")).json()
        letter = (await worker.get(path, channel="letter")).json()
        recorded = (await worker.get(path, channel="phone", kind="prerecorded")).json()
        other = await worker.get(f"/cases/{case_id('nobody')}/contact-permission", channel="phone")
    assert (call["is_permitted"], call["reason"]) == (False, "calling-hours")
    assert datetime.fromisoformat(call["next_permitted_at"]) == MORNING
    assert (letter["is_permitted"], letter["reason"]) == (True, None)
    assert (recorded["reason"], recorded["next_permitted_at"]) == ("no-consent", None)
    assert other.status_code == 404


async def test_a_stopped_channel_is_refused_for_good(outreach: Outreach) -> None:
    """Somebody who says "do not call" is neither called nor texted any more; letters he still gets."""
    await outreach.hear(a_fact("ada"))
    path = f"/cases/{case_id('ada')}/contact-permission"
    async with at(outreach, NOON) as worker:
        assert (await worker.say(enrolment_id("ada"), "do-not-call")).status_code == 201
        said = {channel: (await worker.get(path, channel=channel)).json() for channel in ("phone", "text", "letter")}
    assert {channel: one["reason"] for channel, one in said.items()} == {
        "phone": "opted-out", "text": "opted-out", "letter": None,
    }  # fmt: skip
    assert said["phone"]["next_permitted_at"] is None


@pytest.mark.parametrize("channel", ["text", "phone"])
async def test_reservations_at_once_never_make_one_too_many(outreach: Outreach, channel: str) -> None:
    """Of twelve who reserve at once a contact with one member, exactly so many get it as the day's cap permits."""
    await outreach.hear(a_fact("ada"))
    path = f"/cases/{case_id('ada')}/contact-reservations"
    async with at(outreach, NOON) as worker:
        assert len(await worker.claim()) == 1

        async def reserve(_: int) -> int:
            said = await worker.client.post(path, json={"channel": channel}, headers=worker._headers())
            return said.status_code

        answers = await asyncio.gather(*map(reserve, range(12)))
    cap = {one.value: caps.day for one, caps in GATE.limits.caps.items()}[channel]
    assert sorted(answers) == [201] * cap + [409] * (12 - cap)


async def test_only_the_holder_reserves(outreach: Outreach) -> None:
    """Whoever has not claimed the case gets no reservation, and the case's holder does."""
    await outreach.hear(a_fact("ada"))
    path = f"/cases/{case_id('ada')}/contact-reservations"
    async with at(outreach, NOON) as worker:
        refused = await worker.client.post(path, json={"channel": "phone"}, headers=worker._headers())
        await worker.claim()
        given = await worker.client.post(path, json={"channel": "phone"}, headers=worker._headers())
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:vcc:problem:case-not-held")
    assert given.status_code == 201


def test_the_gate_is_asked_unless_a_deployment_says_no() -> None:
    """Claims ask the gate by default."""
    assert read_own_settings({}) == OwnSettings(claims_ask_gate=True)
    assert read_own_settings({CLAIMS_ASK_GATE: "no"}) == OwnSettings(claims_ask_gate=False)
