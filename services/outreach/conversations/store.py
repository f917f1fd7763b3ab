"""SQL of conversations. A record is never changed: a corrected one is a further row. Notes are sealed. Runs as the
plan, so row-level security hides other plans' rows."""

import json
from collections.abc import Collection
from dataclasses import asdict
from typing import Any
from uuid import UUID

from schemas.outreach_v1 import Disposition, Given
from services.kit.postgres import Connection
from services.kit.resealing import Sealed
from services.kit.rows import into
from services.outreach.conversations.rules import Conversation, Handed, Spoken, SpokenOf, TeachBack

NOTES = Sealed("conversation", "sealed_notes", "conversation_id::text", "null::bytea")
LOAD_ATTEMPT = """
select attempt_id, case_id, enrolment_id, tenant_id, worker_id, disposition, given, attempted_on, logged_at,
    clock_timestamp() as asked_at,
    exists (select from attempt_retraction as gone where gone.attempt_id = attempt.attempt_id) as is_retracted
from attempt where attempt_id = $1
"""
SAVE = """
insert into conversation (conversation_id, attempt_id, enrolment_id, tenant_id, stage, techniques, answers, materials,
    teach_back, minutes, sealed_notes, recorded_by, recorded_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
"""
LOAD = """
select conversation_id, attempt_id, stage, techniques, answers, materials, teach_back, minutes, sealed_notes,
    recorded_by, recorded_at
from conversation where attempt_id = any($1::uuid[]) order by recorded_at, conversation_id
"""
FORGET_NOTES = "update conversation set sealed_notes = null where enrolment_id = any($1::uuid[])"
FORGET_EARLIER = "update conversation set sealed_notes = null where attempt_id = $1 and conversation_id <> $2"


async def load_attempt(connection: Connection, attempt_id: UUID) -> SpokenOf | None:
    """The attempt that a conversation is of; None where there is none, or another plan's."""
    row = await connection.fetchrow(LOAD_ATTEMPT, attempt_id)
    if row is None:
        return None
    return into(
        SpokenOf, row, disposition=Disposition(row["disposition"]), given=tuple(Given(given) for given in row["given"])
    )


async def save(connection: Connection, attempt: SpokenOf, conversation: Conversation) -> None:
    """Keep a further record; notes of those before it are deleted."""
    spoken, sealed = conversation.spoken, None
    if spoken.notes is not None:
        [sealed] = NOTES.seal(connection, [spoken.notes.encode()], [str(conversation.conversation_id)])
    await connection.execute(
        SAVE, conversation.conversation_id, conversation.attempt_id, attempt.enrolment_id, attempt.tenant_id,
        spoken.stage, list(spoken.techniques), json.dumps(dict(spoken.answers or {})),
        json.dumps([asdict(handed) for handed in spoken.materials]), spoken.teach_back, spoken.minutes, sealed,
        conversation.recorded_by, conversation.recorded_at,
    )  # fmt: skip
    await connection.execute(FORGET_EARLIER, conversation.attempt_id, conversation.conversation_id)


async def load(connection: Connection, attempt_ids: Collection[UUID]) -> list[Conversation]:
    """Every record of these attempts, in the order in which they were made."""
    rows = await connection.fetch(LOAD, list(attempt_ids))
    sealed = [row for row in rows if row["sealed_notes"] is not None]
    names = [str(row["conversation_id"]) for row in sealed]
    opened = NOTES.open(connection, [row["sealed_notes"] for row in sealed], names) if sealed else []
    notes = dict(zip(names, (content.decode() for content in opened), strict=True))
    return [_conversation(row, notes.get(str(row["conversation_id"]))) for row in rows]


async def forget_notes(connection: Connection, enrolment_ids: Collection[UUID]) -> None:
    """Delete what was written freely of these enrolments' members; codes and answers stay."""
    await connection.execute(FORGET_NOTES, list(enrolment_ids))


def _conversation(row: Any, notes: str | None) -> Conversation:
    materials = tuple(Handed(**handed) for handed in json.loads(row["materials"]))
    teach_back = None if row["teach_back"] is None else TeachBack(row["teach_back"])
    spoken = Spoken(
        row["stage"], tuple(row["techniques"]), json.loads(row["answers"]), materials, teach_back, row["minutes"], notes
    )
    return Conversation(row["conversation_id"], row["attempt_id"], spoken, row["recorded_by"], row["recorded_at"])
