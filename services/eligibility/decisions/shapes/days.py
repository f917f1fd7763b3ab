"""The business day, as it is told over HTTP."""

from datetime import date

from pydantic import BaseModel, ConfigDict, Field

from schemas.envelope import Day


class BusinessDayIn(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    business_on: Day = Field(examples=["2021-03-02"])


class BusinessDayOut(BaseModel):
    business_on: date
    time_zone: str
