"""A case as a work list has it, with its history, and the counts of cases. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from schemas.eligibility_v1 import InterpreterNeeded
from services.outreach.cases.evidence import Evidence
from services.outreach.contacts.rules import AttemptOnRecord
from services.outreach.members.rules import AppointmentOnRecord, DoseOnRecord
from services.outreach.policy import Policy


@dataclass(frozen=True, slots=True)
class RankParts:
    """What the rank is made of."""

    priority: int
    target_zip: int
    no_show: int
    lost_appointment: int
    attempts: int
    skips: int
    callback_due: int


@dataclass(frozen=True, slots=True)
class Filter:
    """Which cases are wanted, by the names of what a `ListedCase` tells of them; None: whatever it is."""

    programme_id: str | None = None
    zip5: str | None = None
    interpreter_needed: InterpreterNeeded | None = None


ANY = Filter()


@dataclass(frozen=True, slots=True)
class ListedCase:
    """A case as it stands on the work list at `asked_at`, by the database clock. What it has of the member's fact
    (`members/rules.py`) and not of the case is read there, by the same name."""

    case_id: UUID
    programme_id: str
    tenant_id: str
    enrolment_id: UUID
    member_token: UUID
    status: str
    closed_reason: str | None
    paused_until_on: date | None
    paused_by: str | None
    held_by: str | None
    held_until_on: date | None
    opened_on: date
    changed_on: date
    rank: int
    priority: int
    zip_bonus: int
    noshow_bonus: int
    lost_bonus: int
    attempts: int
    attempt_penalty: int
    skips: int
    skip_penalty: int
    zip5: str | None
    language: str | None
    needs_language: bool
    interpreter_needed: InterpreterNeeded
    callback_at: datetime | None
    callback_worker: str | None
    next_channel: str | None
    flags: tuple[str, ...]
    claimed_by: str | None
    lease_until: datetime | None
    asked_at: datetime

    @property
    def is_claimed(self) -> bool:
        """Whether the lease has not run out."""
        return self.lease_until is not None and self.lease_until > self.asked_at

    def rank_parts(self, policy: Policy) -> RankParts:
        """The parts of the rank; that of a callback counts once it is due."""
        is_due = self.callback_at is not None and self.callback_at <= self.asked_at
        return RankParts(
            priority=self.priority,
            target_zip=self.zip_bonus,
            no_show=self.noshow_bonus,
            lost_appointment=self.lost_bonus,
            attempts=self.attempt_penalty,
            skips=self.skip_penalty,
            callback_due=policy.rank.callback_due if is_due else 0,
        )


@dataclass(frozen=True, slots=True)
class OtherCase:
    """Another case of the same member at the plan. `held`: somebody has claimed it."""

    case_id: UUID
    programme_id: str
    status: str
    closed_reason: str | None
    held: bool


@dataclass(frozen=True, slots=True)
class History:
    """What is on record about a case."""

    evidence: Evidence
    attempts: Sequence[AttemptOnRecord]
    appointments: Sequence[AppointmentOnRecord]
    doses: Sequence[DoseOnRecord]
    other_cases: Sequence[OtherCase]


@dataclass(frozen=True, slots=True)
class ProgrammeCounts:
    """How many of a programme's cases are in which state."""

    programme_id: str
    cases: int
    open: int
    paused: int
    closed: int
    claimable: int
    claimed: int
    booked: int
    resting: int
    callbacks: int
    callbacks_due: int
    needing_language: int
    lost_bookings: int
    closed_by_reason: Mapping[str, int]
