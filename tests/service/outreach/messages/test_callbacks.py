"""What providers tell: believed if it is signed now, acted upon once; STOP, HELP and what a person has to read."""

import json
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from services.kit.ids import new_id
from services.kit.signed import read_secrets, signature
from services.kit.unit_of_work import working
from services.outreach.messages import store
from tests.facts import a_fact, enrolment_id
from tests.service.outreach.builders import case_id
from tests.service.outreach.contacts import a_contact, details
from tests.service.outreach.messages.post import MORNING, NOON, SECRET, Post, a_mobile
from tests.service.outreach.messages.stand_ins import DROPS

NUMBER = "+12135550101"
OTHER_SECRET = "whsec_bmV3IHNlY3JldCBuZXcgc2VjcmV0IG5ldw=="
LATER = NOON + timedelta(minutes=2)


def signed_headers(
    content: bytes, now: datetime, callback_id: str, secret: str = SECRET, said: str | None = None
) -> dict[str, str]:
    timestamp = str(int(now.timestamp()))
    [key] = read_secrets(secret)
    made = signature(key, callback_id, timestamp, content) if said is None else said
    return {
        "webhook-id": callback_id, "webhook-timestamp": timestamp, "webhook-signature": made,
        "content-type": "application/json",
    }  # fmt: skip


async def tell(
    post: Post, kind: str, now: datetime = LATER, callback_id: str = "", signed_at: datetime | None = None,
    channel: str = "text", **data: Any,
) -> httpx.Response:  # fmt: skip
    content = json.dumps({"type": f"message.{kind}", "data": data}).encode()
    headers = signed_headers(content, signed_at or now, callback_id or str(new_id()))
    async with post.at(now) as worker:
        return await worker.client.post(f"/message-callbacks/{channel}", content=content, headers=headers)


async def write(post: Post, text: str, now: datetime = LATER, number: str = NUMBER, **more: Any) -> httpx.Response:
    """The member answers by text."""
    said: dict[str, Any] = {"from": number, "text": text}
    return await tell(post, "received", now, **said, **more)


async def a_sent_text(post: Post, name: str = "ada", number: str = "2135550101") -> str:
    await post.know(name, number)
    queued = await post.queue(name)
    await post.send()
    return str(queued.json()["message_id"])


async def permission(post: Post, channel: str, now: datetime = LATER) -> str | None:
    async with post.at(now) as worker:
        told = (await worker.get(f"/cases/{case_id('ada')}/contact-permission", channel=channel)).json()
    reason: str | None = told["reason"]
    return reason


@pytest.mark.parametrize("text", ["STOP", "alto", "No me manden más mensajes", "please remove me from your list"])
async def test_a_stop_holds_at_once_and_is_confirmed_once(post: Post, text: str) -> None:
    """In English and Spanish: the channel is stopped as if a worker had logged it, and one message confirms it in the
    member's language, also at night."""
    await a_sent_text(post)
    night = NOON + timedelta(hours=11)
    assert (await write(post, text, night)).status_code == 204
    assert (await permission(post, "text", night), await permission(post, "phone", night)) == ("opted-out",) * 2
    *_, heard = await post.attempts()
    assert (heard["direction"], heard["disposition"], heard["channel"]) == ("inbound", "do-not-call", "text")
    await post.send(now=night)
    await post.send(now=night + timedelta(minutes=1))
    assert [one["body"] for one in post.provider.taken[1:]] == ["Lakeshore: ya no le escribimos ni le llamamos."]
    assert len(await post.attempts()) == 2


async def test_a_second_stop_is_not_confirmed_again(post: Post) -> None:
    """Whoever has been told that he will get no more texts gets no more."""
    await a_sent_text(post)
    await write(post, "STOP")
    await post.send(now=LATER)
    assert (await write(post, "STOP!!", LATER + timedelta(minutes=3))).status_code == 204
    await post.send(now=LATER + timedelta(minutes=3))
    assert len(post.provider.taken) == 2


async def test_a_late_confirmation_is_not_sent(post: Post) -> None:
    """Five minutes after the STOP nothing may confirm it any more."""
    await a_sent_text(post)
    await write(post, "STOP")
    await post.send(now=LATER + timedelta(minutes=6))
    assert len(post.provider.taken) == 1
    assert [(one["status"], one["reason"]) for one in (await post.messages())[1:]] == [
        ("dropped", "nothing-to-confirm")
    ]


