"""The list of bookings that were taken away from members whom nobody may call, and what was done for each."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import AfterValidator

from services.kit import audit
from services.kit.auth import Principal, may
from services.kit.idempotency import Answer, Identity
from services.kit.problem import Refusal
from services.kit.requests import Pool, reading, write
from services.kit.unit_of_work import UnitOfWork
from services.outreach.lost_bookings import flow
from services.outreach.lost_bookings.rules import AFTER, Page, Retractor, checked, place_of
from services.outreach.lost_bookings.shapes import LostBookingsOut, NoticeIn, NoticeRetractionIn, bookings_of
from services.outreach.worklist.api.workers import worker_id
from services.outreach.worklist.shapes import NOT_FOUND, PROBLEM, CaseOut, case_of

routes = APIRouter(tags=["outreach"])
Coordinator = Annotated[Principal, may("lost-bookings.tell")]


@routes.get("/lost-bookings", summary="Who must hear, without a call, that a booking is off")
async def list_lost_bookings(
    pool: Pool,
    principal: Coordinator,
    programme_id: Annotated[str | None, Query(max_length=64)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    after: Annotated[str | None, AfterValidator(checked), Query(pattern=AFTER, description="A page's `next`")] = None,
) -> LostBookingsOut:
    """The clinic or the news cancelled, and the member wants no calls, can't be reached or is protected. The longest
    known first. The look is audited."""
    page = Page(limit, programme_id, place_of(after))
    async with reading(pool, principal) as work:
        part = await flow.list_lost(work.connection, page)
        await audit.record(work, principal, "read", "case", [booking.case.case_id for booking in part.bookings])
    return bookings_of(part)


@routes.post(
    "/cases/{case_id}/lost-booking-notice",
    summary="Say how a member heard, without a call, that a booking is off",
    response_model=CaseOut,
    responses={404: NOT_FOUND, 409: PROBLEM},
)
async def note_lost_booking(
    case_id: UUID, body: NoticeIn, pool: Pool, identity: Identity, principal: Coordinator
) -> Response:
    """The case leaves the list of lost bookings, and its event says how he heard. Who did it, and when, stays on
    record."""

    async def effect(work: UnitOfWork) -> Answer:
        await audit.record(work, principal, "read", "case", [case_id])
        noted = await flow.note(work, case_id, body.how, worker_id(principal))
        if isinstance(noted, Refusal):
            return Answer.of(noted)
        return Answer(200, case_of(noted).model_dump(mode="json"))

    return await write(pool, identity, effect)


@routes.post(
    "/cases/{case_id}/lost-booking-notice/retract",
    summary="Take back that a member heard that a booking is off",
    response_model=CaseOut,
    responses={404: NOT_FOUND, 409: PROBLEM},
)
async def retract_notice(
    case_id: UUID, body: NoticeRetractionIn, pool: Pool, identity: Identity, principal: Coordinator
) -> Response:
    """A notice that was given by mistake does not stand: the case is decided anew without it, and on the list again if
    the member must still hear. By whoever gave it while it is fresh, by a supervisor at any time; it stays on
    record."""
    retractor = Retractor(worker_id(principal), principal.may("attempts.retract-any"))

    async def effect(work: UnitOfWork) -> Answer:
        await audit.record(work, principal, "read", "case", [case_id])
        case = await flow.retract(work, case_id, body.reason, retractor)
        if isinstance(case, Refusal):
            return Answer.of(case)
        await audit.record(work, principal, "withdrawn", "lost-booking-notice", [case_id])
        return Answer(200, case_of(case).model_dump(mode="json"))

    return await write(pool, identity, effect)
