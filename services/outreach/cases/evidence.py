"""What a case is decided from, and what is decided. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from schemas.outreach_v1 import CaseClosedReason, CaseStatus, Channel
from services.outreach.contacts.rules import Attempt, Statement
from services.outreach.members.rules import Appointment, Dose, Enrolment


class OffList(StrEnum):
    """Why an open case is off the call list for now."""

    BOOKED = "booked"
    CALLBACK = "callback"
    ATTEMPTS = "attempts"
    RESTING = "resting"


class Paused(StrEnum):
    """Why nobody is to call."""

    DEATH_REPORTED = "death-reported"
    REFUSAL = "refusal"
    SELF_REPORT = "self-report"
    RECENT_DOSE = "recent-dose"


class Flag(StrEnum):
    """What somebody who opens the case must know at first sight."""

    APPOINTMENT_LOST = "appointment-lost"  # not by the member, who was not told since: somebody must telephone
    LOST_NO_CALL = "appointment-lost-no-call"  # the same, and nobody may call him: he must hear of it in another way
    APPOINTMENT_MISSED = "appointment-missed"
    OUTCOME_OVERDUE = "outcome-overdue"
    DEATH_REPORTED = "death-reported"


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that is known when a case is decided. `attempts` are the member's at the plan, in order; `statements`
    are the person's, at whichever plan, in order."""

    enrolment: Enrolment
    today: date
    retired: bool = False
    vaccine_group: str | None = None
    target_zip: bool = False
    doses: Sequence[Dose] = ()
    appointments: Sequence[Appointment] = ()
    attempts: Sequence[Attempt] = ()
    statements: Sequence[Statement] = ()

    def own_attempts(self) -> list[Attempt]:
        """The contacts under this enrolment and programme."""
        if not self.attempts:
            return []
        mine = (self.enrolment.enrolment_id, self.enrolment.programme_id)
        return [attempt for attempt in self.attempts if (attempt.enrolment_id, attempt.programme_id) == mine]


@dataclass(frozen=True, slots=True)
class CaseState:
    """What was decided. `review_on`: the day on which time alone may change it; `lost_appointment_id` the booking that
    was taken away, why, and how the member heard of it without a call."""

    tenant_id: str
    member_token: UUID
    status: CaseStatus
    closed_reason: CaseClosedReason | None
    paused_until_on: date | None
    held_by: OffList | None
    held_until_on: date | None
    review_on: date | None
    priority: int
    zip_bonus: int
    noshow_bonus: int
    attempts: int
    attempt_penalty: int
    zip5: str | None
    language: str | None
    needs_language: bool
    callback_at: datetime | None
    callback_worker: str | None
    next_channel: Channel | None
    paused_by: Paused | None
    lost_bonus: int
    flags: tuple[Flag, ...]
    lost_appointment_id: UUID | None = None
    lost_reason: str | None = None
    lost_told: str | None = None
