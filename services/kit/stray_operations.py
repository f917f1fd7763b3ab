"""What an operator says by HTTP of records in the service's name that its store never made
(docs/runbooks/log-lost-its-tail.md). Also while the service is held back because of them."""

import asyncio
from collections.abc import Mapping
from contextlib import aclosing
from datetime import datetime
from typing import Annotated, Self

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, StrictInt, model_validator

from schemas.envelope import Event
from services.kit import acknowledged, audit, strays
from services.kit.auth import Principal, may_for_all
from services.kit.contract import Record
from services.kit.flood_operations import LAST, LOG_UNAVAILABLE, Offset
from services.kit.idempotency import Answer, Identity
from services.kit.next_page import PAGED, end_of, link_next
from services.kit.own_log import Owned
from services.kit.problem import RETRY_AFTER_S, Refusal, RefusedError
from services.kit.requests import OperatorsPool, Reason, reading, write
from services.kit.unit_of_work import UnitOfWork

MOST_RECORDS = 10_000
READ_WITHIN_S = 20.0
NO_STRAY = Refusal(
    "no-stray", "No Stray",
    "Expected a range of the service's own topics with a record that its store never made and nobody has acknowledged.",
)  # fmt: skip
Operator = Annotated[Principal, may_for_all("strays.decide")]


class StrayRange(BaseModel):
    """Offsets of one partition, both ends included. What the store has made in between stays as it is."""

    model_config = ConfigDict(extra="forbid")

    topic: str = Field(max_length=249)
    partition: StrictInt = Field(ge=0, le=2**31 - 1)
    first_offset: Offset
    last_offset: Offset

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not 0 <= self.last_offset - self.first_offset < MOST_RECORDS:
            raise ValueError(f"last_offset: expected first_offset or up to {MOST_RECORDS} records from there")
        return self

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}@{self.first_offset}-{self.last_offset}"


class StraysAcknowledged(BaseModel):
    """How many there were in the range."""

    count: int


class AcknowledgedStray(BaseModel):
    """A record that nobody is told of any more, and who said so."""

    topic: str
    partition: int
    offset: int
    acknowledged_by: str
    acknowledged_at: datetime


def router(owned: Mapping[type[Event], Owned]) -> APIRouter:
    """The routes of a service that finds these facts in its store."""
    routes = APIRouter(tags=["operations"])

    @routes.get("/acknowledged-strays", responses=PAGED)
    async def list_acknowledged(
        request: Request, response: Response, pool: OperatorsPool, principal: Operator,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
        before: Annotated[int, Query(ge=1, le=LAST, description="The last one of the page before")] = LAST,
    ) -> list[AcknowledgedStray]:  # fmt: skip
        """The newest first, page by page (`Link`)."""
        async with reading(pool, principal) as work:
            rows = await acknowledged.load_newest(work.connection, before, limit)
        link_next(request, response, before=end_of([row["stray_id"] for row in rows], limit))
        return [AcknowledgedStray(**dict(row)) for row in rows]

    @routes.post("/acknowledged-strays", status_code=201, response_model=StraysAcknowledged)
    async def acknowledge(
        request: Request, pool: OperatorsPool, principal: Operator, identity: Identity, wanted: StrayRange, why: Reason
    ) -> Response:
        """Let nobody be told any more of the records in this range that bear the service's name and that its store
        never made, neither by the standing check nor when a service starts. Each is known by its place, its topic's id
        and its time: what comes later is told again. Audited."""
        found = await _find(request, pool, owned, wanted)

        async def effect(work: UnitOfWork) -> Answer:
            left = await acknowledged.without(work.connection, found)
            if not left:
                return Answer.of(NO_STRAY)
            await acknowledged.save(work.connection, left, principal.subject)
            await audit.record(work, principal, "acknowledged", "log-range", [wanted, len(left)], why)
            return Answer(201, {"count": len(left)})

        return await write(pool, identity, effect)

    return routes


async def _find(
    request: Request, pool: OperatorsPool, owned: Mapping[type[Event], Owned], wanted: StrayRange
) -> list[Record]:
    place = TopicPartition(wanted.topic, wanted.partition)
    span = {place: range(wanted.first_offset, wanted.last_offset + 1)}
    try:
        async with (
            asyncio.timeout(READ_WITHIN_S),
            aclosing(strays.find(request.app.state.settings, pool, owned, span)) as found,
        ):
            return [stray.record async for stray in found]
    except (KafkaError, OSError, TimeoutError):
        raise RefusedError(LOG_UNAVAILABLE, {"Retry-After": str(RETRY_AFTER_S)}) from None
