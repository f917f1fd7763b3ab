"""What every request may say: the instant of what it tells."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from schemas.envelope import Cvx, Instant
from services.scheduling.days.rules import Moment

SaidCvx = Annotated[Cvx, StringConstraints(pattern=r"^(0[1-9]|[1-9][0-9]{1,2})$")]
"""A CVX code as CDC writes it: with a nought before a single digit alone."""


class Body(BaseModel):
    """A request's body: nothing is taken that is not expected, and a refusal shows no value."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Write(Body):
    """A body that tells what happened at an instant."""

    occurred_at: Instant | None = Field(default=None, description="The instant of the fact; now, if not given.")

    def moment(self, clock: datetime) -> Moment:
        """When it happened, beside what the clock says."""
        return Moment(self.occurred_at or clock, clock)
