"""The API of conversations: record what was spoken of, read it, see the codes that a record takes."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response

from services.kit import audit
from services.kit.auth import Principal, may
from services.kit.idempotency import Answer, Identity
from services.kit.problem import Refusal, refuse
from services.kit.requests import Pool, reading, write
from services.kit.unit_of_work import UnitOfWork
from services.outreach.conversations import flow
from services.outreach.conversations.catalogue import CATALOGUE
from services.outreach.conversations.shapes import (
    ConversationCodesOut,
    ConversationIn,
    ConversationOut,
    ConversationRecordedOut,
    codes_of,
    conversation_of,
)
from services.outreach.worklist.api.workers import Logger, worker_id
from services.outreach.worklist.shapes import NOT_FOUND, PROBLEM

MayRead = Annotated[Principal, may("conversations.read")]

routes = APIRouter(tags=["outreach"])


@routes.post(
    "/attempts/{attempt_id}/conversation",
    summary="Record what was spoken of in an attempt",
    status_code=201,
    response_model=ConversationRecordedOut,
    responses={404: NOT_FOUND, 409: PROBLEM},
)
async def record_conversation(
    attempt_id: UUID, body: ConversationIn, pool: Pool, identity: Identity, principal: Logger
) -> Response:
    """The interview, answers on hesitancy, materials, teach-back and notes, by whoever made the attempt or a
    supervisor. Told again, it takes the place of what was told before, which stays on record."""
    is_supervisor = principal.may("attempts.retract-any")

    async def effect(work: UnitOfWork) -> Answer:
        await audit.record(work, principal, "read", "attempt", [attempt_id])
        kept = await flow.record(
            work.connection, attempt_id, body.spoken(), worker_id(principal), is_supervisor=is_supervisor
        )
        if isinstance(kept, Refusal):
            return Answer.of(kept)
        told = ConversationRecordedOut(conversation_id=kept.conversation_id)
        return Answer(201, told.model_dump(mode="json"))

    return await write(pool, identity, effect)


@routes.get(
    "/attempts/{attempt_id}/conversation",
    summary="Read what was spoken of in an attempt",
    response_model=ConversationOut,
    responses={404: NOT_FOUND},
)
async def read_conversation(attempt_id: UUID, pool: Pool, principal: MayRead) -> Response | ConversationOut:
    """As it was recorded last. The look is audited. Whoever is about to call finds it in the briefing."""
    async with reading(pool, principal) as work:
        await audit.record(work, principal, "read", "attempt", [attempt_id])
        found = await flow.read(work.connection, attempt_id)
    return refuse(found) if isinstance(found, Refusal) else conversation_of(found)


@routes.get("/conversation-codes", summary="The codes of a conversation's record")
async def read_codes(_principal: Logger) -> ConversationCodesOut:
    """Stages and techniques of the interview, questions with their answers, materials with their versions."""
    return codes_of(CATALOGUE)
