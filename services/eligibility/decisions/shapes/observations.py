"""Observations of members, as they come over HTTP."""

from datetime import date
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StrictFloat, model_validator
from pydantic_core import PydanticCustomError

from schemas.envelope import DAY_AS_WRITTEN, Code

MOST = 1000
AnyDay = Annotated[date, DAY_AS_WRITTEN]
"""A row of a day that can't be is rejected, and others count."""


class MemberObservationIn(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    member_id: str | None = Field(default=None, min_length=2, max_length=40)
    member_token: UUID | None = Field(default=None, description="Instead of the number, as cases name members.")
    system: Literal["vcc", "snomed", "icd10", "cdsi"]
    code: str = Field(min_length=1, max_length=40, examples=["homebound"])
    observed_on: AnyDay = Field(description="Not after the open business day.")
    ended_on: AnyDay | None = Field(default=None, description="The first day on which it no longer holds.")
    value: StrictFloat | None = Field(
        default=None, allow_inf_nan=False, description="Of a figure, such as missed-appointments; of nothing else."
    )
    answer: Code | None = Field(
        default=None,
        description="Of a question, such as interpreter-needed (`yes`, `no`, `unknown`); of nothing else. The newest"
        " day counts, of one day what was told last.",
    )

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        if (self.member_id is None) == (self.member_token is None):
            raise PydanticCustomError("one_member", "Expected either member_id or member_token")
        return self


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
