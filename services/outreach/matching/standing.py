"""What is assigned to whom, and for which cases it is asked. Pure."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from services.outreach.matching.rules import Reason


class Ended(StrEnum):
    """Why an assignment stands no longer."""

    RUN_OUT = "run-out"
    OVERRIDDEN = "overridden"
    AVOIDED = "avoided"
    AWAY = "away"


@dataclass(frozen=True, slots=True)
class Scope:
    """Which open cases are to be assigned: so many at most, the highest ranked first."""

    limit: int
    programme_id: str | None = None
    zip5: str | None = None
    case_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class NewAssignment:
    """A case's assignment to be kept: one row. The reasons are told as one text."""

    assignment_id: UUID
    tenant_id: str
    case_id: UUID
    worker_id: str
    batch_id: UUID | None
    until_on: date
    weight: int
    is_hard: bool
    deciding: Reason
    reasons: str
    because: str | None
    assigned_by: str


@dataclass(frozen=True, slots=True)
class Assignment:
    """A case's assignment on record, with its explanation. One without an end stands."""

    assignment_id: UUID
    worker_id: str
    batch_id: UUID | None
    until_on: date
    deciding: str
    reasons: str
    because: str | None
    assigned_by: str
    assigned_at: datetime
    ended_at: datetime | None
    ended_for: str | None