async def test_a_stop_drops_what_is_queued(post: Post) -> None:
    """Nothing that was queued before goes out, and nothing can be queued after."""
    await a_sent_text(post)
    await post.outreach.hear(a_fact("ada", programme_id="second"))
    assert "cap-day" in (await post.queue()).json()["detail"]
    assert (await post.queue(waits=True)).status_code == 201
    await write(post, "STOP")
    await post.send(now=LATER)
    assert [one["status"] for one in await post.messages()] == ["sent", "dropped", "sent"]
    assert "opted-out" in (await post.queue(now=LATER)).json()["detail"]


async def test_a_stop_is_that_of_everybody_at_the_number(post: Post) -> None:
    """Two members who were written to at one number: nobody can say who wrote, so neither is texted again."""
    await a_sent_text(post, "ada")
    await a_sent_text(post, "bob")
    await write(post, "STOP")
    stopped = await post.outreach.fetch("select enrolment_id from statement where 'text' = any(stops)")
    assert {one["enrolment_id"] for one in stopped} == {enrolment_id("ada"), enrolment_id("bob")}


@pytest.mark.parametrize("text", ["HELP", "ayuda"])
async def test_help_is_answered(post: Post, text: str) -> None:
    """With the telephone at which a person answers; it is no attempt, and the member may be texted as before."""
    await a_sent_text(post)
    await write(post, text)
    await post.send(now=LATER)
    assert "800-555-0100" in post.provider.taken[1]["body"]
    assert len(await post.attempts()) == 1


async def test_what_is_unclear_waits_for_a_person(post: Post) -> None:
    """It is listed for his plan alone, nothing is sent to the member before it was read, and it is kept sealed."""
    await a_sent_text(post)
    await post.queue(waits=True)
    assert (await write(post, "who is this? my son is 97731468")).status_code == 204
    tomorrow = MORNING + timedelta(hours=1)
    await post.send(now=tomorrow)
    assert len(post.provider.taken) == 1
    async with post.at(tomorrow) as worker:
        [reply] = (await worker.get("/message-replies")).json()["replies"]
    async with post.at(tomorrow, plan="prairie") as other:
        assert (await other.get("/message-replies")).json()["replies"] == []
    assert (reply["case_id"], reply["text"]) == (str(case_id("ada")), "who is this? my son is 97731468")
    kept = await post.outreach.fetch("select * from message_reply")
    assert b"97731468" not in kept[0]["sealed_text"]
    assert (await post.ask(f"/message-replies/{reply['reply_id']}/read", {}, plan="prairie")).status_code == 404
    assert (await post.ask(f"/message-replies/{reply['reply_id']}/read", {})).status_code == 204
    async with post.at(tomorrow) as worker:
        assert (await worker.get("/message-replies")).json()["replies"] == []
    await post.send(now=tomorrow + timedelta(hours=1))
    assert len(post.provider.taken) == 2


async def test_what_comes_again_changes_nothing(post: Post) -> None:
    """A callback that its provider sends a second time is answered alike and acted upon once."""
    await a_sent_text(post)
    answers = [await write(post, "STOP", callback_id="evt-1") for _ in range(2)]
    assert [one.status_code for one in answers] == [204, 204]
    assert len(await post.attempts()) == 2


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"webhook-signature": "v1,AAAA"},
        {"webhook-signature": ""},
        {"webhook-id": "evt-2"},
        {"webhook-timestamp": "1614708121"},
        {"webhook-timestamp": "-1"},
        {"webhook-timestamp": "soon"},
    ],
)
async def test_a_forged_callback_is_refused(post: Post, headers: dict[str, str]) -> None:
    """Without a signature, with another's, or with one of another id or another time: nothing is believed of it."""
    await a_sent_text(post)
    content = json.dumps({"type": "message.received", "data": {"from": NUMBER, "text": "STOP"}}).encode()
    made = signed_headers(content, LATER, "evt-1") | headers if headers else {"content-type": "application/json"}
    async with post.at(LATER) as worker:
        answer = await worker.client.post("/message-callbacks/text", content=content, headers=made)
    assert (answer.status_code, answer.json()["type"]) == (401, "urn:vcc:problem:unsigned")
    assert await permission(post, "text") == "cap-day"


