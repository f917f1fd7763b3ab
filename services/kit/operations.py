"""What operators do by HTTP in every service: look at dead letters, replay or discard them."""

import base64
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from services.kit import audit, dead_letters, redrive
from services.kit.auth import Principal, require
from services.kit.dead_letters import DeadLetter
from services.kit.postgres import ALL_TENANTS, transaction
from services.kit.problem import Refusal, refuse
from services.kit.requests import Pool
from services.kit.subscription import Subscription

OPERATOR = "operator"
NOT_WAITING = Refusal("dead-letter-not-waiting", "Not Waiting", "No such dead letter waits.", 404)
Operator = Annotated[Principal, require(OPERATOR)]


def router(subscriptions: Mapping[str, Subscription]) -> APIRouter:
    """The routes, for the subscriptions of one service by group."""
    routes = APIRouter(tags=["operations"])

    @routes.get("/dead-letters")
    async def list_dead_letters(
        pool: Pool, principal: Operator, reason: str | None = None, limit: Annotated[int, Query(ge=1, le=1000)] = 100
    ) -> list[dict[str, Any]]:
        """The oldest records that wait: reasons and coordinates, no content."""
        async with transaction(pool, ALL_TENANTS) as connection:
            waiting = await dead_letters.load_waiting(connection, reason, limit)
        return [_summary(letter) for letter in waiting]

    @routes.get("/dead-letters/{dead_letter_id}")
    async def read_dead_letter(pool: Pool, principal: Operator, dead_letter_id: int) -> Response | dict[str, Any]:
        """One record with its original bytes in base64. The look is audited."""
        async with transaction(pool, ALL_TENANTS) as connection:
            letter = await dead_letters.load_dead_letter(connection, dead_letter_id)
            if letter is None:
                return refuse(NOT_WAITING)
            await audit.record(connection, principal, "read", "dead-letter", [dead_letter_id])
        return _summary(letter) | {"key": _text(letter.record.key), "value": _text(letter.record.value)}

    @routes.post("/dead-letters/{dead_letter_id}/replay")
    async def replay_dead_letter(pool: Pool, principal: Operator, dead_letter_id: int) -> Response | dict[str, Any]:
        """Apply everything that waits with its key, in order. Sent twice, it takes effect once."""
        done = await redrive.replay(pool, subscriptions, dead_letter_id, principal.subject)
        return refuse(NOT_WAITING) if done is None else _redriven(done)

    @routes.post("/dead-letters/{dead_letter_id}/discard")
    async def discard_dead_letter(pool: Pool, principal: Operator, dead_letter_id: int) -> Response | dict[str, Any]:
        """Give this record up and apply what waits behind it. Who did it is kept with the record."""
        done = await redrive.discard(pool, subscriptions, dead_letter_id, principal.subject)
        return refuse(NOT_WAITING) if done is None else _redriven(done)

    return routes


def _summary(letter: DeadLetter) -> dict[str, Any]:
    record = letter.record
    return {
        "dead_letter_id": letter.id, "group": letter.consumer, "topic": record.topic, "partition": record.partition,
        "offset": record.offset, "reason": letter.reason, "detail": letter.detail, "state": letter.state,
        "created_at": letter.created_at.isoformat(),
    }  # fmt: skip


def _redriven(done: redrive.Redriven) -> dict[str, Any]:
    return {"replayed": done.replayed, "discarded": done.discarded, "still_dead": done.still_dead}


def _text(value: bytes | None) -> str | None:
    return None if value is None else base64.b64encode(value).decode()
