"""The API of messages: queue one, see what became of them, say what is known of one after all."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from services.kit import audit
from services.kit.auth import Principal, may
from services.kit.idempotency import Answer, Identity
from services.kit.next_page import After, end_of, place_of, text_of
from services.kit.problem import Refusal
from services.kit.requests import Pool, reading, write
from services.kit.unit_of_work import UnitOfWork
from services.outreach.gate.api.permissions import Clock
from services.outreach.messages import store
from services.outreach.messages.flow import queueing, resolving
from services.outreach.messages.flow.settings import MessageSettings
from services.outreach.messages.rules import Status
from services.outreach.messages.shapes import MessageIn, MessageQueuedOut, MessagesOut, ResolutionIn, messages_of
from services.outreach.worklist.api.workers import worker_id
from services.outreach.worklist.shapes import NOT_FOUND, PROBLEM

MayQueue = Annotated[Principal, may("messages.queue")]
MayReview = Annotated[Principal, may("messages.review")]


async def _settings(request: Request) -> MessageSettings:
    own: MessageSettings = request.state.own
    return own


OwnMessages = Annotated[MessageSettings, Depends(_settings)]

routes = APIRouter(tags=["outreach"])


@routes.post(
    "/cases/{case_id}/messages",
    summary="Send a text message or an e-mail",
    status_code=201,
    response_model=MessageQueuedOut,
    responses={404: NOT_FOUND, 409: PROBLEM},
)
async def queue_message(
    case_id: UUID, body: MessageIn, pool: Pool, identity: Identity, principal: MayQueue, now: Clock, own: OwnMessages
) -> Response:
    """It is queued if the gate permits it, or will (`waits`), and the gate is asked again when it is sent. A text
    message needs the member's consent to autodialled texts. It counts as an attempt once it was sent."""
    wanted = queueing.Wanted(body.channel, body.template, body.waits)

    async def effect(work: UnitOfWork) -> Answer:
        await audit.record(work, principal, "read", "case", [case_id])
        queued = await queueing.queue(work, case_id, wanted, worker_id(principal), own, now)
        if isinstance(queued, Refusal):
            return Answer.of(queued)
        answer = MessageQueuedOut(
            message_id=queued.message_id, status=Status.QUEUED, not_before_at=queued.not_before_at
        )
        return Answer(201, answer.model_dump(mode="json"))

    return await write(pool, identity, effect)


@routes.get("/messages", summary="See what became of messages")
async def list_messages(
    pool: Pool,
    principal: MayReview,
    status: Annotated[Status | None, Query(description="`unknown`: those that wait for a person.")] = None,
    case_id: Annotated[UUID | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    after: After = None,
) -> MessagesOut:
    """Those of the plan, the earliest queued first. The look is audited."""
    async with reading(pool, principal) as work:
        found = await store.load_messages(work.connection, status, case_id, place_of(after), limit)
        await audit.record(work, principal, "read", "case", sorted({one.case_id for one in found}))
    last = end_of(found, limit)
    return messages_of(found, text_of(None if last is None else (last.queued_at, last.message_id)))


@routes.post(
    "/messages/{message_id}/resolve",
    summary="Say whether a message was sent of which nobody knew",
    status_code=204,
    response_class=Response,
    responses={404: NOT_FOUND, 409: PROBLEM},
)
async def resolve_message(
    message_id: UUID, body: ResolutionIn, pool: Pool, identity: Identity, principal: MayReview, now: Clock
) -> Response:
    """`sent`: it counts as an attempt. `not-sent`: it counts no more. `send-again`: it is queued again, and the gate is
    asked anew. Nobody else ever sends such a message again."""

    async def effect(work: UnitOfWork) -> Answer:
        by = worker_id(principal)
        refused = await resolving.resolve(work, message_id, body.outcome, body.reason, by, now)
        return Answer(204) if refused is None else Answer.of(refused)

    return await write(pool, identity, effect)
