"""What a person says of a message of which nobody knew whether it was sent."""

from datetime import datetime
from uuid import UUID

from services.kit.problem import Refusal
from services.kit.unit_of_work import UnitOfWork
from services.outreach.messages import store
from services.outreach.messages.flow import sending
from services.outreach.messages.outgoing import Outcome, Result
from services.outreach.messages.rules import KnownBy, Resolution, Status
from services.outreach.messages.store import Ended

NO_MESSAGE = Refusal("unknown-message", "Unknown Message", "There is none like that among your plan's.", 404)
NOT_UNKNOWN = Refusal("outcome-known", "Outcome Known", "Only a message whose outcome is unknown is resolved.")


async def resolve(
    work: UnitOfWork, message_id: UUID, resolution: Resolution, known_by: KnownBy, by: str, now: datetime
) -> Refusal | None:
    """Sent: it counts as the attempt that it was. Not sent: it counts no more. To be sent again: it goes back to the
    queue, and the gate is asked anew."""
    connection = work.connection
    message = await store.lock_message(connection, message_id)
    if message is None:
        return NO_MESSAGE
    if message.status is not Status.UNKNOWN:
        return NOT_UNKNOWN
    if resolution is Resolution.SENT:
        await sending.note_sent(work, message, Result(Outcome.SENT), now)
    else:
        await sending.release(connection, message)
        await store.end(connection, message_id, Ended(Status.FAILED, "not-sent", now))
    await store.note_resolved(connection, message_id, by, known_by)
    if resolution is Resolution.SEND_AGAIN:
        await store.requeue(connection, message_id, now)
    return None
