"""Messages are queued if the gate permits, and sent if it permits then; each counts as an attempt, and once."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest

from services.outreach.messages.rules import MOST_TRIES
from tests.facts import a_day, a_fact, enrolment_id
from tests.service.outreach.builders import case_id, vaccinated
from tests.service.outreach.contacts import a_contact, details, withdrawn
from tests.service.outreach.messages.post import EMAIL, MORNING, NIGHT, NOON, TEXT, Post, a_mobile
from tests.service.outreach.messages.stand_ins import DROPS


async def test_a_text_is_sent_and_counts_as_an_attempt(post: Post) -> None:
    """In the member's language, to his mobile telephone, in the plan's name; others hear of an attempt by text."""
    await post.know()
    assert (await post.queue()).status_code == 201
    await post.send()
    [taken] = post.provider.taken
    assert (taken["from"], taken["to"]) == ("+18005550100", "+12135550101")
    assert taken["body"].startswith("Lakeshore: tenemos algo para usted")
    message = await post.message()
    assert (message["status"], message["language"], message["reference"]) == ("sent", "es", "sms-1")
    [attempt] = await post.attempts()
    assert (attempt["channel"], attempt["disposition"], attempt["worker_id"]) == ("text", "left-message", "wanda")
    assert attempt["attempt_id"] == str(message["attempt_id"])
    assert attempt.get("against") is None


async def test_an_email_is_sent_to_a_real_server(post: Post) -> None:
    """Without any consent: the law on calls asks for none."""
    await post.outreach.hear(a_fact("ada"), a_contact("ada", said=details()))
    assert (await post.queue(channel="email")).status_code == 201
    await post.send(EMAIL)
    [taken] = post.mail.taken
    assert (taken["To"], taken["Subject"]) == ("ada@sesame.example", "Un mensaje de Lakeshore")
    assert (await post.message())["status"] == "sent"
    assert [one["channel"] for one in await post.attempts()] == ["email"]


async def test_neither_text_nor_number_is_kept_or_told(post: Post) -> None:
    """No column of a message and no record for the bus holds what was said, or to which number."""
    await post.know()
    await post.queue()
    await post.send()
    told = await post.outreach.fetch("select convert_from(payload, 'utf8') as body from outbox")
    kept = json.dumps([*await post.messages(), *told], default=str)
    assert "2135550101" not in kept
    assert "tenemos algo" not in kept


async def test_a_message_claims_no_case(post: Post) -> None:
    """The sender takes no lease: whoever wants to call the member may."""
    await post.know()
    await post.queue()
    await post.send()
    case = await post.outreach.case()
    assert case is not None
    assert case["claimed_by"] is None


@pytest.mark.parametrize(
    ("environ", "changes", "code"),
    [
        ({"VCC_MESSAGES_TEXT_URL": "", "VCC_MESSAGES_TEXT_TOKEN": ""}, {}, "channel-not-served"),
        ({"VCC_MESSAGES_SENDERS_FILE": ""}, {}, "channel-not-served"),
        ({}, {"template": "stop-heard"}, "invalid-request"),
        ({}, {"channel": "letter"}, "invalid-request"),
    ],
)
async def test_what_is_not_served_is_not_queued(
    post: Post, environ: dict[str, str], changes: dict[str, Any], code: str
) -> None:
    """Without an adapter, without a sender of the plan, with a template or a channel that is none of outreach's."""
    await post.know()
    post.environ.update(environ)
    assert (await post.queue(**changes)).json()["type"] == f"urn:vcc:problem:{code}"
    assert await post.messages() == []


async def test_a_member_without_an_address_gets_nothing(post: Post) -> None:
    """A telephone at home takes no text messages; another plan's case is none."""
    await post.know(telephones=details().telephones)
    assert (await post.queue()).json()["type"] == "urn:vcc:problem:no-usable-address"
    asked = await post.ask(
        f"/cases/{case_id('ada')}/messages", {"channel": "text", "template": "please-call"}, plan="prairie"
    )
    assert asked.status_code == 404


async def test_at_night_the_gate_names_the_morning(post: Post) -> None:
    """A text is refused with the reason and the next instant, or queued for it; then it is sent, and not before."""
    await post.know()
    refused = await post.queue(now=NIGHT)
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:vcc:problem:contact-not-permitted")
    assert f"calling-hours, not before {MORNING.isoformat()}" in refused.json()["detail"]
    assert (await post.queue(now=NIGHT, waits=True)).status_code == 201
    await post.send(now=MORNING - timedelta(seconds=1))
    assert post.provider.taken == []
    await post.send(now=MORNING)
    assert len(post.provider.taken) == 1


async def test_the_gate_is_asked_when_a_message_leaves(post: Post) -> None:
    """What was permitted when it was queued and is not by now waits for the hour that the gate names."""
    await post.know()
    assert (await post.queue()).status_code == 201
    await post.send(now=NIGHT)
    message = await post.message()
    assert post.provider.taken == []
    assert (message["status"], message["reason"]) == ("queued", "calling-hours")
    assert message["not_before_at"] == MORNING


async def test_an_opt_out_drops_what_is_queued(post: Post) -> None:
    """At once, whatever it waits for, and for good: an opt-in afterwards revives nothing."""
    await post.know()
    await post.queue(now=NIGHT, waits=True)
    async with post.at() as worker:
        assert (await worker.say(enrolment_id("ada"), "do-not-call")).status_code == 201
        again = await worker.say(
            enrolment_id("ada"), "complete", resume_channels=["phone", "text"], attempted_at=NOON.isoformat()
        )
        assert again.status_code == 201
    await post.send(now=MORNING)
    assert post.provider.taken == []
    assert ((await post.message())["status"], (await post.message())["reason"]) == ("dropped", "opted-out")


