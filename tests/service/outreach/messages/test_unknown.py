"""A message of which nobody knows whether it went out: never sent again by itself, and settled by a person."""

import asyncio
from datetime import timedelta

import pytest

from services.outreach.messages.flow.sending import TROUBLED_S
from services.outreach.messages.rules import UNKNOWN_AFTER
from tests.service.outreach.messages.post import EMAIL, NOON, Post
from tests.service.outreach.messages.stand_ins import DROPS, HANGS

LATER = NOON + UNKNOWN_AFTER + timedelta(seconds=1)


async def an_unknown(post: Post) -> str:
    """A message whose provider was given it, and never answered."""
    await post.know()
    await post.queue()
    post.provider.answers = DROPS
    await post.send()
    post.provider.answers = 201
    message = await post.message()
    assert message["status"] == "unknown"
    return str(message["message_id"])


async def test_a_killed_sender_leaves_an_unknown_outcome(post: Post) -> None:
    """Whoever dies between handing a message over and hearing of it leaves it as being sent; after a while it is
    unknown, listed for a person, and nobody sends it again."""
    await post.know()
    await post.queue()
    post.provider.answers = HANGS
    sending = asyncio.create_task(post.sender().turn())
    await asyncio.wait_for(post.provider.given.wait(), 60)
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)
    assert (await post.message())["status"] == "sending"
    post.provider.answers = 201
    await post.send(now=NOON + timedelta(minutes=1))
    assert (await post.message())["status"] == "sending"
    for days in range(3):
        await post.send(now=LATER + timedelta(days=days))
    assert len(post.provider.taken) == 1
    async with post.at() as worker:
        [listed] = (await worker.get("/messages", status="unknown")).json()["messages"]
    assert (listed["message_id"], listed["reason"]) == (str((await post.message())["message_id"]), "nothing-heard")


async def test_what_is_being_sent_is_committed_before(post: Post) -> None:
    """While the provider has a message and has not answered, everybody sees it as being sent, and its cap as filled."""
    await post.know()
    await post.queue()
    await post.queue()
    post.provider.answers = HANGS
    sending = asyncio.create_task(post.sender().turn())
    await asyncio.wait_for(post.provider.given.wait(), 60)
    assert sorted(one["status"] for one in await post.messages()) == ["queued", "sending"]
    await post.send()
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)
    assert len(post.provider.taken) == 1


async def test_trouble_makes_one_unknown_outcome(post: Post) -> None:
    """A provider that fails is not handed the whole queue: the sender waits after the first."""
    for number in range(3):
        await post.know(f"m{number}", number=f"213555010{number}")
        await post.queue(f"m{number}")
    post.provider.answers = 500
    assert await post.sender().turn() == TROUBLED_S
    assert sorted(one["status"] for one in await post.messages()) == ["queued", "queued", "unknown"]


async def test_an_email_that_was_given_to_a_silent_server(post: Post) -> None:
    """It is unknown as well: the server may have sent it."""
    await post.know()
    await post.queue(channel="email")
    post.mail.answers_data = HANGS
    await post.send(EMAIL, timeout_s=0.5)
    post.mail.answers_data = "250 OK"
    await post.send(EMAIL, now=NOON + timedelta(days=9))
    assert len(post.mail.taken) == 1
    assert ((await post.message())["status"], (await post.message())["reason"]) == ("unknown", "timed-out")


async def test_a_message_that_was_sent_after_all_counts(post: Post) -> None:
    """It becomes the attempt that it was, at the instant at which it left; a second word is refused."""
    message_id = await an_unknown(post)
    said = {"outcome": "sent", "reason": "provider-says"}
    assert (await post.ask(f"/messages/{message_id}/resolve", said, LATER)).status_code == 204
    [attempt] = await post.attempts()
    assert (attempt["attempted_at"], attempt["disposition"]) == ("2021-03-02T18:00:00Z", "left-message")
    message = await post.message()
    assert (message["status"], message["resolved_by"], message["resolved_for"]) == ("sent", "wanda", "provider-says")
    assert (await post.ask(f"/messages/{message_id}/resolve", said, LATER)).json()["type"].endswith("outcome-known")


async def test_a_message_that_was_not_sent_counts_for_nothing(post: Post) -> None:
    """Its cap is free again, and it is not sent by itself."""
    message_id = await an_unknown(post)
    said = {"outcome": "not-sent", "reason": "member-says"}
    assert (await post.ask(f"/messages/{message_id}/resolve", said, LATER)).status_code == 204
    await post.send(now=LATER)
    assert len(post.provider.taken) == 1
    assert (await post.message())["status"] == "failed"
    assert (await post.queue(now=LATER)).status_code == 201


async def test_a_person_may_have_it_sent_again(post: Post) -> None:
    """Then it goes through the gate like a new one, and counts once."""
    message_id = await an_unknown(post)
    said = {"outcome": "send-again", "reason": "nobody-knows"}
    assert (await post.ask(f"/messages/{message_id}/resolve", said, LATER)).status_code == 204
    await post.send(now=LATER)
    assert len(post.provider.taken) == 2
    assert (await post.message())["status"] == "sent"
    assert len(await post.attempts()) == 1


@pytest.mark.parametrize(("is_settled", "status", "attempts"), [(False, "sent", 1), (True, "failed", 0)])
async def test_a_late_answer_is_heard_until_a_person_has_spoken(
    post: Post, status: str, attempts: int, *, is_settled: bool
) -> None:
    """A sender that hears after all that its message was taken says so; what a person has settled stays."""
    await post.know()
    await post.queue()
    post.provider.answers = HANGS
    sending = asyncio.create_task(post.sender(timeout_s=60).turn())
    await asyncio.wait_for(post.provider.given.wait(), 60)
    await post.send(now=LATER)
    assert (await post.message())["status"] == "unknown"
    if is_settled:
        said = {"outcome": "not-sent", "reason": "provider-says"}
        path = f"/messages/{(await post.message())['message_id']}/resolve"
        assert (await post.ask(path, said, LATER)).status_code == 204
    post.provider.released.set()
    await asyncio.wait_for(sending, 60)
    assert (await post.message())["status"] == status
    assert len(await post.attempts()) == attempts


@pytest.mark.parametrize(
    ("who", "status"), [({"plan": "prairie"}, 404), ({"role": "chw"}, 403), ({"role": "site"}, 403)]
)
async def test_others_settle_nothing(post: Post, who: dict[str, str], status: int) -> None:
    """Another plan knows no such message, and some roles may not say."""
    message_id = await an_unknown(post)
    said = {"outcome": "send-again", "reason": "nobody-knows"}
    assert (await post.ask(f"/messages/{message_id}/resolve", said, LATER, **who)).status_code == status
    await post.send(now=LATER)
    assert len(post.provider.taken) == 1