async def test_a_changed_or_old_callback_is_refused(post: Post) -> None:
    """Another body than the one that was signed, one that was signed six minutes ago or hence, another secret."""
    await a_sent_text(post)
    content = json.dumps({"type": "message.received", "data": {"from": NUMBER, "text": "STOP"}}).encode()
    async with post.at(LATER) as worker:
        for made, sent in (
            (signed_headers(content, LATER, "a"), content + b" "),
            (signed_headers(content, LATER - timedelta(minutes=6), "b"), content),
            (signed_headers(content, LATER + timedelta(minutes=6), "c"), content),
            (signed_headers(content, LATER, "d", said="v1a,AAAA v2,BBBB"), content),
            (signed_headers(content, LATER, "e", OTHER_SECRET), content),
        ):
            answer = await worker.client.post("/message-callbacks/text", content=sent, headers=made)
            assert answer.status_code == 401
    assert await permission(post, "text") == "cap-day"


async def test_no_callback_is_believed_without_a_secret(post: Post) -> None:
    """A deployment that names no secret hears nothing."""
    await a_sent_text(post)
    post.environ["VCC_MESSAGES_CALLBACK_SECRETS"] = ""
    assert (await write(post, "STOP")).status_code == 401


async def test_two_secrets_hold_while_one_takes_the_other_s_place(post: Post) -> None:
    """What was signed with either is believed."""
    await a_sent_text(post)
    post.environ["VCC_MESSAGES_CALLBACK_SECRETS"] = f"{OTHER_SECRET} {SECRET}"
    assert (await write(post, "STOP")).status_code == 204


async def test_a_stop_is_the_numbers_whoever_was_written_to(post: Post) -> None:
    """Of two at one telephone one was texted, and STOP comes from it: the other is not texted there either, queued or
    anew, until he allows it himself."""
    await post.know("bob")
    assert (await post.queue("bob", now=NOON)).status_code == 201
    async with working(post.outreach.database.pool) as work:
        await store.postpone(work.connection, (await post.message())["message_id"], None, MORNING)
    await a_sent_text(post)
    assert (await write(post, "STOP")).status_code == 204
    await post.send(now=MORNING)
    assert len(post.provider.taken) == 1, "before the STOP"
    dropped = [(one["status"], one["reason"]) for one in await post.messages() if one["case_id"] == case_id("bob")]
    assert dropped == [("dropped", "no-usable-address")]
    refused = await post.queue("bob", now=MORNING)
    assert refused.json()["type"] == "urn:vcc:problem:no-usable-address"
    async with post.at(MORNING) as worker:
        at = (MORNING + timedelta(minutes=1)).isoformat()
        said: dict[str, Any] = {"resume_channels": ["text"], "attempted_at": at}
        assert (await worker.say(enrolment_id("bob"), "complete", **said)).status_code == 201
    assert (await post.queue("bob", now=MORNING + timedelta(minutes=2))).status_code == 201


async def test_a_stop_of_a_stranger_closes_his_number(post: Post) -> None:
    """Nobody was written to by it yet, and nobody will be."""
    assert (await write(post, "STOP")).status_code == 204
    await post.know()
    assert (await post.queue()).json()["type"] == "urn:vcc:problem:no-usable-address"


async def test_an_answer_goes_to_the_number_that_wrote(post: Post) -> None:
    """The roster has brought another number since: who has it now is told nothing of a STOP that he never said."""
    await a_sent_text(post)
    said = details("Ada", telephones=(a_mobile("3125550199"),))
    await post.outreach.hear(a_contact("ada", version=2, said=said))
    assert (await write(post, "STOP")).status_code == 204
    await post.send(now=LATER)
    assert len(post.provider.taken) == 1


