"""Sends what is queued. The gate is asked when a message leaves, not when it was queued; that it leaves, and counts, is
committed before; and of a message that may have left nobody sends another by himself."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol
from uuid import UUID

from schemas.outreach_v1 import Channel, Direction, Disposition
from services.kit.ids import new_id
from services.kit.postgres import Connection, Pool
from services.kit.repeating import Repeating
from services.kit.unit_of_work import UnitOfWork, working
from services.outreach.attempts.entry import Entry
from services.outreach.attempts.flow.entering import Contact, enter
from services.outreach.cases import store as cases
from services.outreach.gate import flow as gate
from services.outreach.gate import store as gate_store
from services.outreach.gate.asked import Permitted
from services.outreach.gate.cases import Known
from services.outreach.gate.policy import CallKind
from services.outreach.messages import store
from services.outreach.messages.flow.queueing import address_of, reach_of
from services.outreach.messages.flow.settings import MessageSettings
from services.outreach.messages.outgoing import RECIPIENT_REFUSED, Outcome, Outgoing, Result
from services.outreach.messages.rules import (
    BY_MACHINE,
    HEARD_BY,
    KIND_OF,
    READ_WITHIN,
    RESERVED_FOR,
    UNKNOWN_AFTER,
    Message,
    Status,
    addresses,
    again_at,
    needless,
    where,
)
from services.outreach.messages.senders import Sender
from services.outreach.messages.store import Ended, SendingBegun, replies
from services.outreach.messages.wording import TEMPLATES, Purpose, worded
from services.outreach.policy import POLICY
from services.outreach.reach.rules import Reachable

POLL_S, TROUBLED_S = 1.0, 60.0
LONGEST_SEND_S = 300.0


class Adapter(Protocol):
    """What hands a message to the world."""

    async def send(self, outgoing: Outgoing) -> Result: ...


@dataclass(frozen=True, slots=True)
class Leaving:
    """A message that is committed as being sent since then, and what it says."""

    began_at: datetime
    outgoing: Outgoing


class MessageSender(Repeating):
    """Of one channel; runs in every instance. `now` is the hour by which the gate is asked."""

    def __init__(
        self, pool: Pool, channel: Channel, adapter: Adapter, settings: MessageSettings,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:  # fmt: skip
        super().__init__(f"{channel} sender")
        self._pool, self._channel, self._adapter, self._settings, self._now = pool, channel, adapter, settings, now

    async def turn(self) -> float:
        async with working(self._pool) as work:
            await store.give_up(work.connection, self._now() - UNKNOWN_AFTER)
        while not self._stopping.is_set() and (taken := await self._take()) is not None:
            if isinstance(taken, Leaving) and (await self._let_go(taken)).is_trouble:
                return TROUBLED_S
        return POLL_S

    async def _let_go(self, leaving: Leaving) -> Result:
        result = await self._send(leaving.outgoing)
        async with working(self._pool) as work:
            await settle(work, leaving, result, self._now())
        return result

    async def _send(self, outgoing: Outgoing) -> Result:
        try:
            async with asyncio.timeout(LONGEST_SEND_S):
                return await self._adapter.send(outgoing)
        except TimeoutError:
            return Result(Outcome.UNKNOWN, "timed-out")

    async def _take(self) -> Leaving | Message | None:
        """In one transaction: take the next message that is due, ask whether it may leave, and let it count as made."""
        now, channel = self._now(), self._channel
        senders = {tenant: self._settings.sender_of(tenant, channel) for tenant in self._settings.senders}
        limits = [(tenant, sender.per_minute) for tenant, sender in senders.items() if sender is not None]
        async with working(self._pool) as work:
            message = await store.take(work.connection, channel, limits, now)
            if message is None:
                return None
            sender = senders[message.tenant_id]
            assert sender is not None, "only messages of plans that have one are taken"
            return await _begin(work.connection, message, sender, now) or message


async def _begin(connection: Connection, message: Message, sender: Sender, now: datetime) -> Leaving | None:
    known = await gate.lock_known(connection, message.case_id, now)
    assert known is not None, "cases are never removed"
    is_outreach = message.purpose is Purpose.OUTREACH
    if is_outreach and (why := needless(known.case, message.channel, message.queued_at, message.queued_by, POLICY)):
        await _drop(connection, message, why, now)
        return None
    if is_outreach and await replies.has_unread(connection, message.enrolment_id):
        await store.postpone(connection, message.message_id, "reply-unread", now + READ_WITHIN)
        return None
    reach = await reach_of(connection, message.enrolment_id)
    address = None if reach is None else await _address(connection, known, reach, message)
    approach = gate.Approach(
        message.channel, KIND_OF[message.channel] if is_outreach else CallKind.MANUAL, now,
        confirms_stop=message.purpose is Purpose.CONFIRMS_STOP, is_answer=message.purpose is Purpose.HELP,
        by_machine=True,
        number=None if reach is None or address is None else where(reach, message.channel, address),
    )  # fmt: skip
    decision = gate.decide_on(known, approach)
    if not isinstance(decision, Permitted):
        if decision.next_permitted_at is None:
            await _drop(connection, message, decision.reason.value, now)
            return None
        await store.postpone(connection, message.message_id, decision.reason.value, decision.next_permitted_at)
        return None
    if reach is None or address is None:
        await _drop(connection, message, "no-usable-address", now)
        return None
    reservation = await gate.keep(connection, known, approach, BY_MACHINE, RESERVED_FOR)
    template = TEMPLATES[message.template]
    said = worded(template, message.channel, reach.language, _names(sender))
    digest = store.digest_of(connection, address)
    begun = SendingBegun(now, reservation.reservation_id, digest, template.version, said.language)
    await store.note_sending(connection, message.message_id, begun)
    own = sender.email if message.channel is Channel.EMAIL else sender.text
    assert own is not None, "whoever has no address of its own sends nothing"
    return Leaving(now, Outgoing(message.message_id, own, sender.name, address, said.language, said.subject, said.body))


async def _address(connection: Connection, known: Known, reach: Reachable, message: Message) -> str | None:
    """An answer goes to whoever wrote, and to nobody else."""
    if message.purpose is Purpose.OUTREACH:
        return await address_of(connection, known, reach, message.channel)
    return store.written_from(connection, addresses(reach, message.channel), message.address_digest)


def _names(sender: Sender) -> Mapping[str, str]:
    """What stands for the placeholders."""
    return {"plan": sender.name, "telephone": sender.telephone}


async def _drop(connection: Connection, message: Message, reason: str, now: datetime) -> None:
    await store.end(connection, message.message_id, Ended(Status.DROPPED, reason, now))


async def settle(work: UnitOfWork, leaving: Leaving, result: Result, now: datetime) -> None:
    """Keep how the sending of a message ended, unless a person has said it meanwhile."""
    connection, message_id = work.connection, leaving.outgoing.message_id
    message = await store.lock_message(connection, message_id)
    assert message is not None, "messages are never removed"
    if message.status not in {Status.SENDING, Status.UNKNOWN} or message.sending_at != leaving.began_at:
        return
    if result.outcome is Outcome.UNKNOWN:
        await store.end(connection, message_id, Ended(Status.UNKNOWN, result.reason, now, result.reference))
    elif result.outcome is Outcome.SENT:
        await note_sent(work, message, result, now)
    else:
        await _note_not_sent(work, message, result, now)


async def note_sent(work: UnitOfWork, message: Message, result: Result, now: datetime) -> None:
    """It counts as an attempt from now on, and not as a reservation. What answers the member is no attempt."""
    attempt_id = None
    if message.purpose is Purpose.OUTREACH:
        attempt_id = await log(work, message, Disposition.LEFT_MESSAGE)
    if message.purpose is not Purpose.CONFIRMS_STOP:
        await release(work.connection, message)
    ended = Ended(Status.SENT, result.reason, now, result.reference, attempt_id)
    await store.end(work.connection, message.message_id, ended)


async def _note_not_sent(work: UnitOfWork, message: Message, result: Result, now: datetime) -> None:
    connection, again = work.connection, again_at(message.tries, now)
    await release(connection, message)
    if result.outcome is Outcome.LATER and again is not None:
        await store.postpone(connection, message.message_id, result.reason, again)
        return
    await store.end(connection, message.message_id, Ended(Status.FAILED, result.reason, now))
    if result.outcome is Outcome.FAILED and result.reason == RECIPIENT_REFUSED:
        await store.note_bounced(connection, message.message_id, now)
        await log(work, message, Disposition.DISCONNECTED)


async def release(connection: Connection, message: Message) -> None:
    """The message counts no more as one that is about to be sent."""
    if message.reservation_id is not None:
        await gate_store.forget_reservation(connection, message.reservation_id)


async def log(work: UnitOfWork, message: Message, disposition: Disposition, heard_at: datetime | None = None) -> UUID:
    """Log what came of it as a contact of its case, like a worker's; or, if it was heard, what the member answered."""
    direction = Direction.OUTBOUND if heard_at is None else Direction.INBOUND
    attempt_id = new_id()
    member_token = await cases.load_member_token(work.connection, message.case_id)
    assert member_token is not None, "cases are never removed"
    entered = Entry(
        channel=message.channel, disposition=disposition, direction=direction, attempted_at=None, given=(), topics=(),
        barriers=(), refusal_domain=None, callback_at=None, language=None, resume_channels=(), claim=True,
        stop_channels=(message.channel,) if disposition is Disposition.DO_NOT_CALL else (),
    )  # fmt: skip
    by = message.queued_by if heard_at is None else HEARD_BY
    contact = Contact(attempt_id, message.case_id, member_token, by, by_machine=True)
    await enter(work, contact, entered, made_by=heard_at or message.sending_at)
    return attempt_id
