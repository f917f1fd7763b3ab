"""Records what was spoken of in an attempt, and forgets its notes with the member's contact details."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from schemas.member_contact_v1 import MemberContactChangedV1
from services.kit.ids import new_id
from services.kit.postgres import Connection
from services.kit.problem import Refusal
from services.kit.unit_of_work import UnitOfWork
from services.outreach.conversations import store
from services.outreach.conversations.catalogue import CATALOGUE
from services.outreach.conversations.rules import Conversation, Misfit, Spoken, misfit, newest, version_of
from services.outreach.reach import flow as reach
from services.outreach.reach import store as reach_store

NO_ATTEMPT = Refusal("unknown-attempt", "Unknown Attempt", "There is no such attempt among your plan's.", 404)
NO_CONVERSATION = Refusal(
    "unknown-conversation", "Unknown Conversation", "Nothing is on record of what was spoken of in this attempt.", 404
)
NOT_YOURS = Refusal(
    "not-your-attempt", "Not Your Attempt", "Its worker records what was spoken of in an attempt, or a supervisor."
)
WITHDRAWN = Refusal(
    "notes-not-kept", "Notes Not Kept", "The member's details were withdrawn or erased: no notes are kept of him."
)
MISFITS = {
    Misfit.RETRACTED: Refusal("attempt-retracted", "Attempt Retracted", "The attempt was entered in error."),
    Misfit.NOBODY_REACHED: Refusal(
        "nobody-reached", "Nobody Reached", "The attempt's disposition says that nobody was spoken with."
    ),
    Misfit.NO_INTERVIEW: Refusal(
        "no-interview", "No Interview", "Expected motivational-interviewing among what the attempt says was given."
    ),
    Misfit.MATERIAL: Refusal(
        "material-not-available", "Material Not Available", "No version in this language on the attempt's day.", 422
    ),
}


async def record(
    connection: Connection, attempt_id: UUID, spoken: Spoken, worker_id: str, *, is_supervisor: bool
) -> Conversation | Refusal:
    """Keep what was spoken of; a further record of the same attempt takes the place of the last one."""
    attempt = await store.load_attempt(connection, attempt_id)
    if attempt is None:
        return NO_ATTEMPT
    if attempt.worker_id != worker_id and not is_supervisor:
        return NOT_YOURS
    if (found := misfit(spoken, attempt, CATALOGUE)) is not None:
        return MISFITS[found]
    if spoken.notes is not None and await reach_store.is_withdrawn(connection, attempt.enrolment_id):
        return WITHDRAWN
    materials = tuple(
        replace(handed, version=version_of(handed, attempt.attempted_on, CATALOGUE) or 0) for handed in spoken.materials
    )
    kept = Conversation(new_id(), attempt_id, replace(spoken, materials=materials), worker_id, attempt.asked_at)
    await store.save(connection, attempt, kept)
    return kept


async def read(connection: Connection, attempt_id: UUID) -> Conversation | Refusal:
    """What is on record of an attempt that stands."""
    attempt = await store.load_attempt(connection, attempt_id)
    if attempt is None or attempt.is_retracted:
        return NO_CONVERSATION
    found = newest(await store.load(connection, [attempt_id]))
    return found.get(attempt_id, NO_CONVERSATION)


async def on_member_contact(work: UnitOfWork, events: Sequence[MemberContactChangedV1]) -> None:
    """Keep how members can be reached; with what was withdrawn or erased the notes of conversations go, too."""
    await reach.on_member_contact(work, events)
    if gone := [event.enrolment_id for event in events if event.sealed is None]:
        await store.forget_notes(work.connection, gone)
