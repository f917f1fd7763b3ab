"""What the API of target ZIPs takes and gives."""

from datetime import date

from pydantic import BaseModel, ConfigDict, Field, StrictInt

from schemas.envelope import Day


class TargetZipsIn(BaseModel):
    """Which list to compute. `least_unvaccinated`: fewer unvaccinated target members make no target."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    programme_id: str = Field(max_length=64, examples=["illinois-connectors-65"])
    week_on: Day = Field(description="The Monday of the week", examples=["2021-03-29"])
    least_unvaccinated: StrictInt = Field(default=25, ge=11)
    at_most: StrictInt = Field(default=15, ge=1, le=500)


class TargetZipOut(BaseModel):
    """A listed ZIP. `unvaccinated` and `coverage`, or all three figures, are left out where they would give small
    counts away."""

    zip5: str
    rank: int
    members: int | None
    unvaccinated: int | None
    coverage: float | None


class TargetZipsOut(BaseModel):
    """The list as announced."""

    as_of: date
    listed: list[TargetZipOut]
    delisted: list[str]
