"""The list of bookings that were taken away from members whom nobody may call, and what was done for each."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import Field

from schemas.outreach_v1 import CaseClosedReason, Channel
from services.kit import audit
from services.kit.auth import Principal, require
from services.kit.idempotency import Answer, Identity
from services.kit.problem import Refusal
from services.kit.requests import Pool, reading, write
from services.kit.unit_of_work import UnitOfWork
from services.outreach import lost_bookings
from services.outreach.api import NO_SUCH_CASE, worker_id
from services.outreach.forms import AppointmentRecord, CaseCard, Form
from services.outreach.lost_bookings import Lost, Page, channels_left
from services.outreach.records import Told

routes = APIRouter(tags=["outreach"])
Coordinator = Annotated[Principal, require("coordinator", "supervisor")]
_AFTER = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}_[0-9a-f]{32}$"
_PROBLEM = {
    "description": "Refused: a problem document whose type says why",
    "content": {"application/problem+json": {}},
}


class LostBooking(Form):
    """A member whom nobody may call would come to a closed door."""

    case_id: UUID
    programme_id: str
    enrolment_id: UUID
    member_token: UUID
    closed_reason: CaseClosedReason = Field(description="Why nobody may call: `ineligible` is a protected contact.")
    channels: tuple[Channel, ...] = Field(description="By which he may hear of it; none: let the provider tell him.")
    appointment: AppointmentRecord = Field(description="`changed_on` is the day on which it was lost.")


class LostBookings(Form):
    """A part of the list. `next` is the `after` of the following part."""

    bookings: tuple[LostBooking, ...]
    next: str | None


class NoticeForm(Form):
    """How the member heard, or will hear, that his booking is off."""

    how: Told


@routes.get("/lost-bookings", summary="Who must hear, without a call, that a booking is off")
async def list_lost_bookings(
    pool: Pool,
    principal: Coordinator,
    programme_id: Annotated[str | None, Query(max_length=64)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    after: Annotated[str | None, Query(pattern=_AFTER, description="A page's `next`")] = None,
) -> LostBookings:
    """The clinic or the news cancelled, and the member wants no calls, can't be reached or is protected. The longest
    known first. The look is audited."""
    page = Page(limit, programme_id, _place(after))
    async with reading(pool, principal) as connection:
        part = await lost_bookings.load_lost(connection, page)
        await audit.record(connection, principal, "read", "case", [one.case["case_id"] for one in part.lost])
    following = None if part.last is None else f"{part.last['changed_on']}_{part.last['case_id'].hex}"
    return LostBookings(bookings=tuple(map(_booking, part.lost)), next=following)


@routes.post(
    "/cases/{case_id}/lost-booking-notice",
    summary="Say how a member heard, without a call, that a booking is off",
    response_model=CaseCard,
    responses={404: _PROBLEM, 409: _PROBLEM},
)
async def note_lost_booking(
    case_id: UUID, form: NoticeForm, pool: Pool, identity: Identity, principal: Coordinator
) -> Response:
    """The case leaves the list of lost bookings. Who did it, and when, stays on record."""

    async def effect(work: UnitOfWork) -> Answer:
        await audit.record(work.connection, principal, "read", "case", [case_id])
        noted = await lost_bookings.note(work, case_id, form.how, worker_id(principal))
        if noted is None:
            return Answer.of(NO_SUCH_CASE)
        if isinstance(noted, Refusal):
            return Answer.of(noted)
        return Answer(200, noted.model_dump(mode="json"))

    return await write(pool, identity, effect)


def _booking(lost: Lost) -> LostBooking:
    appointment = AppointmentRecord.model_validate(dict(lost.appointment))
    case = {name: value for name, value in lost.case.items() if name != "changed_on"}
    return LostBooking(**case, channels=channels_left(lost.situation), appointment=appointment)


def _place(after: str | None) -> tuple[date, UUID] | None:
    if after is None:
        return None
    day, case_id = after.split("_")
    return date.fromisoformat(day), UUID(case_id)
