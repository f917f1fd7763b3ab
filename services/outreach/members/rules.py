"""What others have said about members: the newest version of each enrolment, dose and appointment. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from schemas.eligibility_v1 import EligibilityStatus, InterpreterNeeded, MemberEligibilityDecidedV1
from schemas.scheduling_v1 import AppointmentStatus


class InformedBy(StrEnum):
    """How a member whom nobody may call hears that his booking is off."""

    LETTER = "letter"
    EMAIL = "email"
    VISIT = "visit"
    PROVIDER = "provider"  # the site or his doctor tells him
    KNEW = "member-knew"  # by himself, or from the site


@dataclass(frozen=True, slots=True)
class Enrolment:
    """The newest fact heard about one enrolment and programme. `eligible_on` is the earliest day on which any version
    said that outreach may be offered: from then on there is a case. The versions are raised by other numbers or
    addresses; since which business day the present ones are there is known where others were heard of before."""

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
    interpreter_needed: InterpreterNeeded
    eligible_on: date | None
    phone_since_on: date | None = None
    address_since_on: date | None = None
    email_since_on: date | None = None


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
    """The newest version of an appointment. `told_at` is when that became a fact; `told_how`: the member was told,
    without a call, that it is off."""

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
    told_how: str | None = None

    @property
    def is_told(self) -> bool:
        return self.told_how is not None


@dataclass(frozen=True, slots=True)
class AppointmentOnRecord:
    """An appointment as a worker reads it."""

    appointment_id: UUID
    status: str
    site_id: str
    start_at: datetime
    start_on: date
    changed_on: date
    cancellation_reason: str | None
    by_rule: bool
    outcome_overdue: bool
    told_how: str | None
    told_by: str | None


@dataclass(frozen=True, slots=True)
class LossNotice:
    """That a member was told, without a call, that his booking is off: how, and who says so."""

    appointment_id: UUID
    case_id: UUID
    tenant_id: str
    how: InformedBy
    worker_id: str


@dataclass(frozen=True, slots=True)
class NotedLoss:
    """A notice that stands: of which appointment, who gave it and when, and when it is asked for."""

    appointment_id: UUID
    worker_id: str
    noted_at: datetime
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class DoseOnRecord:
    """A dose as a worker reads it: `state` says whether it was recorded or given in part. One that was retracted is
    read by nobody: it was never given, or may not be shared."""

    dose_id: UUID
    vaccine_group: str
    administered_on: date
    state: str
    sources: tuple[str, ...]


def newest_enrolments(decisions: Iterable[MemberEligibilityDecidedV1]) -> list[Enrolment]:
    """Of each enrolment and programme the newest version, dated by the earliest that offered outreach."""
    newest: dict[tuple[UUID, str], MemberEligibilityDecidedV1] = {}
    eligible_on: dict[tuple[UUID, str], date] = {}
    for decision in decisions:
        key = (decision.enrolment_id, decision.programme_id)
        if key not in newest or decision.version > newest[key].version:
            newest[key] = decision
        if _offers_outreach(decision):
            eligible_on[key] = min(eligible_on.get(key, decision.decided_on), decision.decided_on)
    return [_enrolment(newest[key], eligible_on.get(key)) for key in sorted(newest)]


def _offers_outreach(decision: MemberEligibilityDecidedV1) -> bool:
    eligible = decision.status is EligibilityStatus.ELIGIBLE and decision.enrolled
    return eligible and not (decision.vaccinated or decision.contact_protected or decision.merged_into)


def _enrolment(decision: MemberEligibilityDecidedV1, eligible_on: date | None) -> Enrolment:
    carried: dict[str, Any] = {field.name: getattr(decision, field.name, None) for field in fields(Enrolment)}
    carried["eligible"] = decision.status is EligibilityStatus.ELIGIBLE
    carried["eligible_on"] = eligible_on
    carried["interpreter_needed"] = decision.interpreter_needed or InterpreterNeeded.UNKNOWN
    return Enrolment(**carried)
