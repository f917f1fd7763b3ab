"""The refusals of this service, by name; a refusal is a value. What each says is in `blocks/api/problems.py`. Pure."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class RefusalCode(StrEnum):
    """Why a request is refused."""

    UNKNOWN_ENROLMENT = "unknown-enrolment"
    PROGRAMME_NOT_PUBLISHED = "programme-not-published"
    DAY_NOT_OPEN = "day-not-open"
    PROGRAMME_NEEDED = "programme-needed"
    INELIGIBLE = "ineligible"
    VACCINATED = "vaccinated"
    DEATH_REPORTED = "death-reported"
    UNKNOWN_SITE = "unknown-site"
    UNKNOWN_SLOT = "unknown-slot"
    UNKNOWN_APPOINTMENT = "unknown-appointment"
    HELD = "block-held-for-another-plan"
    PAST_SLOT = "past-slot"
    OTHER_VACCINE = "other-vaccine"
    FULL = "full"
    ALREADY_BOOKED = "already-booked"
    ALREADY_RECORDED = "already-recorded"
    NOT_BOOKED = "not-booked"
    SAME_SLOT = "same-slot"
    TOO_MANY_CHANGES = "too-many-changes"
    NOT_YET = "not-yet"
    FUTURE_DOSE = "future-dose"
    BEFORE_PRODUCT = "before-product"
    EARLY_DOSE = "early-dose"
    LATE_DOSE = "late-dose"
    OLD_DOSE = "old-dose"
    FAR_INSTANT = "far-instant"
    ARRIVED = "arrived"
    NOT_ARRIVED = "not-arrived"
    NOT_FULFILLED = "not-fulfilled"
    SAME_DOSE = "same-dose"
    SITE_FIRST = "site-first"
    NOT_GIVEN_HERE = "not-given-here"
    OTHER_TENANT = "other-tenant"
    UNKNOWN_PLAN = "unknown-plan"
    BLOCK_EXISTS = "block-exists"
    OVERLAP = "slots-overlap"
    PAST_WEEK = "past-week"
    FAR_WEEK = "far-week"
    PRODUCT_IN_USE = "product-in-use"
    OUTSIDE_WEEK = "slot-outside-week"
    WRONG_CODE = "wrong-code"
    WHOM = "whom"
    CLOSED = "closed"
    NOTHING_TO_CLOSE = "nothing-to-close"
    UNKNOWN_CLOSURE = "unknown-closure"
    OTHERS_BOOKED = "others-booked"
    ZONE_IN_USE = "time-zone-in-use"


@dataclass(frozen=True, slots=True)
class Refused:
    """A refusal, with the appointment that stands in the way where there is one to be named, and with eligibility's
    reasons where the member is not eligible."""

    refusal: RefusalCode
    appointment_id: UUID | None = None
    reasons: tuple[str, ...] = ()
