"""What the API of Community Supports takes and gives."""

from datetime import date
from typing import Self

from pydantic import ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from schemas.envelope import CountyFips, Day
from services.outreach.directory.supports import Election, is_elected, listed_on
from services.outreach.worklist.shapes import Shape


class ElectionIn(Shape):
    """From when on the plan offers a support in a county, and until when; both ends among its days."""

    county: CountyFips
    from_on: Day
    until_on: Day | None = Field(default=None, description="Told again with it, an election ends.")

    model_config = ConfigDict(json_schema_extra={"examples": [{"county": "06037", "from_on": "2025-07-01"}]})

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.until_on is not None and self.until_on < self.from_on:
            raise PydanticCustomError("election_order", "Expected until_on not before from_on")
        return self


class SupportOut(Shape):
    """A Community Support of a day's list."""

    support: str
    title: str
    counties: tuple[str, ...] = Field(description="Where the plan offers it on that day.")


class SupportsOut(Shape):
    """The list of a day."""

    on: date
    supports: tuple[SupportOut, ...]


def supports_of(elections: list[Election], day: date) -> SupportsOut:
    """The list of this day with the plan's counties, as the API gives it."""
    counties = sorted({one.county for one in elections})
    supports = tuple(
        SupportOut(
            support=code,
            title=support.title,
            counties=tuple(county for county in counties if is_elected(code, county, elections, day)),
        )
        for code, support in listed_on(day).items()
    )
    return SupportsOut(on=day, supports=supports)
