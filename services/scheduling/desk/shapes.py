"""What the desk of a site is shown, and what it asks."""

from datetime import date, datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, Field

from schemas.envelope import Code, Cvx
from schemas.scheduling_v1 import AppointmentStatus, DoseGiven
from services.kit.masking import protected
from services.scheduling.appointments.codes import last_group
from services.scheduling.desk.rules import Expected, full_name


class ExpectedOut(BaseModel):
    """An appointment as a site's day list has it."""

    appointment_id: UUID
    start_at: datetime
    start_on: date
    status: AppointmentStatus
    walk_in: bool
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
            walk_in=one.walk_in, tenant_id=one.tenant_id, vaccine_group=one.vaccine_group, cvx=expected.cvx,
            dose=one.dose, code_ends=one.booking_code and last_group(one.booking_code),
            name=details and details.name and full_name(details.name), death_reported=death_reported,
        )  # fmt: skip
