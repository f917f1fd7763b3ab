"""Whom must be checked, and decisions about it, as they are told over HTTP."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StrictBool

from schemas.envelope import Day
from services.kit.masking import protected


class VitalStatusIn(BaseModel):
    """`reason`: how it is known."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    is_deceased: StrictBool
    deceased_on: Day | None = Field(default=None, description="Only of a death; none: not known.")
    reason: Literal[
        "spoken-with-member", "confirmed-by-family", "confirmed-by-plan", "confirmed-by-registry", "death-certificate",
        "mistaken-identity", "source-error", "other",
    ]  # fmt: skip


class VitalAnswerOut(BaseModel):
    enrolment_id: Annotated[UUID, protected("tokens")]
    plan: str
    programme_id: str
    status: str
    reasons: list[str]


class VitalStatusOut(BaseModel):
    """What follows for the enrolments that the caller may see. `decides_for`: a plan, or `*` for all."""

    member_token: Annotated[UUID, protected("tokens")]
    decides_for: str
    answers: list[VitalAnswerOut]


class SaidOut(BaseModel):
    """One word about a death that is to be weighed. Of another plan's it is told that there is one, and no more."""

    by: Literal["plan", "registry", "worker", "site", "another-plan"]
    said_at: datetime | None = None
    deceased_on: date | None = None


class DeathReportOut(BaseModel):
    """A member of whom somebody reported that he has died, and nobody decided."""

    member_token: Annotated[UUID, protected("tokens")]
    enrolment_id: Annotated[UUID, protected("tokens")]
    plan: str
    member_id: Annotated[str, protected("numbers")]
    said: list[SaidOut]


class DeathReportPage(BaseModel):
    """`next_after` asks for the next page; none: this was the last."""

    reports: list[DeathReportOut]
    next_after: UUID | None
