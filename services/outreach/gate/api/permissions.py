"""The API of the gate: ask whether a member may be contacted, and reserve a contact."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from schemas.outreach_v1 import Channel
from services.kit import audit
from services.kit.clock import clock
from services.kit.idempotency import Answer, Identity
from services.kit.problem import Refusal, refuse
from services.kit.requests import Pool, reading, write
from services.kit.unit_of_work import UnitOfWork
from services.outreach.gate import flow
from services.outreach.gate.asked import Decision, Permitted
from services.outreach.gate.flow import Approach
from services.outreach.gate.policy import CallKind
from services.outreach.gate.shapes import PermissionOut, ReservationIn, ReservationOut
from services.outreach.settings import OwnSettings
from services.outreach.worklist.api.workers import Claimer, Reader, worker_id
from services.outreach.worklist.shapes import NOT_FOUND, PROBLEM

routes = APIRouter(tags=["outreach"])


async def _own(request: Request) -> OwnSettings:
    own: OwnSettings = request.state.own
    return own


Clock = Annotated[datetime, Depends(clock)]
Own = Annotated[OwnSettings, Depends(_own)]


@routes.get(
    "/cases/{case_id}/contact-permission",
    summary="Ask whether a member may be contacted now",
    response_model=PermissionOut,
    responses={404: NOT_FOUND},
)
async def ask_permission(
    case_id: UUID,
    pool: Pool,
    principal: Reader,
    now: Clock,
    channel: Annotated[Channel, Query()],
    kind: Annotated[CallKind, Query()] = CallKind.MANUAL,
) -> Response | PermissionOut:
    """The gate's answer for this channel: by the member's own clock, the state's hours, what he forbade and how often
    he was contacted. A refusal names its reason and the next instant at which he may be. The look is audited."""
    approach = Approach(channel, kind, now)
    async with reading(pool, principal) as work:
        await audit.record(work, principal, "read", "case", [case_id])
        decision = await flow.ask(work.connection, case_id, approach)
    return refuse(decision) if isinstance(decision, Refusal) else _told(approach, decision)


def _told(approach: Approach, decision: Decision) -> PermissionOut:
    said = (None, None) if isinstance(decision, Permitted) else (decision.reason, decision.next_permitted_at)
    is_permitted = isinstance(decision, Permitted)
    return PermissionOut(
        channel=approach.channel,
        kind=approach.kind,
        is_permitted=is_permitted,
        reason=said[0],
        next_permitted_at=said[1],
        asked_at=approach.now,
    )


@routes.post(
    "/cases/{case_id}/contact-reservations",
    summary="Reserve a contact that is about to be made",
    status_code=201,
    response_model=ReservationOut,
    responses={404: NOT_FOUND, 409: PROBLEM},
)
async def reserve_contact(
    case_id: UUID, body: ReservationIn, pool: Pool, identity: Identity, principal: Claimer, now: Clock
) -> Response:
    """The contact fills the caps as if it had been made, until its attempt is logged or an hour has passed: two at once
    never make one too many. By whoever has claimed the case."""

    async def effect(work: UnitOfWork) -> Answer:
        await audit.record(work, principal, "read", "case", [case_id])
        approach = Approach(body.channel, body.kind, now)
        reserved = await flow.reserve(work, case_id, approach, worker_id(principal))
        if isinstance(reserved, Refusal):
            return Answer.of(reserved)
        answer = ReservationOut(reservation_id=reserved.reservation_id, expires_at=reserved.expires_at)
        return Answer(201, answer.model_dump(mode="json"))

    return await write(pool, identity, effect)