@pytest.mark.parametrize("said", ["do-not-call", "deceased", "already-vaccinated", "initial-refusal", "booked"])
async def test_news_drop_what_is_queued(post: Post, said: str) -> None:
    """Whoever forbids it, has died, had the dose, refuses it or is booked gets no message that was queued before."""
    await post.know()
    await post.queue()
    more = {"refusal_domain": "motivation"} if said == "initial-refusal" else {}
    async with post.at() as worker:
        assert (await worker.say(enrolment_id("ada"), said, **more)).status_code == 201
    await post.send()
    assert post.provider.taken == []
    assert (await post.message())["status"] == "dropped"


async def test_what_waits_is_dropped_with_its_case(post: Post) -> None:
    """A case that is closed takes its messages along, before the hour for which they wait."""
    await post.know()
    await post.queue(now=NIGHT, waits=True)
    await post.outreach.hear(vaccinated("ada"))
    await post.send(now=NIGHT)
    message = await post.message()
    assert (message["status"], message["reason"]) == ("dropped", "case-closed")


async def test_details_that_were_withdrawn_are_not_used(post: Post) -> None:
    """Nor is a consent: the message is dropped, and says why."""
    await post.know()
    await post.queue()
    await post.outreach.hear(withdrawn("ada"))
    await post.send()
    assert post.provider.taken == []
    assert (await post.message())["reason"] == "no-usable-address"


async def test_two_senders_never_exceed_a_cap(post: Post) -> None:
    """Of six messages to one member that are due at once, one is sent on a day, whoever sends; the others wait."""
    await post.know()
    for _ in range(6):
        assert (await post.queue()).status_code == 201
    await asyncio.gather(*(post.send() for _ in range(3)))
    assert len(post.provider.taken) == 1
    said = [(one["status"], one["reason"]) for one in await post.messages()]
    assert sorted(said, key=str) == [("queued", "cap-day")] * 5 + [("sent", None)]


async def test_senders_share_the_queue(post: Post) -> None:
    """Three senders at once send each of twelve messages once."""
    for number in range(12):
        await post.know(f"m{number}", number=f"21355501{number:02d}")
        assert (await post.queue(f"m{number}")).status_code == 201
    await asyncio.gather(*(post.send() for _ in range(3)))
    assert len({one["to"] for one in post.provider.taken}) == len(post.provider.taken) == 12


async def test_a_plan_sends_so_many_a_minute(post: Post) -> None:
    """What is beyond the limit goes out a minute later."""
    senders = post.environ["VCC_MESSAGES_SENDERS_FILE"]
    with open(senders) as file:  # noqa: PTH123, ASYNC230 - a small file
        said = file.read()
    with open(senders, "w") as file:  # noqa: PTH123, ASYNC230
        file.write(said.replace("per_minute: 60", "per_minute: 2"))
    for number in range(3):
        await post.know(f"m{number}", number=f"213555010{number}")
        await post.queue(f"m{number}")
    await post.send()
    assert len(post.provider.taken) == 2
    await post.send(now=NOON + timedelta(seconds=61))
    assert len(post.provider.taken) == 3


async def test_a_refusal_for_now_is_tried_again(post: Post) -> None:
    """Later, a few times, and not for ever; it never counts as an attempt."""
    await post.know()
    await post.queue()
    post.provider.answers = 429
    for number in range(MOST_TRIES + 4):
        await post.send(now=NOON + timedelta(days=number))
    assert len(post.provider.taken) == MOST_TRIES
    message = await post.message()
    assert (message["status"], message["reason"]) == ("failed", "http-429")
    assert await post.attempts() == []
    assert await post.outreach.fetch("select * from contact_reservation") == []


async def test_an_address_that_a_server_refuses_is_not_used_again(post: Post) -> None:
    """The e-mail address is known to be dead, like a wrong number, and no other channel is."""
    await post.know()
    await post.queue(channel="email")
    post.mail.answers_rcpt = "550 no such user"
    await post.send(EMAIL)
    assert (await post.message())["status"] == "failed"
    assert [one["disposition"] for one in await post.attempts()] == ["disconnected"]
    again = await post.queue(channel="email", now=NOON + timedelta(days=7))
    assert "channel-invalid" in again.json()["detail"]
    assert (await post.queue()).status_code == 201


async def test_a_log_that_is_read_again_sends_nothing(post: Post) -> None:
    """Facts that come a second time queue and send no message."""
    await post.know()
    await post.queue()
    await post.send()
    said = details("Ada", telephones=(a_mobile(),))
    await post.outreach.hear(a_day(), a_fact("ada"), a_contact("ada", said=said))
    await post.send(now=NOON + timedelta(days=8))
    assert len(post.provider.taken) == 1
    assert len(await post.messages()) == 1


async def test_a_lost_connection_leaves_the_cap_filled(post: Post) -> None:
    """Nobody knows whether it went out: it counts, and no second message follows on that day."""
    await post.know()
    await post.queue()
    post.provider.answers = DROPS
    await post.send(TEXT)
    assert (await post.message())["status"] == "unknown"
    assert "cap-day" in (await post.queue()).json()["detail"]
