"""What the desk of a site is shown, and what it asks."""

from datetime import date, datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, Field

from schemas.envelope import Code, Cvx
from schemas.member_contact_v1 import ContactDetails
from schemas.scheduling_v1 import AppointmentStatus, DoseGiven
from services.kit.masking import protected
from services.scheduling.appointments.codes import last_group
from services.scheduling.appointments.shapes import AppointmentOut
from services.scheduling.appointments.site_steps import NotGiven, SiteStep
from services.scheduling.days.shapes import Write
from services.scheduling.desk.rules import Expected, full_name
from services.scheduling.desk.screening import Finding, Question, Reply


class ExpectedOut(BaseModel):
    """An appointment as a site's day list has it."""

    appointment_id: UUID
    start_at: datetime
    start_on: date
    status: AppointmentStatus
    walk_in: bool
    site_step: SiteStep | None
    not_given_reason: NotGiven | None
    tenant_id: Code
    vaccine_group: Code
    cvx: Cvx | None = Field(description="The product of its slot; once a dose was given, that one's.")
    dose: DoseGiven | None
    code_ends: str | None = Field(description="The second group of its booking code.")
    name: Annotated[
        str | None,
        protected("names"),
        Field(description="On the day itself of whoever is or was expected, as far as it is known; else none."),
    ]
    death_reported: bool = Field(description="Booked, and somebody reported that the member died.")

    @classmethod
    def of(cls, expected: Expected, *, death_reported: bool) -> Self:
        """The appointment, and whose it is where that may be said."""
        one, details = expected.appointment, expected.details
        return cls(
            appointment_id=one.appointment_id, start_at=one.start_at, start_on=one.start_on, status=one.status,
            walk_in=one.walk_in, site_step=one.site_step, not_given_reason=one.not_given_reason,
            tenant_id=one.tenant_id, vaccine_group=one.vaccine_group, cvx=expected.cvx,
            dose=one.dose, code_ends=one.booking_code and last_group(one.booking_code),
            name=details and details.name and full_name(details.name), death_reported=death_reported,
        )  # fmt: skip


class AddressOut(BaseModel):
    """Where somebody lives."""

    street: str
    unit: str
    city: str
    state: str
    zip5: str


class CheckedInOut(AppointmentOut):
    """An appointment whose member stands at the desk, and who he must be; known on its day alone."""

    name: Annotated[str | None, protected("names")] = None
    birth_on: Annotated[date | None, protected("birth-dates")] = None
    address: Annotated[AddressOut | None, protected("addresses")] = None


class ScreeningIn(Write):
    """What the member answered: every question."""

    answers: dict[Question, Reply] = Field(min_length=len(Question), max_length=len(Question))


class ScreenedOut(AppointmentOut):
    """An appointment whose member was screened, and what that means for a dose."""

    finding: Annotated[Finding, protected("clinical")]


class ScreeningOut(BaseModel):
    """What somebody who stands at the desk answered, and what that means for a dose."""

    answers: Annotated[dict[Question, Reply], protected("clinical")]
    finding: Annotated[Finding, protected("clinical")]


class NotGivenIn(Write):
    """Why somebody who came was not vaccinated."""

    reason: NotGiven


def identity_of(details: ContactDetails) -> dict[str, object]:
    """Who somebody must be, as an answer says it."""
    home = details.addresses[0] if details.addresses else None
    lines = None if home is None else AddressOut.model_validate(home, from_attributes=True).model_dump()
    name = details.name and full_name(details.name)
    return {"name": name, "birth_on": details.birth_on and details.birth_on.isoformat(), "address": lines}
