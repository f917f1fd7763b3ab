"""What was tried and what was said: contacts with members that stand, and statements that hold for the person. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID

from schemas.outreach_v1 import BesdDomain, Channel, Direction, Disposition, Given
from services.outreach.contacts.dispositions import Stance


@dataclass(frozen=True, slots=True)
class Attempt:
    """A contact with the member that stands, in this programme or another of the plan. `counted_on`: the programme's
    day that the rules use; `reach`: the version of the number or address by which it was made."""

    attempt_id: UUID
    programme_id: str
    enrolment_id: UUID
    channel: Channel
    disposition: Disposition
    attempted_at: datetime
    counted_on: date
    worker_id: str
    callback_at: datetime | None
    callback_on: date | None
    language: str | None
    place: str
    direction: Direction
    reach: int


@dataclass(frozen=True, slots=True)
class Statement:
    """What the person said to a plan, or what a plan or a site said of him, as far as it holds for all his plans. Who
    was told, and how, is not in it."""

    source_id: UUID
    tenant_id: str
    programme_id: str
    vaccine_group: str | None
    said_at: datetime
    counted_on: date
    told_at: datetime
    stance: Stance | None
    stops: tuple[Channel, ...]
    resumes: tuple[Channel, ...]
    reports_death: bool


def tries(attempts: Sequence[Attempt]) -> list[Attempt]:
    """Those in which a worker tried to reach the member; that a member got in touch counts against nothing."""
    return [attempt for attempt in attempts if attempt.direction is Direction.OUTBOUND]


@dataclass(frozen=True, slots=True)
class AttemptOnRecord:
    """A contact as a worker reads it. One that was retracted does not stand."""

    attempt_id: UUID
    channel: str
    disposition: str
    direction: str
    against: str | None
    attempted_at: datetime
    attempted_on: date
    worker_id: str
    given: Sequence[str]
    topics: Sequence[str]
    barriers: Sequence[str]
    refusal_domain: str | None
    callback_at: datetime | None
    language: str | None
    stopped_channels: Sequence[str]
    resumed_channels: Sequence[str]
    retracted_on: date | None
    retracted_for: str | None
    retracted_by: str | None


@dataclass(frozen=True, slots=True)
class LoggedAttempt:
    """An attempt on record, as far as taking it back needs it. `asked_at` is the database clock's."""

    attempt_id: UUID
    case_id: UUID
    enrolment_id: UUID
    programme_id: str
    tenant_id: str
    member_token: UUID
    worker_id: str
    logged_at: datetime
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class NewAttempt:
    """An attempt to be kept: one row."""

    attempt_id: UUID
    case_id: UUID
    enrolment_id: UUID
    programme_id: str
    tenant_id: str
    member_token: UUID
    channel: Channel
    disposition: Disposition
    attempted_at: datetime
    attempted_on: date
    counted_on: date
    worker_id: str
    given: Sequence[Given]
    topics: Sequence[str]
    barriers: Sequence[str]
    refusal_domain: BesdDomain | None
    callback_at: datetime | None
    callback_on: date | None
    language: str | None
    stopped: Sequence[Channel]
    place: str
    direction: Direction
    against: str | None
    resumed: Sequence[Channel]
    reach: int
    hard_call: bool

    def marked(self, rule: str | None) -> "NewAttempt":
        """With the rule that the try went against."""
        return replace(self, against=rule)
