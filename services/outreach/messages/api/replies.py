"""What members wrote that no machine understands wholly: a person reads it."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from services.kit import audit
from services.kit.idempotency import Answer, Identity
from services.kit.next_page import After, end_of, place_of, text_of
from services.kit.problem import Refusal
from services.kit.requests import Pool, reading, write
from services.kit.unit_of_work import UnitOfWork
from services.outreach.gate.api.permissions import Clock
from services.outreach.messages.api.messages import MayReview
from services.outreach.messages.shapes import RepliesOut, replies_of
from services.outreach.messages.store import replies
from services.outreach.worklist.api.workers import worker_id
from services.outreach.worklist.shapes import NOT_FOUND

NO_REPLY = Refusal("unknown-reply", "Unknown Reply", "There is none like that among your plan's.", 404)

routes = APIRouter(tags=["outreach"])


@routes.get("/message-replies", summary="Read what members wrote")
async def list_replies(
    pool: Pool, principal: MayReview, limit: Annotated[int, Query(ge=1, le=200)] = 50, after: After = None
) -> RepliesOut:
    """Those that nobody has read yet, the longest waiting first. Until then the member is sent no message. The look is
    audited."""
    async with reading(pool, principal) as work:
        found = await replies.load_replies(work.connection, place_of(after), limit)
        await audit.record(work, principal, "read", "case", sorted({one.case_id for one, _ in found}))
    last = end_of(found, limit)
    return replies_of(found, text_of(None if last is None else (last[0].received_at, last[0].reply_id)))


@routes.post(
    "/message-replies/{reply_id}/read",
    summary="Say that a reply was read",
    status_code=204,
    response_class=Response,
    responses={404: NOT_FOUND},
)
async def note_read(reply_id: UUID, pool: Pool, identity: Identity, principal: MayReview, now: Clock) -> Response:
    """What the member meant is logged as a contact beside it. A second time changes nothing."""

    async def effect(work: UnitOfWork) -> Answer:
        case_id = await replies.note_read(work.connection, reply_id, worker_id(principal), now)
        if case_id is None:
            return Answer.of(NO_REPLY)
        await audit.record(work, principal, "read", "case", [case_id])
        return Answer(204)

    return await write(pool, identity, effect)
