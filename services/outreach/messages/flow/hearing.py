"""Hears what providers tell, each thing once, and acts upon it in one transaction."""

from collections.abc import Sequence
from datetime import datetime

from schemas.member_contact_v1 import MemberContactChangedV1
from schemas.outreach_v1 import Channel, Disposition
from services.kit.ids import new_id
from services.kit.problem import Refusal
from services.kit.unit_of_work import UnitOfWork
from services.outreach.attempts.flow.attempts import retract_attempt
from services.outreach.attempts.rules import Retractor
from services.outreach.cases import channels
from services.outreach.contacts.replies import Reply as Reading
from services.outreach.contacts.replies import read_reply
from services.outreach.conversations import flow as conversations
from services.outreach.gate import flow as gate
from services.outreach.messages import store
from services.outreach.messages.flow import sending
from services.outreach.messages.heard import Callback, Event, normal
from services.outreach.messages.outgoing import Outcome, Result
from services.outreach.messages.rules import HEARD_BY, Message, Reply, Status
from services.outreach.messages.store import Ended, NewMessage, replies
from services.outreach.messages.wording import HELP, STOP_HEARD, Purpose

NOT_OURS = Refusal("unknown-message", "Unknown Message", "Nothing was sent that this could be about.", 404)
WRONG_OUTCOME = "wrong-outcome"
"""The reason of codes.yaml for which an attempt is taken back whose message came back."""


async def hear(work: UnitOfWork, channel: Channel, callback_id: str, said: Callback, now: datetime) -> Refusal | None:
    """Act upon it if it comes for the first time; NOT_OURS if nothing is known that it could be about."""
    connection, data = work.connection, said.data
    if said.type is Event.RECEIVED:
        sender = normal(data.sender)
        if is_stop := read_reply(data.text) is Reading.STOP:
            await store.stop_address(connection, channel, sender, now)
        found = await store.find_written_to(connection, channel, sender)
        if is_stop and not found:
            return None
    else:
        one = await store.find_message(connection, channel, data.message_id, data.id)
        found = [] if one is None else [one]
    if not found:
        return NOT_OURS
    if not await replies.take_callback(connection, channel, callback_id, now):
        return None
    if said.type is Event.RECEIVED:
        await _hear_reply(work, found, data.text, now)
    else:
        await _hear_receipt(work, found[0], said.type, now)
    return None


async def _hear_receipt(work: UnitOfWork, message: Message, said: Event, now: datetime) -> None:
    """A receipt also settles what nobody knew, whatever a person has said meanwhile: what was delivered is not sent
    again."""
    connection = work.connection
    is_open = message.status in {Status.SENDING, Status.UNKNOWN}
    if said is Event.DELIVERED:
        await store.note_delivered(connection, message.message_id, now)
        if message.status is not Status.SENT and message.sending_at is not None and message.bounced_at is None:
            await sending.note_sent(work, message, Result(Outcome.SENT), now)
    elif said is Event.BOUNCED:
        await _bounce(work, message, now)
    elif is_open:
        await sending.release(connection, message)
        await store.end(connection, message.message_id, Ended(Status.FAILED, "not-delivered", now))
    else:
        await store.note_reason(connection, message.message_id, "not-delivered")


async def _bounce(work: UnitOfWork, message: Message, now: datetime) -> None:
    """There is no such number or mailbox: what was thought to be an attempt was one to nobody, and its outcome is that
    of a dead number."""
    if message.status not in {Status.SENDING, Status.UNKNOWN, Status.SENT}:
        return
    await store.note_bounced(work.connection, message.message_id, now)
    await sending.release(work.connection, message)
    if message.attempt_id is not None:
        by = Retractor(message.queued_by, is_supervisor=True)
        await retract_attempt(work, message.attempt_id, WRONG_OUTCOME, by)
    attempt_id = None
    if message.purpose is Purpose.OUTREACH:
        attempt_id = await sending.log(work, message, Disposition.DISCONNECTED)
    ended = Ended(Status.FAILED, "bounced", now, attempt_id=attempt_id)
    await store.end(work.connection, message.message_id, ended)


async def _hear_reply(work: UnitOfWork, written_to: Sequence[Message], text: str, now: datetime) -> None:
    """A STOP, and what no machine understands, is that of everybody who was written to by this address, since nobody
    can say which of them wrote it. What is answered goes there once."""
    newest, reading = written_to[0], read_reply(text)
    if reading is Reading.UNCLEAR:
        for one in written_to:
            reply = Reply(new_id(), one.tenant_id, one.case_id, one.enrolment_id, one.channel.value, now)
            await replies.save_reply(work.connection, reply, text)
    elif reading is Reading.HELP:
        await _answer(work, newest, Purpose.HELP, HELP, now)
    else:
        was_stopped = await _has_stopped(work, newest, now)
        for message in sorted(written_to, key=lambda one: one.enrolment_id):
            await sending.log(work, message, Disposition.DO_NOT_CALL, heard_at=now)
        if not was_stopped:
            await _answer(work, newest, Purpose.CONFIRMS_STOP, STOP_HEARD, now)


async def _has_stopped(work: UnitOfWork, message: Message, now: datetime) -> bool:
    """Whether he had stopped the channel before: then that was confirmed."""
    known = await gate.lock_known(work.connection, message.case_id, now)
    assert known is not None, "cases are never removed"
    evidence = known.case.evidence
    return message.channel in channels.stopped_channels(evidence.statements, message.tenant_id)


async def _answer(work: UnitOfWork, to: Message, purpose: Purpose, template: str, now: datetime) -> None:
    """By text; whoever writes an e-mail gets no answer by a machine."""
    if to.channel is Channel.TEXT:
        answer = NewMessage(
            new_id(),
            to.tenant_id,
            to.case_id,
            to.enrolment_id,
            to.channel,
            purpose,
            template,
            HEARD_BY,
            now,
            to.address_digest,
        )
        await store.save_message(work.connection, answer)


async def on_member_contact(work: UnitOfWork, events: Sequence[MemberContactChangedV1]) -> None:
    """Keep how members can be reached; of whom that was erased, forget also where he was written to and what he
    wrote."""
    await conversations.on_member_contact(work, events)
    if erased := [event.enrolment_id for event in events if event.is_erased]:
        await store.forget_addresses(work.connection, erased)
        await replies.forget_replies(work.connection, erased)
