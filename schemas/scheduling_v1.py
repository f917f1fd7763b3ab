"""What scheduling decides: appointments, and how full each site's weekly blocks are."""

from datetime import date
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from pydantic import AwareDatetime, Field, NonNegativeInt, PositiveInt

from schemas.envelope import Code, Contract, Cvx, Event, Mvx, Zip5


class AppointmentStatus(StrEnum):
    """FHIR R4 Appointment.status, as far as it is used here."""

    BOOKED = "booked"
    FULFILLED = "fulfilled"
    CANCELLED = "cancelled"
    NOSHOW = "noshow"
    ENTERED_IN_ERROR = "entered-in-error"


MEMBER_DIED = "pat-dec"
"""Of HL7's reasons for cancelling an appointment: a report of death, if a person gives it."""


class DoseGiven(Contract):
    """The dose that a site gave, as the site recorded it. Eligibility turns it into the canonical dose."""

    cvx: Cvx
    mvx: Mvx | None = None
    lot: str = Field(min_length=1, max_length=32)
    administered_on: date


class AppointmentChangedV1(Event):
    """An appointment was booked, fulfilled, cancelled or missed. A snapshot: of two, the higher `version` holds. A
    walk-in has no slot and is born fulfilled; `dose` is there exactly when the status is fulfilled."""

    event_type: ClassVar[str] = "vcc.appointment.changed.v1"

    appointment_id: UUID
    version: PositiveInt
    status: AppointmentStatus
    enrolment_id: UUID
    member_token: UUID
    tenant_id: Code
    programme_id: Code
    site_id: Code
    slot_id: UUID | None = None
    block_id: UUID | None = None
    start_at: AwareDatetime
    start_on: date = Field(description="The day of the appointment in the site's time zone.")
    walk_in: bool = False
    cancellation_reason: Code | None = Field(default=None, description="HL7 appointment-cancellation-reason.")
    dose: DoseGiven | None = None
    by_rule: bool = Field(
        default=False, description="No person did this: the news did, such as a death, a dose or an ended enrolment."
    )
    outcome_overdue: bool = Field(default=False, description="Still booked although the day is over: ask the site.")
    site_step: Code | None = Field(
        default=None,
        description="How far who came has got while booked (arrived, screened); of a cancelled one, that its member "
        "came in vain (not-given, left): its place was used.",
    )
    not_given_reason: Code | None = Field(
        default=None,
        description="Of not-given, why: unwell, contraindicated, refused, no-stock or not-eligible.",
    )
    changed_on: date

    def key(self) -> str:
        return str(self.member_token)

    @property
    def reports_death(self) -> bool:
        """Whether somebody cancelled because the member has died, and not the news of it did."""
        cancelled = self.status is AppointmentStatus.CANCELLED and not self.by_rule
        return cancelled and self.cancellation_reason == MEMBER_DIED


class SlotPoolChangedV1(Event):
    """How full one weekly block at one site is. A snapshot: of two, the higher `version` holds."""

    event_type: ClassVar[str] = "vcc.slot-pool.changed.v1"

    block_id: UUID
    version: PositiveInt
    site_id: Code
    site_zip5: Zip5
    week_on: date = Field(description="The Monday of the week.")
    tenant_id: Code | None = Field(
        default=None, description="The plan that the block is held for; none once all of it is open to every plan."
    )
    cvx: Cvx
    vaccine_group: Code | None = Field(
        default=None, description="What the product is a vaccine of; absent in records from before the field."
    )
    capacity: NonNegativeInt
    booked: NonNegativeInt
    fulfilled: NonNegativeInt
    released: NonNegativeInt = Field(default=0, description="Of the capacity: opened to every plan after being held.")
    changed_on: date

    def key(self) -> str:
        return self.site_id
