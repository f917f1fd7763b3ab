"""The API of wishes: tell whom a member avoids, take it back, tell whom he had better be called by."""

from collections.abc import Awaitable, Callable
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response

from services.kit import audit
from services.kit.auth import Principal, may
from services.kit.idempotency import Answer, Identity
from services.kit.problem import Refusal, refuse
from services.kit.requests import Pool, reading, write
from services.kit.unit_of_work import UnitOfWork
from services.outreach.wishes import store
from services.outreach.wishes.shapes import WishesIn, WishesOut, wishes_of
from services.outreach.worklist import store as worklist
from services.outreach.worklist.api.workers import worker_id
from services.outreach.worklist.flow import NO_CASE
from services.outreach.worklist.shapes import NOT_FOUND

NO_AVOIDANCE = Refusal("unknown-avoidance", "Unknown Avoidance", "There is none like that among your plan's.", 404)

Teller = Annotated[Principal, may("wishes.tell")]
Reviewer = Annotated[Principal, may("wishes.review")]

routes = APIRouter(tags=["outreach"])


@routes.post(
    "/avoidances/{avoidance_id}/retract",
    summary="Take an avoidance back",
    status_code=204,
    response_class=Response,
    responses={404: NOT_FOUND},
)
async def retract_avoidance(avoidance_id: UUID, pool: Pool, identity: Identity, principal: Reviewer) -> Response:
    """The member wants it no longer, or it was entered in error. It stays on record."""

    async def effect(work: UnitOfWork) -> Answer:
        enrolment_id = await store.retract_avoidance(work.connection, avoidance_id, worker_id(principal))
        if enrolment_id is None:
            return Answer.of(NO_AVOIDANCE)
        await audit.record(work, principal, "read", "enrolment", [enrolment_id])
        return Answer(204)

    return await write(pool, identity, effect)


@routes.put(
    "/cases/{case_id}/wishes",
    summary="Tell whom the member had better be called by",
    status_code=204,
    response_class=Response,
    responses={404: NOT_FOUND},
)
async def tell_wishes(case_id: UUID, body: WishesIn, pool: Pool, identity: Identity, principal: Teller) -> Response:
    """His own case manager, and cultures of which somebody would be trusted; for matching."""

    async def told(work: UnitOfWork, enrolment_id: UUID) -> Answer:
        whose = (principal.tenant, enrolment_id)
        await store.save_wish(work.connection, whose, body.manager, body.cultures, worker_id(principal))
        return Answer(204)

    return await write(pool, identity, of_case(case_id, principal, told))


@routes.get(
    "/cases/{case_id}/wishes", summary="Read a member's wishes", response_model=WishesOut, responses={404: NOT_FOUND}
)
async def read_wishes(case_id: UUID, pool: Pool, principal: Reviewer) -> Response | WishesOut:
    """Whom he had better be called by, whom he avoids and why, and who recorded it. The look is audited."""
    async with reading(pool, principal) as work:
        await audit.record(work, principal, "read", "case", [case_id])
        case = await worklist.load_case(work.connection, case_id)
        found = None if case is None else await store.load_wishes(work.connection, case.enrolment_id)
    return refuse(NO_CASE) if found is None else wishes_of(found)


def of_case(
    case_id: UUID, principal: Principal, told: Callable[[UnitOfWork, UUID], Awaitable[Answer]]
) -> Callable[[UnitOfWork], Awaitable[Answer]]:
    """What is told of whoever has this case of the plan."""

    async def effect(work: UnitOfWork) -> Answer:
        await audit.record(work, principal, "read", "case", [case_id])
        case = await worklist.load_case(work.connection, case_id)
        return Answer.of(NO_CASE) if case is None else await told(work, case.enrolment_id)

    return effect
