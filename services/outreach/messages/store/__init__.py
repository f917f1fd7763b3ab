"""SQL of messages. Runs as the plan where a person asks; senders see every plan's."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import asyncpg

from schemas.outreach_v1 import Channel
from services.kit.next_page import Place
from services.kit.postgres import Connection
from services.kit.rows import into, names
from services.kit.sealed import ring_of
from services.outreach.messages.rules import ListedMessage, Message, Status
from services.outreach.messages.wording import Purpose

_MESSAGE = ", ".join(f"message.{name}" for name in names(Message))
LOCK_SENDERS = "select pg_advisory_xact_lock(hashtextextended('messages by ' || $1, 0))"
# A plan that has sent as many in a minute as it may waits; a message whose case is open no more waits for no hour.
TAKE = f"""
select {_MESSAGE} from message join outreach_case using (case_id)
join unnest($2::text[], $3::integer[]) as sender (tenant_id, per_minute) on sender.tenant_id = message.tenant_id
where message.status = 'queued' and message.channel = $4
    and (message.not_before_at <= $1 or (purpose = 'outreach' and outreach_case.status <> 'open'))
    and per_minute > (
        select count(*) from message as before where before.tenant_id = message.tenant_id
            and before.channel = $4 and before.sending_at > $1 - interval '1 minute'
    )
order by purpose = 'outreach', message.not_before_at, message_id limit 1
for update of message skip locked
"""
SAVE_MESSAGE = """
insert into message (message_id, tenant_id, case_id, enrolment_id, channel, purpose, template, status, queued_by,
    not_before_at, address_digest)
values ($1, $2, $3, $4, $5, $6, $7, 'queued', $8, $9, $10)
"""
NOTE_SENDING = """
update message set status = 'sending', sending_at = $2, reservation_id = $3, address_digest = $4, template_version = $5,
    language = $6, tries = tries + 1, reason = null
where message_id = $1
"""
POSTPONE = """
update message set status = 'queued', reason = $2, not_before_at = $3, reservation_id = null where message_id = $1
"""
END = """
update message set status = $2, reason = $3, ended_at = $4, reference = coalesce($5, reference),
    attempt_id = coalesce($6, attempt_id)
where message_id = $1
"""
GIVE_UP = "update message set status = 'unknown', reason = 'nothing-heard' where status = 'sending' and sending_at < $1"
LOCK_MESSAGE = f"select {_MESSAGE} from message where message_id = $1 for update"
_LISTED = ", ".join(names(ListedMessage))
LOAD_MESSAGES = f"""
select {_LISTED} from message
where ($1::text is null or status = $1) and ($2::uuid is null or case_id = $2)
    and ($3::timestamptz is null or (queued_at, message_id) > ($3, $4::uuid))
order by queued_at, message_id limit $5
"""
RESOLVE = "update message set resolved_by = $2, resolved_for = $3 where message_id = $1"
REQUEUE = """
update message set status = 'queued', reason = null, not_before_at = $2, tries = 0, ended_at = null,
    reservation_id = null
