"""What the API of lost bookings takes and gives."""

from dataclasses import asdict
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from schemas.envelope import Code
from schemas.outreach_v1 import CaseClosedReason, Channel
from services.kit.masking import protected
from services.outreach.lost_bookings.rules import LostBooking, Part, channels_left, next_of
from services.outreach.members.rules import InformedBy
from services.outreach.policy import CODES, POLICY
from services.outreach.worklist.shapes import AppointmentRecordOut, Shape


class NoticeIn(Shape):
    """How the member heard, or will hear, that his booking is off."""

    how: InformedBy


def _known_reason(code: str) -> str:
    if code not in CODES.retraction_reasons:
        raise PydanticCustomError("unknown_reason", "Expected a retraction reason of GET /codes")
    return code


class NoticeRetractionIn(Shape):
    """Why a notice does not stand."""

    reason: Annotated[
        Code, AfterValidator(_known_reason), Field(json_schema_extra={"enum": sorted(CODES.retraction_reasons)})
    ]

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "wrong-member"}]})


class LostBookingOut(Shape):
    """A member whom nobody may call would come to a closed door."""

    case_id: UUID
    programme_id: str
    enrolment_id: Annotated[UUID, protected("tokens")]
    member_token: Annotated[UUID, protected("tokens")]
    closed_reason: CaseClosedReason = Field(description="Why nobody may call: `ineligible` is a protected contact.")
    channels: tuple[Channel, ...] = Field(description="By which he may hear of it; none: let the provider tell him.")
    appointment: AppointmentRecordOut = Field(description="`changed_on` is the day on which it was lost.")


class LostBookingsOut(Shape):
    """A part of the list. `next` is the `after` of the following part."""

    bookings: tuple[LostBookingOut, ...]
    next: str | None


def bookings_of(part: Part) -> LostBookingsOut:
    """The part of the list as the API gives it."""
    return LostBookingsOut(bookings=tuple(map(_booking_of, part.bookings)), next=next_of(part))


def _booking_of(lost: LostBooking) -> LostBookingOut:
    case = lost.case
    return LostBookingOut(
        case_id=case.case_id,
        programme_id=case.programme_id,
        enrolment_id=case.enrolment_id,
        member_token=case.member_token,
        closed_reason=CaseClosedReason(case.closed_reason),
        channels=channels_left(lost.evidence, POLICY),
        appointment=AppointmentRecordOut.model_validate(asdict(lost.appointment)),
    )
