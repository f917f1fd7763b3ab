"""What requests about appointments hold and what their answers say, checked at the door."""

from dataclasses import fields
from datetime import date, datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import BaseModel, Field

from schemas.envelope import Code
from schemas.scheduling_v1 import AppointmentStatus, DoseGiven
from services.kit.masking import protected
from services.scheduling.appointments.cancellation import Cancellation
from services.scheduling.appointments.codes import spoken
from services.scheduling.appointments.rules import Appointment, MemberRef
from services.scheduling.appointments.site_steps import NotGiven, SiteStep
from services.scheduling.days.shapes import Write
from services.scheduling.doses.shapes import BodySite, DoseRoute, LateReason, WithDose


class _ForMember(Write):
    enrolment_id: UUID
    programme_id: Code | None = Field(default=None, description="Needed if the enrolment is in several programmes.")

    def member(self) -> MemberRef:
        """Who it is about."""
        return MemberRef(self.enrolment_id, self.programme_id)


class BookingIn(_ForMember):
    """A place in a slot for a member."""

    slot_id: UUID


class WalkInIn(_ForMember, WithDose):
    """A dose given to somebody who came without an appointment."""

    site_id: Code


class CancelIn(Write):
    """Why it is cancelled."""

    reason: Cancellation = Field(description="HL7 appointment-cancellation-reason.", examples=["pat-lt"])


class RescheduleIn(Write):
    """Where it is moved."""

    slot_id: UUID


class FulfilIn(WithDose):
    """What was given."""


class CorrectionIn(WithDose):
    """The dose as it was given in truth: all of it."""


class NothingMoreIn(Write):
    """Nothing has to be said but when."""


class AppointmentOut(BaseModel):
    """An appointment as it stands."""

    appointment_id: UUID
    version: int
    status: AppointmentStatus
    enrolment_id: Annotated[UUID, protected("tokens")]
    member_token: Annotated[UUID, protected("tokens")]
    tenant_id: Code
    programme_id: Code
    vaccine_group: Code
    site_id: Code
    slot_id: UUID | None
    block_id: UUID | None
    start_at: datetime
    start_on: date
    walk_in: bool
    changes: int
    cancellation_reason: Cancellation | None
    cancelled_late: bool = Field(description="Cancelled by somebody on the day itself or later.")
    by_rule: bool = Field(description="No person did what was done last: the news did, or the day that passed.")
    outcome_overdue: bool = Field(description="Still booked although the day is over: the site has to say who came.")
    site_step: SiteStep | None = Field(description="How far who came has got, or that he came in vain.")
    not_given_reason: NotGiven | None
    death_reported: bool = Field(default=False, description="Booked, and somebody reported that the member died.")
    booked_on: date = Field(description="The site's own day on which it was booked.")
    late_reason: LateReason | None
    booking_code: Annotated[
        str | None,
        protected("booking-codes"),
        Field(description="Said at the site, in two groups, by who is booked; a walk-in has none."),
    ]
    dose: DoseGiven | None
    dose_route: DoseRoute | None
    dose_body_site: BodySite | None
    dose_corrections: int = Field(description="How often what was recorded of the dose was corrected.")

    @classmethod
    def of(cls, appointment: Appointment, **more: Any) -> Self:
        """The appointment, with what is not of it itself."""
        known = {field.name for field in fields(Appointment)} & cls.model_fields.keys()
        values = {name: getattr(appointment, name) for name in known}
        code = appointment.booking_code
        return cls(**values | {"booking_code": code and spoken(code)}, **more)


class OverdueOut(AppointmentOut):
    """An appointment whose day is over, and of which nobody has said what came of it."""

    days_overdue: int = Field(description="Days since its own, by the site's calendar.")
    escalated: bool = Field(
        description="So long that the plan's supervisors and the State may say it in the site's place."
    )