where message_id = $1
"""
NOTE_BOUNCED = "update message set bounced_at = coalesce(bounced_at, $2) where message_id = $1"
BOUNCED = "select distinct address_digest from message where address_digest = any($1) and bounced_at is not null"
STOPPED = """
select address_digest from stopped_address
where address_digest = any($1) and channel = $2 and ($3::timestamptz is null or stopped_at > $3)
"""
STOP_ADDRESS = """
insert into stopped_address (channel, address_digest, stopped_at) values ($1, $2, $3)
on conflict (channel, address_digest) do update set stopped_at = greatest(stopped_address.stopped_at, $3)
"""
FORGET_ADDRESSES = (
    "update message set address_digest = null where enrolment_id = any($1) and address_digest is not null"
)

FIND_MESSAGE = f"""
select {_MESSAGE} from message where channel = $1 and (message_id = $2 or reference = $3)
order by message_id = $2 desc, sending_at desc limit 1 for update
"""
# Of each member to whom something was sent by this address, the newest message; the newest of all first.
FIND_WRITTEN_TO = f"""
select {_MESSAGE} from message where message_id in (
    select distinct on (enrolment_id) message_id from message
    where address_digest = any($2) and channel = $1 order by enrolment_id, sending_at desc
)
order by sending_at desc for update
"""
NOTE_DELIVERED = "update message set delivered_at = coalesce(delivered_at, $2) where message_id = $1"
NOTE_REASON = "update message set reason = $2 where message_id = $1"


@dataclass(frozen=True, slots=True)
class NewMessage:
    """A message to be queued."""

    message_id: UUID
    tenant_id: str
    case_id: UUID
    enrolment_id: UUID
    channel: Channel
    purpose: Purpose
    template: str
    queued_by: str
    not_before_at: datetime
    address_digest: bytes | None = None


class SendingBegun(NamedTuple):
    """What is kept of a message before it leaves."""

    at: datetime
    reservation_id: UUID | None
    address_digest: bytes
    template_version: int
    language: str


class Ended(NamedTuple):
    """What became of it."""

    status: Status
    reason: str | None
    at: datetime
    reference: str | None = None
    attempt_id: UUID | None = None


def _message(row: asyncpg.Record) -> Message:
    return into(
        Message, row, channel=Channel(row["channel"]), purpose=Purpose(row["purpose"]), status=Status(row["status"])
    )


def digest_of(connection: Connection, address: str) -> bytes:
    """By which an address is known again, by whoever holds the ring alone."""
    return ring_of(connection).mac(_named(address))


def digests_of(connection: Connection, address: str) -> frozenset[bytes]:
    """The same under every key."""
    return ring_of(connection).macs(_named(address))


def _named(address: str) -> bytes:
    return b"message address " + address.strip().casefold().encode()


async def save_message(connection: Connection, message: NewMessage) -> None:
    await connection.execute(SAVE_MESSAGE, *(getattr(message, name) for name in names(NewMessage)))


async def take(
    connection: Connection, channel: Channel, per_minute: Sequence[tuple[str, int]], now: datetime
) -> Message | None:
    """The next message that may be due, for this transaction alone. One sender takes at a time, so that what was sent
    in the last minute is known."""
    await connection.execute(LOCK_SENDERS, channel)
    tenants, limits = [one for one, _ in per_minute], [limit for _, limit in per_minute]
    row = await connection.fetchrow(TAKE, now, tenants, limits, channel)
    return None if row is None else _message(row)


async def note_sending(connection: Connection, message_id: UUID, begun: SendingBegun) -> None:
    """It leaves once this has committed."""
    await connection.execute(NOTE_SENDING, message_id, *begun)


async def postpone(connection: Connection, message_id: UUID, reason: str | None, until: datetime) -> None:
    """It waits in the queue until then."""
    await connection.execute(POSTPONE, message_id, reason, until)


async def end(connection: Connection, message_id: UUID, ended: Ended) -> None:
    await connection.execute(END, message_id, *ended)


async def give_up(connection: Connection, before: datetime) -> None:
    """What somebody began to send before this instant, and said nothing since: nobody knows what became of it."""
    await connection.execute(GIVE_UP, before)


async def load_messages(
    connection: Connection, status: Status | None, case_id: UUID | None, after: Place, limit: int
) -> list[ListedMessage]:
    """The messages of the plan in this status and of this case, where one is named, in the order of their queueing."""
    rows = await connection.fetch(LOAD_MESSAGES, status, case_id, after.at, after.key, limit)
    return [into(ListedMessage, row) for row in rows]


async def lock_message(connection: Connection, message_id: UUID) -> Message | None:
    """A message that nobody else changes now; None where there is none, or another plan's."""
    row = await connection.fetchrow(LOCK_MESSAGE, message_id)
    return None if row is None else _message(row)


async def note_resolved(connection: Connection, message_id: UUID, by: str, known_by: str) -> None:
    await connection.execute(RESOLVE, message_id, by, known_by)


async def requeue(connection: Connection, message_id: UUID, now: datetime) -> None:
    """It is to be sent after all, once the gate permits it."""
    await connection.execute(REQUEUE, message_id, now)


async def note_bounced(connection: Connection, message_id: UUID, at: datetime) -> None:
    """Nothing is sent to its address any more."""
    await connection.execute(NOTE_BOUNCED, message_id, at)


async def usable(
    connection: Connection, addresses: Sequence[str], channel: Channel, resumed_at: datetime | None
) -> str | None:
    """The first address from which nothing came back, and no STOP by this channel since the member allowed it last."""
    digests = {address: digests_of(connection, address) for address in addresses}
    asked = [digest for found in digests.values() for digest in found]
    rows = [*await connection.fetch(BOUNCED, asked), *await connection.fetch(STOPPED, asked, channel, resumed_at)]
    closed = {row["address_digest"] for row in rows}
    return next((address for address, found in digests.items() if not found & closed), None)


async def stop_address(connection: Connection, channel: Channel, address: str, at: datetime) -> None:
    """Whoever has this number or mailbox wants no more messages there, whomever they were meant for."""
    await connection.execute(STOP_ADDRESS, channel, digest_of(connection, address), at)


def written_from(connection: Connection, addresses: Sequence[str], digest: bytes | None) -> str | None:
    """The one of these addresses that has this digest."""
    return next((address for address in addresses if digest in digests_of(connection, address)), None)


async def find_message(
    connection: Connection, channel: Channel, message_id: UUID | None, reference: str | None
) -> Message | None:
    """The message of which a provider tells, for this transaction alone."""
    row = await connection.fetchrow(FIND_MESSAGE, channel, message_id, reference)
    return None if row is None else _message(row)


async def find_written_to(connection: Connection, channel: Channel, address: str) -> list[Message]:
    """The newest message to each member who was written to by this address, the newest first."""
    rows = await connection.fetch(FIND_WRITTEN_TO, channel, list(digests_of(connection, address)))
    return [_message(row) for row in rows]


async def note_delivered(connection: Connection, message_id: UUID, at: datetime) -> None:
    await connection.execute(NOTE_DELIVERED, message_id, at)


async def note_reason(connection: Connection, message_id: UUID, reason: str) -> None:
    await connection.execute(NOTE_REASON, message_id, reason)


async def forget_addresses(connection: Connection, enrolment_ids: Collection[UUID]) -> None:
    """Nothing is known any more of where these enrolments' members were written to."""
    await connection.execute(FORGET_ADDRESSES, list(enrolment_ids))
