"""Observations of members, as they come over HTTP."""

from datetime import date
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from schemas.envelope import Code

MOST = 1000


class MemberObservationIn(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    member_id: str = Field(min_length=2, max_length=40)
    system: Literal["vcc", "snomed", "icd10", "cdsi"]
    code: str = Field(min_length=1, max_length=40, examples=["homebound"])
    observed_on: date = Field(description="Not after the open business day.")
    ended_on: date | None = Field(default=None, description="The first day on which it no longer holds.")
    value: float | None = Field(
        default=None, allow_inf_nan=False, description="Of a figure, such as missed-appointments; of nothing else."
    )


class ObservationsIn(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    plan: Code
    observations: tuple[MemberObservationIn, ...] = Field(min_length=1, max_length=MOST)


class RejectOut(BaseModel):
    position: int
    code: str
    expected: str


class ObservationsOut(BaseModel):
    """Every row was accepted or rejected; the accepted count, whether they said something new or not."""

    accepted: int
    members_changed: int
    rejected: list[RejectOut]
