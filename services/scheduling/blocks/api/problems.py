"""What each refusal says to whoever asked, with which status, and how an operation documents its refusals."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from schemas.envelope import Code
from services.kit import problem
from services.kit.idempotency import Answer
from services.scheduling.blocks.shapes import BrokenBlock
from services.scheduling.refusals import RefusalCode, Refused

RETRY_AFTER_S = 5
SOON = frozenset(
    {
        RefusalCode.UNKNOWN_ENROLMENT,
        RefusalCode.PROGRAMME_NOT_PUBLISHED,
        RefusalCode.DAY_NOT_OPEN,
        RefusalCode.UNKNOWN_PLAN,
    }
)
"""Nothing was decided: the news may still be under way. The key is not spent, so the same request may come again."""

_NOT_FOUND = frozenset({
    RefusalCode.UNKNOWN_SITE, RefusalCode.UNKNOWN_SLOT, RefusalCode.UNKNOWN_APPOINTMENT, RefusalCode.UNKNOWN_CLOSURE,
})  # fmt: skip
_UNFIT = frozenset({
    RefusalCode.PROGRAMME_NEEDED, RefusalCode.FUTURE_DOSE, RefusalCode.BEFORE_PRODUCT, RefusalCode.EARLY_DOSE,
    RefusalCode.LATE_DOSE, RefusalCode.OLD_DOSE, RefusalCode.FAR_INSTANT, RefusalCode.NOT_GIVEN_HERE,
    RefusalCode.OUTSIDE_WEEK, RefusalCode.PAST_WEEK, RefusalCode.FAR_WEEK, RefusalCode.OVERLAP,
    RefusalCode.WRONG_CODE, RefusalCode.WHOM,
})  # fmt: skip

_SAYS: Mapping[RefusalCode, tuple[str, str]] = {
    RefusalCode.UNKNOWN_ENROLMENT: (
        "Unknown Enrolment",
        "Nothing has been heard of this enrolment yet. Ask again shortly.",
    ),
    RefusalCode.PROGRAMME_NOT_PUBLISHED: (
        "Programme Not Published",
        "The programme has not been published here yet. Ask again shortly.",
    ),
    RefusalCode.DAY_NOT_OPEN: ("Day Not Open", "No business day has been opened yet. Ask again shortly."),
    RefusalCode.PROGRAMME_NEEDED: (
        "Programme Needed",
        "The enrolment is in several programmes: name one by programme_id.",
    ),
    RefusalCode.INELIGIBLE: (
        "Ineligible",
        "The member is not eligible under this programme now, for the reasons named.",
    ),
    RefusalCode.VACCINATED: ("Vaccinated", "The member needs no further dose under this programme."),
    RefusalCode.DEATH_REPORTED: (
        "Death Reported",
        "Somebody reported that the member died: no seat until eligibility has checked it.",
    ),
    RefusalCode.UNKNOWN_SITE: ("Unknown Site", "There is no such site."),
    RefusalCode.UNKNOWN_SLOT: ("Unknown Slot", "There is no such slot."),
    RefusalCode.UNKNOWN_APPOINTMENT: ("Unknown Appointment", "There is no such appointment."),
    RefusalCode.HELD: ("Held for Another Plan", "The slot is held for another plan until it is released to all."),
    RefusalCode.PAST_SLOT: ("Past Slot", "The slot has begun, or its day is over."),
    RefusalCode.OTHER_VACCINE: ("Another Vaccine", "This is for another vaccine than the member's programme."),
    RefusalCode.FULL: ("Full", "Every place of the slot is taken."),
    RefusalCode.ALREADY_BOOKED: ("Already Booked", "The member has a live booking under this programme."),
    RefusalCode.ALREADY_RECORDED: (
        "Already Recorded",
        "A dose of this vaccine was recorded for the member on this day.",
    ),
    RefusalCode.NOT_BOOKED: ("Not Booked", "The appointment has ended, in a state from which this can't be done."),
    RefusalCode.SAME_SLOT: ("Same Slot", "The appointment is in this slot already."),
    RefusalCode.TOO_MANY_CHANGES: (
        "Too Many Changes",
        "An appointment is moved three times at most: cancel it and book again.",
    ),
    RefusalCode.NOT_YET: ("Not Yet", "The hour of the appointment has not come."),
    RefusalCode.ARRIVED: ("Arrived", "The member has come: the site says what came of it."),
    RefusalCode.NOT_ARRIVED: ("Not Arrived", "The member was not checked in."),
    RefusalCode.NOT_FULFILLED: ("Not Fulfilled", "No dose is recorded with the appointment."),
    RefusalCode.SAME_DOSE: ("Same Dose", "The dose is recorded so already."),
    RefusalCode.SITE_FIRST: (
        "The Site First",
        "The site says who came; the plan and the State may once it is escalated.",
    ),
    RefusalCode.FUTURE_DOSE: ("Future Dose", "administered_on: expected the business day or an earlier one."),
    RefusalCode.BEFORE_PRODUCT: (
        "Before the Product",
        "administered_on: expected a day on which the product was in use.",
    ),
    RefusalCode.EARLY_DOSE: ("Before the Appointment", "Given before the appointment: record it as a walk-in."),
    RefusalCode.LATE_DOSE: (
        "Late Dose",
        "administered_on: expected within 30 days and since the programme began, or a late_reason.",
    ),
    RefusalCode.OLD_DOSE: ("Old Dose", "administered_on: expected within the last year."),
    RefusalCode.FAR_INSTANT: ("Far Instant", "occurred_at: expected an instant of the last year, and none to come."),
    RefusalCode.NOT_GIVEN_HERE: ("Not Given Here", "The site does not give this product."),
    RefusalCode.OTHER_TENANT: (
        "Another Tenant",
        "Only who acts for the block's plan, for the site's tenant or for all.",
    ),
    RefusalCode.UNKNOWN_PLAN: (
        "Unknown Plan",
        "Nothing has been heard of a member of this plan: ask again, or say that it is a new_plan.",
    ),
    RefusalCode.OVERLAP: ("Slots Overlap", "The site has or would have two slots at once for this plan and product."),
    RefusalCode.PAST_WEEK: ("Past Week", "week_on: expected this week or a later one."),
    RefusalCode.FAR_WEEK: ("Far Week", "week_on: expected a week of the next year."),
    RefusalCode.PRODUCT_IN_USE: (
        "Product in Use",
        "The blocks that are named offer a product left out: keep it, or say that you withdraw it.",
    ),
    RefusalCode.BLOCK_EXISTS: ("Block Exists", "The site has a block of this week, plan and product."),
    RefusalCode.OUTSIDE_WEEK: ("Outside the Week", "Each slot starts in the block's week, in the site's time zone."),
    RefusalCode.WRONG_CODE: ("Wrong Code", "Nobody has such a booking code: a sign of it is wrong, or is missing."),
    RefusalCode.WHOM: ("Whom", "Expected a booking code, or family name, given name and birth date."),
    RefusalCode.CLOSED: ("Closed", "The site is closed then."),
    RefusalCode.NOTHING_TO_CLOSE: ("Nothing to Close", "Nothing is to come there that is open."),
    RefusalCode.UNKNOWN_CLOSURE: ("Unknown Closure", "The site has no such closure."),
    RefusalCode.OTHERS_BOOKED: ("Others Booked", "The bookings are not as many as expected: ask for a dry run again."),
    RefusalCode.ZONE_IN_USE: ("Time Zone in Use", "The site has blocks, whose days were counted in its time zone."),
}


def _status(refusal: RefusalCode) -> HTTPStatus:
    if refusal in _NOT_FOUND:
        return HTTPStatus.NOT_FOUND
    if refusal in {RefusalCode.OTHER_TENANT, RefusalCode.SITE_FIRST}:
        return HTTPStatus.FORBIDDEN
    return HTTPStatus.UNPROCESSABLE_ENTITY if refusal in _UNFIT else HTTPStatus.CONFLICT


PROBLEMS = {code: problem.Refusal(code, *says, _status(code)) for code, says in _SAYS.items()}


def problem_of(refusal: RefusalCode, appointment_id: UUID | None = None) -> problem.Refusal:
    """The refusal as it is told. `appointment_id` is the appointment in the way, where it may be named."""
    known = PROBLEMS[refusal]
    return known.saying(f"{known.detail} Appointment: {appointment_id}.") if appointment_id else known


def answer(refused: RefusalCode | Refused, **more: Any) -> Answer:
    """A refusal as a kept answer, with what stands in the way; one that may change by itself is raised and not kept."""
    if isinstance(refused, RefusalCode):
        refused = Refused(refused)
    if refused.refusal in SOON:
        raise problem.RefusedError(problem_of(refused.refusal), {"Retry-After": str(RETRY_AFTER_S)})
    in_the_way = str(refused.appointment_id) if refused.appointment_id else None
    about = {"appointment_id": in_the_way, "reasons": list(refused.reasons), **more}
    document = problem_of(refused.refusal, refused.appointment_id).document()
    return Answer(document["status"], document | {name: value for name, value in about.items() if value})


class ProblemOut(BaseModel):
    """A refusal (RFC 9457). `type` ends in the refusal's code."""

    type: str = Field(examples=["urn:vcc:problem:full"])
    title: str
    status: int
    detail: str | None = None
    appointment_id: UUID | None = Field(default=None, description="The appointment in the way, where it may be named.")
    reasons: list[Code] | None = Field(
        default=None, description="Why the member is not eligible, by eligibility's codes."
    )
    blocks: list[BrokenBlock] | None = Field(default=None, description="What the description of a site would break.")
    bookings: int | None = Field(default=None, description="How many bookings a closure would end now.")
    correlation_id: str


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The refusals of an operation, for its documentation."""
    says = {403: "None of the roles may do this", 404: "Not there", 409: "Refused", 422: "The request does not fit"}
    return {status: {"model": ProblemOut, "description": says[status]} for status in statuses}
