"""What the API of the gate takes and gives."""

from datetime import date, datetime
from typing import Self
from uuid import UUID

from pydantic import ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from schemas.envelope import Code, Day
from schemas.outreach_v1 import Channel
from services.outreach.gate.asked import VACCINATION, Reason
from services.outreach.gate.consents import ConsentOnRecord, ConsentSource
from services.outreach.gate.policy import CallKind
from services.outreach.worklist.shapes import Shape


class PermissionOut(Shape):
    """Whether the member may be contacted now."""

    channel: Channel
    kind: CallKind
    is_permitted: bool
    reason: Reason | None = Field(description="Why not.")
    next_permitted_at: datetime | None = Field(description="The next instant; none: not before there is news.")
    asked_at: datetime


class ReservationIn(Shape):
    """A contact that the caller is about to make."""

    channel: Channel
    kind: CallKind = CallKind.MANUAL

    model_config = ConfigDict(json_schema_extra={"examples": [{"channel": "phone"}]})


class ReservationOut(Shape):
    """It counts as made until then, or until its attempt is logged."""

    reservation_id: UUID
    expires_at: datetime


class ConsentIn(Shape):
    """That the member agreed to such calls or texts."""

    channel: Channel
    kind: CallKind
    scope: Code = Field(default=VACCINATION, description="What he agreed to be contacted for.")
    source: ConsentSource
    given_on: Day | None = Field(default=None, description="The open business day, if not given.")
    expires_on: Day | None = Field(default=None, description="The first day on which it holds no more.")

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"channel": "text", "kind": "autodialled", "source": "spoken"}]}
    )

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Self:
        if self.given_on and self.expires_on and self.expires_on <= self.given_on:
            raise PydanticCustomError("expires_before", "Expected expires_on after given_on")
        return self


class ConsentRecordedOut(Shape):
    """By what it is withdrawn."""

    consent_id: UUID


class ConsentOut(Shape):
    """A consent on record."""

    consent_id: UUID
    channel: Channel
    call_kind: CallKind
    scope: str
    source: str
    given_on: date
    expires_on: date | None
    recorded_by: str
    withdrawn_by: str | None
    withdrawn_at: datetime | None


class ConsentsOut(Shape):
    """All that is on record of the member at the plan, as it was recorded."""

    consents: tuple[ConsentOut, ...]


def consents_of(found: list[ConsentOnRecord]) -> ConsentsOut:
    """The consents as the API gives them."""
    return ConsentsOut(
        consents=tuple(
            ConsentOut.model_validate({name: getattr(one, name) for name in ConsentOut.model_fields}) for one in found
        )
    )
