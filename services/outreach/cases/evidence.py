"""What is on record about somebody, and what was decided from it: the values that outreach's rules take and give."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from schemas.outreach_v1 import CaseClosedReason, CaseStatus, Channel, Direction, Disposition
from schemas.scheduling_v1 import AppointmentStatus
from services.outreach.contacts.dispositions import Standing


class Held(StrEnum):
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
    APPOINTMENT_MISSED = "appointment-missed"
    OUTCOME_OVERDUE = "outcome-overdue"
    DEATH_REPORTED = "death-reported"


@dataclass(frozen=True, slots=True)
class Enrolment:
    """The newest fact heard about one enrolment and programme. `eligible_on` is the earliest day on which any version
    said that outreach may be offered: from then on there is a case. The versions are raised by other numbers or
    addresses."""

    enrolment_id: UUID
    programme_id: str
    tenant_id: str
    member_token: UUID
    version: int
    eligible: bool
    vaccinated: bool
    doses_valid: int
    enrolled: bool
    contact_protected: bool
    merged_into: UUID | None
    reasons: tuple[str, ...]
    priority: int
    zip5: str | None
    tract: str | None
    language: str | None
    decided_on: date
    death_reports_until: datetime | None
    channels_barred: tuple[str, ...]
    phone_version: int
    address_version: int
    email_version: int
    eligible_on: date | None


@dataclass(frozen=True, slots=True)
class Dose:
    """The newest version of a canonical dose; not `live` once it was retracted, or if it was given in part. A
    combination vaccine is of several groups."""

    dose_id: UUID
    vaccine_groups: tuple[str, ...]
    administered_on: date
    live: bool
    appointment_id: UUID | None


@dataclass(frozen=True, slots=True)
class Appointment:
    """The newest version of an appointment. `told_at` is when that became a fact."""

    appointment_id: UUID
    status: AppointmentStatus
    start_at: datetime
    start_on: date
    changed_on: date
    dose_on: date | None
    cancellation_reason: str | None
    by_rule: bool
    outcome_overdue: bool
    told_at: datetime


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
    standing: Standing | None
    stops: tuple[Channel, ...]
    resumes: tuple[Channel, ...]
    reports_death: bool


@dataclass(frozen=True, slots=True)
class Situation:
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
        return [one for one in self.attempts if (one.enrolment_id, one.programme_id) == mine]


def tries(attempts: Sequence[Attempt]) -> list[Attempt]:
    """Those in which a worker tried to reach the member; that a member got in touch counts against nothing."""
    return [one for one in attempts if one.direction is Direction.OUTBOUND]


@dataclass(frozen=True, slots=True)
class CaseState:
    """What was decided. `review_on`: the day on which time alone may change it."""

    tenant_id: str
    member_token: UUID
    status: CaseStatus
    closed_reason: CaseClosedReason | None
    paused_until_on: date | None
    held_by: Held | None
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
