"""What operators do by HTTP in every service: look at dead letters, replay or discard them.

Dead letters belong to the deployment and not to a plan: only an operator for all tenants gets at them.
"""

import base64
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel

from services.kit import audit, dead_letters, redrive, requests
from services.kit.auth import Principal, may_for_all
from services.kit.dead_letters import DeadLetter
from services.kit.idempotency import Answer, Identity
from services.kit.masking import protected
from services.kit.next_page import PAGED, end_of, link_next
from services.kit.problem import Refusal, RefusedError
from services.kit.redrive import Redriven
from services.kit.requests import Pool, reading, write
from services.kit.subscription import Subscription
from services.kit.unit_of_work import UnitOfWork

NO_LETTER = Refusal("unknown-dead-letter", "Unknown Dead Letter", "No such dead letter waits.", 404)

UNREADABLE = Refusal(
    "unreadable-dead-letter", "Unreadable Dead Letter",
    "What is kept of the record can't be opened: the key ring lacks its key, or it was changed.",
)  # fmt: skip


class DeadLetterSummary(BaseModel):
    """A record that waits: where it stands in the log and why, without its content."""

    dead_letter_id: int
    group: str
    topic: str
    partition: int
    offset: int
    reason: str
    detail: str
    state: str
    created_at: datetime


class DeadLetterContent(DeadLetterSummary):
    """The same with its original bytes in base64."""

    key: Annotated[str | None, protected("records")]
    value: Annotated[str | None, protected("records")]


class RedriveResult(BaseModel):
    """How many records were applied and given up. `still_dead`: why the record `still_dead_id` can't be applied yet;
    what came after it in its key waits behind it."""

    replayed: int
    discarded: int
    still_dead: str | None
    still_dead_id: int | None


DeadLetterId = Annotated[int, Path(ge=1, le=2**63 - 1)]
Reason = Annotated[str | None, Query(max_length=64)]
Onlooker = Annotated[Principal, may_for_all("dead-letters.read")]
Operator = Annotated[Principal, may_for_all("dead-letters.decide")]


def router(subscriptions: Mapping[str, Subscription]) -> APIRouter:
    """The routes, for the subscriptions of one service by group."""
    routes = APIRouter(tags=["operations"])

    @routes.get("/dead-letters", responses=PAGED)
    async def list_dead_letters(
        request: Request,
        response: Response,
        pool: Pool,
        principal: Onlooker,
        reason: Reason = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
        after: Annotated[int, Query(ge=0, le=2**63 - 1, description="The last one of the page before")] = 0,
    ) -> list[DeadLetterSummary]:
        """The records that wait, the oldest first, page by page (`Link`): reasons and coordinates, no content."""
        async with reading(pool, principal) as work:
            found = await dead_letters.load_waiting(work.connection, reason, after, limit)
        link_next(request, response, after=end_of([letter.id for letter in found], limit))
        return [_summary(letter) for letter in found]

    @routes.get("/dead-letters/{dead_letter_id}")
    async def read_dead_letter(pool: Pool, principal: Onlooker, dead_letter_id: DeadLetterId) -> DeadLetterContent:
        """One record with its original bytes. The look is audited, under the record's key too."""
        async with reading(pool, principal) as work:
            letter = await dead_letters.load_dead_letter(work.connection, dead_letter_id)
            if letter is None:
                raise RefusedError(NO_LETTER)
            if not letter.is_opened:
                raise RefusedError(UNREADABLE)
            await audit.record(work, principal, "read", "dead-letter", [dead_letter_id, *_named(letter.record.key)])
        content = {"key": _text(letter.record.key), "value": _text(letter.record.value)}
        return DeadLetterContent(**_summary(letter).model_dump(), **content)

    @routes.post("/dead-letters/{dead_letter_id}/replay", response_model=RedriveResult)
    async def replay_dead_letter(
        pool: Pool, principal: Operator, identity: Identity, dead_letter_id: DeadLetterId, why: requests.Reason
    ) -> Response:
        """Apply what waits with its key, in order, up to a record that still can't be applied. Replayed twice, it takes
        effect once. Audited."""

        async def effect(work: UnitOfWork) -> Answer:
            done = await redrive.replay(work, subscriptions, dead_letter_id, principal.subject)
            if isinstance(done, Refusal):
                return Answer.of(done)
            return await _answer(work, principal, done, [], why)

        return await write(pool, identity, effect)

    @routes.post("/dead-letters/{dead_letter_id}/discard", response_model=RedriveResult)
    async def discard_dead_letter(
        pool: Pool, principal: Operator, identity: Identity, dead_letter_id: DeadLetterId, why: requests.Reason
    ) -> Response:
        """Give this record up and apply what waits behind it. Audited."""

        async def effect(work: UnitOfWork) -> Answer:
            done = await redrive.discard(work, subscriptions, dead_letter_id, principal.subject)
            return await _answer(work, principal, done, [dead_letter_id], why)

        return await write(pool, identity, effect)

    return routes


def _summary(letter: DeadLetter) -> DeadLetterSummary:
    record = letter.record
    return DeadLetterSummary(
        dead_letter_id=letter.id, group=letter.consumer, topic=record.topic, partition=record.partition,
        offset=record.offset, reason=letter.reason, detail=letter.detail, state=letter.state,
        created_at=letter.created_at,
    )  # fmt: skip


async def _answer(
    work: UnitOfWork, principal: Principal, done: Redriven | None, given_up: list[int], why: str
) -> Answer:
    if done is None:
        return Answer.of(NO_LETTER)
    named = _named(done.key)
    if given_up:
        await audit.record(work, principal, "discarded", "dead-letter", [*given_up, *named], why)
    if done.replayed_ids:
        await audit.record(work, principal, "redriven", "dead-letter", [*done.replayed_ids, *named], why)
    result = RedriveResult(
        replayed=done.replayed, discarded=done.discarded, still_dead=done.still_dead, still_dead_id=done.still_dead_id
    )
    return Answer(200, result.model_dump())


def _named(key: bytes | None) -> list[str]:
    """Of whom a record speaks: its key, if that is a token, and nothing that somebody may have written."""
    try:
        return [str(UUID((key or b"").decode("ascii")))]
    except ValueError:
        return []


def _text(value: bytes | None) -> str | None:
    return None if value is None else base64.b64encode(value).decode()
