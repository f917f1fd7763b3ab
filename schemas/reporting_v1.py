"""What reporting announces: the weekly target ZIPs. Internal: not a public release."""

from datetime import date
from typing import ClassVar

from pydantic import Field, PositiveInt

from schemas.envelope import Code, Event, Zip5


class TargetZipListedV1(Event):
    """A ZIP is (or is no longer) among the week's targets. Figures are absent where, together or beside the weekly
    report of the same day, they would give away a count below the suppression threshold. Records from before this was
    so may hold `members` and `unvaccinated` that do."""

    event_type: ClassVar[str] = "vcc.target-zips.listed.v1"

    zip5: Zip5
    programme_id: Code
    week_on: date = Field(description="The Monday of the week.")
    listed: bool
    rank: PositiveInt | None = None
    members: int | None = Field(default=None, ge=11)
    unvaccinated: int | None = Field(default=None, ge=11)
    coverage: float | None = Field(default=None, ge=0, le=1)

    def key(self) -> str:
        return f"{self.programme_id}/{self.zip5}"
