"""What each refusal is called, and what the one who asked may do about it."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from uuid import UUID

from services.kit.idempotency import Answer
from services.kit.problem import Refusal, RefusedError
from services.scheduling.refusals import No

RETRY_AFTER_S = 5
SOON = frozenset({No.UNKNOWN_ENROLMENT, No.UNKNOWN_PROGRAMME, No.DAY_NOT_OPEN, No.UNKNOWN_PLAN})
"""Nothing was decided: the news may still be under way. The key is not spent, so the same request may come again."""

_NOT_FOUND = frozenset({No.UNKNOWN_SITE, No.UNKNOWN_SLOT, No.UNKNOWN_APPOINTMENT})
_UNFIT = frozenset({
    No.PROGRAMME_NEEDED, No.FUTURE_DOSE, No.EARLY_DOSE, No.LATE_DOSE, No.OLD_DOSE, No.FAR_INSTANT, No.NOT_GIVEN_HERE,
    No.OUTSIDE_WEEK, No.PAST_WEEK, No.FAR_WEEK, No.OVERLAP,
})  # fmt: skip

_SAYS: Mapping[No, tuple[str, str]] = {
    No.UNKNOWN_ENROLMENT: ("Unknown Enrolment", "Nothing has been heard of this enrolment yet. Ask again shortly."),
    No.UNKNOWN_PROGRAMME: ("Unknown Programme", "The programme has not been published here yet. Ask again shortly."),
    No.DAY_NOT_OPEN: ("Day Not Open", "No business day has been opened yet. Ask again shortly."),
    No.PROGRAMME_NEEDED: ("Programme Needed", "The enrolment is in several programmes: name one by programme_id."),
    No.INELIGIBLE: ("Ineligible", "The member is not eligible under this programme now, for the reasons named."),
    No.VACCINATED: ("Vaccinated", "The member needs no further dose under this programme."),
    No.DEATH_REPORTED: (
        "Death Reported",
        "Somebody reported that the member died: no seat until eligibility has checked it.",
    ),
    No.UNKNOWN_SITE: ("Unknown Site", "There is no such site."),
    No.UNKNOWN_SLOT: ("Unknown Slot", "There is no such slot."),
    No.UNKNOWN_APPOINTMENT: ("Unknown Appointment", "There is no such appointment."),
    No.HELD: ("Held for Another Plan", "The slot is held for another plan until it is released to all."),
    No.PAST_SLOT: ("Past Slot", "The slot has begun, or its day is over."),
    No.OTHER_VACCINE: ("Another Vaccine", "This is for another vaccine than the member's programme."),
    No.FULL: ("Full", "Every place of the slot is taken."),
    No.ALREADY_BOOKED: ("Already Booked", "The member has a live booking under this programme."),
    No.ALREADY_RECORDED: ("Already Recorded", "A dose of this vaccine was recorded for the member on this day."),
    No.NOT_BOOKED: ("Not Booked", "The appointment has ended, in a state from which this can't be done."),
    No.SAME_SLOT: ("Same Slot", "The appointment is in this slot already."),
    No.TOO_MANY_CHANGES: ("Too Many Changes", "An appointment is moved three times at most: cancel it and book again."),
    No.NOT_YET: ("Not Yet", "The hour of the appointment has not come."),
    No.SITE_FIRST: ("The Site First", "The site says who came; the plan and the State may once it is escalated."),
    No.FUTURE_DOSE: ("Future Dose", "administered_on: expected the business day or an earlier one."),
    No.EARLY_DOSE: ("Before the Appointment", "Given before the appointment: record it as a walk-in."),
    No.LATE_DOSE: (
        "Late Dose",
        "administered_on: expected within 30 days and since the programme began, or a late_reason.",
    ),
    No.OLD_DOSE: ("Old Dose", "administered_on: expected within the last year."),
    No.FAR_INSTANT: ("Far Instant", "occurred_at: expected an instant of the last year, and none to come."),
    No.NOT_GIVEN_HERE: ("Not Given Here", "The site does not give this product."),
    No.OTHER_TENANT: ("Another Tenant", "Only who acts for the block's plan, for the site's tenant or for all."),
    No.UNKNOWN_PLAN: (
        "Unknown Plan",
        "Nothing has been heard of a member of this plan: ask again, or say that it is a new_plan.",
    ),
    No.OVERLAP: ("Slots Overlap", "The site has or would have two slots at once for this plan and product."),
    No.PAST_WEEK: ("Past Week", "week_on: expected this week or a later one."),
    No.FAR_WEEK: ("Far Week", "week_on: expected a week of the next year."),
    No.PRODUCT_IN_USE: (
        "Product in Use",
        "The blocks that are named offer a product left out: keep it, or say that you withdraw it.",
    ),
    No.BLOCK_EXISTS: ("Block Exists", "The site has a block of this week, plan and product."),
    No.OUTSIDE_WEEK: ("Outside the Week", "Each slot starts in the block's week, in the site's time zone."),
    No.ZONE_IN_USE: ("Time Zone in Use", "The site has blocks, whose days were counted in its time zone."),
}


def refusal(no: No, appointment_id: UUID | None = None) -> Refusal:
    """`appointment_id` is the one in the way, where it may be named."""
    title, detail = _SAYS[no]
    named = f" Appointment: {appointment_id}." if appointment_id else ""
    return Refusal(no, title, detail + named, _status(no))


def answer(no: No, appointment_id: UUID | None = None, **more: Any) -> Answer:
    """A refusal as a kept answer, with more of what stands in the way; one that may change by itself is not kept."""
    if no in SOON:
        raise RefusedError(refusal(no), {"Retry-After": str(RETRY_AFTER_S)})
    about = {"appointment_id": str(appointment_id) if appointment_id else None, **more}
    document = refusal(no, appointment_id).document() | {name: one for name, one in about.items() if one}
    return Answer(_status(no), document)


def _status(no: No) -> HTTPStatus:
    if no in _NOT_FOUND:
        return HTTPStatus.NOT_FOUND
    if no in {No.OTHER_TENANT, No.SITE_FIRST}:
        return HTTPStatus.FORBIDDEN
    return HTTPStatus.UNPROCESSABLE_ENTITY if no in _UNFIT else HTTPStatus.CONFLICT
