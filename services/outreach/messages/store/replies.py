"""SQL of what members wrote that a person reads, and of which callbacks were taken."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from services.kit.next_page import Place
from services.kit.postgres import Connection
from services.kit.resealing import Sealed
from services.kit.rows import into, names
from services.outreach.messages.rules import Reply

TAKE_CALLBACK = """
insert into message_callback (provider, callback_id, taken_at) values ($1, $2, $3) on conflict do nothing returning true
"""
FORGET_CALLBACKS = "delete from message_callback where taken_at < $1::timestamptz - interval '7 days'"
SAVE_REPLY = f"""
insert into message_reply ({", ".join(names(Reply))}, sealed_text) values ($1, $2, $3, $4, $5, $6, $7)
"""
LOAD_REPLIES = f"""
select {", ".join(names(Reply))}, sealed_text from message_reply
where read_at is null and ($1::timestamptz is null or (received_at, reply_id) > ($1, $2::uuid))
order by received_at, reply_id limit $3
"""
NOTE_READ = """
update message_reply set read_by = coalesce(read_by, $2), read_at = coalesce(read_at, $3)
where reply_id = $1 returning case_id
"""
HAS_UNREAD = "select exists (select from message_reply where enrolment_id = $1 and read_at is null)"
FORGET_REPLIES = "delete from message_reply where enrolment_id = any($1)"
TEXTS = Sealed("message_reply", "sealed_text", "reply_id::text", "null::bytea")


async def take_callback(connection: Connection, provider: str, callback_id: str, now: datetime) -> bool:
    """Whether it comes for the first time."""
    await connection.execute(FORGET_CALLBACKS, now)
    return await connection.fetchval(TAKE_CALLBACK, provider, callback_id, now) is not None


async def save_reply(connection: Connection, reply: Reply, text: str) -> None:
    """Keep what a member wrote, sealed, until and after a person reads it."""
    [sealed] = TEXTS.seal(connection, [text.encode()], [str(reply.reply_id)])
    await connection.execute(SAVE_REPLY, *(getattr(reply, name) for name in names(Reply)), sealed)


async def load_replies(connection: Connection, after: Place, limit: int) -> list[tuple[Reply, str]]:
    """What nobody has read yet, the longest waiting first."""
    rows = await connection.fetch(LOAD_REPLIES, after.at, after.key, limit)
    opened = TEXTS.open(connection, [row["sealed_text"] for row in rows], [str(row["reply_id"]) for row in rows])
    return [(into(Reply, row), text.decode()) for row, text in zip(rows, opened, strict=True)]


async def note_read(connection: Connection, reply_id: UUID, by: str, at: datetime) -> UUID | None:
    """Somebody has read it. Gives whose case it is of; None where there is none, or another plan's."""
    case_id: UUID | None = await connection.fetchval(NOTE_READ, reply_id, by, at)
    return case_id


async def has_unread(connection: Connection, enrolment_id: UUID) -> bool:
    """Whether the member wrote something that a person has to read first."""
    found: bool = await connection.fetchval(HAS_UNREAD, enrolment_id)
    return found


async def forget_replies(connection: Connection, enrolment_ids: Collection[UUID]) -> None:
    """Nothing is known any more of what these enrolments' members wrote."""
    await connection.execute(FORGET_REPLIES, list(enrolment_ids))
