"""What an operator does by HTTP when bad records flood a topic (docs/runbooks/flood-of-bad-records.md). Also while the
service is held back because its database lacks what its group has passed: saying so may be what ends that."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Self

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, model_validator

from services.kit import audit, backlog, floods
from services.kit.auth import Principal, may_for_all
from services.kit.backlog import End
from services.kit.floods import Skip
from services.kit.idempotency import Answer, Identity
from services.kit.next_page import PAGED, end_of, link_next
from services.kit.problem import RETRY_AFTER_S, Refusal, RefusedError
from services.kit.requests import OperatorsPool, Reason, reading, write
from services.kit.subscription import Subscription
from services.kit.unit_of_work import UnitOfWork

MOST_MINUTES = 240
MOST_RECORDS = 1_000_000
LAST = 2**63 - 1
NO_GROUP = Refusal("unknown-group", "Unknown Group", "The service reads in no such group.", 404)
BEYOND = Refusal("beyond-the-end", "Beyond The End", "Expected offsets that the topic has already.")
LOG_UNAVAILABLE = Refusal("log-unavailable", "Service Unavailable", "The broker did not say where the topic ends.", 503)
Operator = Annotated[Principal, may_for_all("floods.decide")]
Offset = Annotated[StrictInt, Field(ge=0, le=2**63 - 1)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Lift(_Body):
    """For how long; 0 ends it."""

    minutes: StrictInt = Field(ge=0, le=MOST_MINUTES)


class Limit(BaseModel):
    """Whether a group sets aside without a limit now, and until when."""

    group: str
    topic: str
    lifted_until: datetime | None


class SkipRequest(_Body):
    """A range of one partition's offsets, both ends included, as `/ready` and the log name them. What can be read is
    applied all the same, unless `only_unreadable` is false: then it is lost to this service."""

    group: str = Field(max_length=200)
    partition: StrictInt = Field(ge=0, le=2**31 - 1)
    first_offset: Offset
    last_offset: Offset
    only_unreadable: StrictBool = True

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not 0 <= self.last_offset - self.first_offset < MOST_RECORDS:
            raise ValueError(f"last_offset: expected first_offset or up to {MOST_RECORDS} records from there")
        return self


class SkipSaid(BaseModel):
    """The range's number."""

    skip_id: int


class Skipped(BaseModel):
    """A range that is left out, and who said so."""

    skip_id: int
    group: str
    topic: str
    partition: int
    first_offset: int
    last_offset: int
    only_unreadable: bool
    skipped_by: str
    skipped_at: datetime


def router(subscriptions: Mapping[str, Subscription]) -> APIRouter:
    """The routes, for the subscriptions of one service by group."""
    routes = APIRouter(tags=["operations"])

    @routes.get("/dead-letter-limits")
    async def list_limits(pool: OperatorsPool, principal: Operator) -> list[Limit]:
        """Each group of the service."""
        async with reading(pool, principal) as work:
            lifts = await floods.load_lifts(work.connection)
        return [Limit(group=group, topic=subscription.topic.name, lifted_until=lifts.get(group))
                for group, subscription in subscriptions.items()]  # fmt: skip

    @routes.post("/dead-letter-limits/{group}/lift", response_model=Limit)
    async def lift_limit(
        pool: OperatorsPool, principal: Operator, identity: Identity,
        group: Annotated[str, Path(max_length=200)], lift: Lift, why: Reason,
    ) -> Response:  # fmt: skip
        """Set everything aside that can't be used, however much it is, for a time. Audited."""

        async def effect(work: UnitOfWork) -> Answer:
            if group not in subscriptions:
                return Answer.of(NO_GROUP)
            until = await floods.lift_limit(work.connection, group, lift.minutes, principal.subject)
            await audit.record(work, principal, "limit-lifted", "dead-letter-limit", [group, until.isoformat()], why)
            limit = Limit(group=group, topic=subscriptions[group].topic.name, lifted_until=until)
            return Answer(200, limit.model_dump(mode="json"))

        return await write(pool, identity, effect)

    @routes.get("/skips", responses=PAGED)
    async def list_skips(
        request: Request,
        response: Response,
        pool: OperatorsPool,
        principal: Operator,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
        before: Annotated[int, Query(ge=1, le=LAST, description="The last one of the page before")] = LAST,
    ) -> list[Skipped]:
        """The ranges that are left out, the newest first, page by page (`Link`)."""
        async with reading(pool, principal) as work:
            rows = await floods.list_skips(work.connection, before, limit)
        link_next(request, response, before=end_of([row["skip_id"] for row in rows], limit))
        return [Skipped(group=row["consumer"], **dict(row)) for row in rows]

    @routes.post("/skips", status_code=201, response_model=SkipSaid)
    async def skip(
        request: Request, pool: OperatorsPool, principal: Operator, identity: Identity, wanted: SkipRequest,
        why: Reason,
    ) -> Response:  # fmt: skip
        """Leave a range of the log out, now and whenever it is delivered again: no dead letters, nothing parked behind
        them. It must be there already: of what comes later nobody knows that it is worthless. Audited."""
        subscription = subscriptions.get(wanted.group)
        end = None if subscription is None else await _end(request, subscription, wanted.partition)

        async def effect(work: UnitOfWork) -> Answer:
            if subscription is None:
                return Answer.of(NO_GROUP)
            if end is None or wanted.last_offset >= end.offset:
                return Answer.of(_beyond(end))
            ends = wanted.first_offset, wanted.last_offset
            place = Skip(wanted.partition, *ends, wanted.only_unreadable, end.topic_id)
            topic = subscription.topic.name
            number = await floods.save_skip(work.connection, wanted.group, topic, place, principal.subject)
            what = "unreadable" if wanted.only_unreadable else "all"
            subjects = [wanted.group, f"{topic}/{wanted.partition}@{wanted.first_offset}-{wanted.last_offset}", what]
            await audit.record(work, principal, "skipped", "log-range", subjects, why)
            return Answer(201, {"skip_id": number})

        return await write(pool, identity, effect)

    return routes


async def _end(request: Request, subscription: Subscription, partition: int) -> End | None:
    place = TopicPartition(subscription.topic.name, partition)
    try:
        return await backlog.end_of(request.app.state.settings.kafka, place)
    except (KafkaError, OSError, TimeoutError):
        raise RefusedError(LOG_UNAVAILABLE, {"Retry-After": str(RETRY_AFTER_S)}) from None


def _beyond(end: End | None) -> Refusal:
    where = "The topic has no such partition." if end is None else f"The partition's last offset is {end.offset - 1}."
    return BEYOND.saying(where)
