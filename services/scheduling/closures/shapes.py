"""What a closure is asked by, and what it answers."""

from datetime import date
from typing import Self
from uuid import UUID

from pydantic import BaseModel, Field, StrictBool, StrictInt, model_validator
from pydantic_core import PydanticCustomError

from schemas.envelope import Code, Day
from services.scheduling.closures.rules import Closed, ClosedFor, Closing
from services.scheduling.days.shapes import Write


class ClosureIn(Write):
    """A day of the site, or one of its blocks, that is to be closed."""

    closed_on: Day | None = Field(default=None, description="The site's own day; or else the block.")
    block_id: UUID | None = None
    reason: ClosedFor = Field(description="Of HL7's appointment-cancellation-reason.", examples=["oth-weath"])
    dry_run: StrictBool = Field(default=False, description="Say what it would do, and do nothing.")
    expected: StrictInt | None = Field(
        default=None, ge=0, le=100_000, description="How many bookings the dry run told of; needed to close."
    )

    @model_validator(mode="after")
    def _of_one(self) -> Self:
        if (self.closed_on is None) is (self.block_id is None):
            raise PydanticCustomError("closed", "closed_on or block_id")
        if self.dry_run is (self.expected is not None):
            raise PydanticCustomError("expected", "dry_run, or expected as the dry run told it")
        return self

    def closing(self, site_id: str) -> Closing:
        """What is to be closed."""
        return Closing(site_id, self.reason, self.closed_on, self.block_id, self.expected or 0)


class ReopenedOut(BaseModel):
    """A closure that is none any more."""

    closure_id: UUID


class ReopeningIn(Write):
    """Nothing has to be said but when."""


class ClosureOut(BaseModel):
    """What the closure did, or would do."""

    closure_id: UUID | None = Field(description="None: a dry run.")
    site_id: Code
    closed_on: date | None
    block_id: UUID | None
    reason: ClosedFor
    bookings: int = Field(description="Live ones in what is to come of it: `expected`.")
    cancelled: list[UUID] = Field(description="The appointments that end by it.")
    at_the_site: list[UUID] = Field(
        description="Appointments whose members have come: the site says what becomes of them."
    )

    @classmethod
    def of(cls, closed: Closed) -> Self:
        """The closure, with the appointments by their ids."""
        one = closed.closing
        return cls(
            closure_id=closed.closure_id, site_id=one.site_id, closed_on=one.closed_on, block_id=one.block_id,
            reason=one.reason, bookings=closed.bookings,
            cancelled=[booking.appointment_id for booking in closed.cancelled],
            at_the_site=[booking.appointment_id for booking in closed.at_the_site],
        )  # fmt: skip
