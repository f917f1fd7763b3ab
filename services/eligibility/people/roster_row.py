"""A row of a roster, as people are asked about it. Pure."""

from datetime import date
from typing import NamedTuple

from services.eligibility.feeds.records import (
    RosterHeader,
    RosterRecord,
)
from services.eligibility.people.precedence import NEVER, Stamp


class RosterRow(NamedTuple):
    """A member's row with the header that it stands under and the instant at which it was said; `plan` is the tenant,
    once it is known."""

    record: RosterRecord
    header: RosterHeader
    said: Stamp = NEVER
    plan: str = ""

    @property
    def said_on(self) -> date | None:
        return self.header.created_at.date() if self.header.created_at else None