async def test_what_was_delivered_is_not_sent_again(post: Post) -> None:
    """A person has asked for it to be sent once more, and then the receipt comes: it counts, and nothing leaves."""
    await post.know()
    message_id = (await post.queue()).json()["message_id"]
    post.provider.answers = DROPS
    await post.send()
    assert (await post.message())["status"] == "unknown"
    again = {"outcome": "send-again", "reason": "nobody-knows"}
    assert (await post.ask(f"/messages/{message_id}/resolve", again, LATER)).status_code == 204
    assert (await tell(post, "delivered", message_id=message_id)).status_code == 204
    given = len(post.provider.taken)
    await post.send(now=LATER)
    assert (len(post.provider.taken), (await post.message())["status"]) == (given, "sent")
    assert len(await post.attempts()) == 1


async def test_what_is_about_nothing_of_ours_is_not_found(post: Post) -> None:
    """A number that nobody was written to by, a message that is not ours; and what has not the form is refused."""
    await a_sent_text(post)
    assert (await write(post, "HELP", number="+12135559999")).status_code == 404
    assert (await tell(post, "delivered", message_id=str(new_id()))).status_code == 404
    assert (await tell(post, "exploded")).status_code == 422


async def test_a_receipt_is_noted(post: Post) -> None:
    """By our id or the provider's; the member's number is written in whatever way."""
    message_id = await a_sent_text(post)
    assert (await tell(post, "delivered", id="sms-1")).status_code == 204
    assert (await post.message())["delivered_at"] == LATER
    assert (await tell(post, "failed", message_id=message_id)).status_code == 204
    assert ((await post.message())["status"], (await post.message())["reason"]) == ("sent", "not-delivered")
    assert (await write(post, "HELP", number="(213) 555-0101")).status_code == 204


async def test_a_receipt_settles_what_nobody_knew(post: Post) -> None:
    """Of an unknown outcome the provider says after all that it arrived: it counts as an attempt."""
    post.provider.answers = DROPS
    message_id = await a_sent_text(post)
    assert (await post.message())["status"] == "unknown"
    assert (await tell(post, "delivered", message_id=message_id)).status_code == 204
    assert (await post.message())["status"] == "sent"
    assert [one["disposition"] for one in await post.attempts()] == ["left-message"]


async def test_a_bounce_is_a_dead_number(post: Post) -> None:
    """The attempt is taken back and logged anew with that outcome, nothing is sent to the number any more, and a
    roster's other number is tried."""
    message_id = await a_sent_text(post)
    assert (await tell(post, "bounced", message_id=message_id)).status_code == 204
    assert [one["disposition"] for one in await post.attempts()] == ["left-message", "disconnected"]
    assert len(await post.outreach.announced("vcc.contact-attempt.retracted.v1")) == 1
    assert "channel-invalid" in (await post.queue(now=NOON + timedelta(days=7))).json()["detail"]
    said = details("Ada", telephones=(a_mobile("2135550777"),))
    await post.outreach.hear(a_fact("ada", 2, phone_version=2), a_contact("ada", 2, said=said))
    assert (await post.queue(now=NOON + timedelta(days=7))).status_code == 201
    await post.send(now=NOON + timedelta(days=7))
    assert post.provider.taken[-1]["to"] == "+12135550777"


async def test_the_trail_tells_of_a_callback_and_no_log_of_a_number(
    post: Post, capsys: pytest.CaptureFixture[str]
) -> None:
    """Who told, and of whom; neither the number nor the words stand in a line of the log."""
    await a_sent_text(post)
    await write(post, "who is this? 97731468")
    await write(post, "STOP")
    rows = await post.outreach.fetch("select principal, subjects from audit where action = 'told'")
    assert [row["principal"] for row in rows] == ["provider of text"] * 2
    assert all(UUID(subject) for row in rows for subject in row["subjects"])
    said = capsys.readouterr()
    assert not [word for word in ("2135550101", "97731468") if word in said.out + said.err]


async def test_erased_details_take_the_traces_along(post: Post) -> None:
    """Of whom the plan had erased, neither what he wrote nor the digest of his number is kept."""
    await a_sent_text(post)
    await write(post, "who is this?")
    erased = a_contact("ada", 2).model_copy(update={"sealed": None, "is_erased": True})
    await post.outreach.hear(erased)
    assert [one["address_digest"] for one in await post.messages()] == [None]
    assert await post.outreach.fetch("select * from message_reply") == []
