"""What the API of the work list gives, and what of it the other interfaces of outreach give, too."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from schemas.eligibility_v1 import InterpreterNeeded
from schemas.outreach_v1 import BesdDomain, CaseClosedReason, CaseStatus, Channel, Direction, Disposition, Given
from schemas.scheduling_v1 import AppointmentStatus
from services.kit.masking import protected
from services.outreach.cases import channels
from services.outreach.cases.evidence import Flag, OffList, Paused
from services.outreach.members.rules import InformedBy
from services.outreach.policy import POLICY
from services.outreach.worklist import why
from services.outreach.worklist.rules import History, ListedCase, ProgrammeCounts

PROBLEM: dict[str, Any] = {
    "description": "Refused: a problem document whose type says why",
    "content": {"application/problem+json": {}},
}
NOT_FOUND: dict[str, Any] = {
    "description": "No such case among the plan's",
    "content": {"application/problem+json": {}},
}


class Shape(BaseModel):
    """Refuses fields that it does not know; says nothing of values in its errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class RankPartsOut(Shape):
    """What the rank is made of."""

    priority: int = Field(description="From eligibility, 0-1000.")
    target_zip: int
    no_show: int
    lost_appointment: int
    attempts: int
    skips: int
    callback_due: int


class CaseOut(Shape):
    """A case as it stands on a work list."""

    case_id: UUID
    programme_id: str
    enrolment_id: Annotated[UUID, protected("tokens")]
    member_token: Annotated[UUID, protected("tokens")]
    status: CaseStatus
    closed_reason: CaseClosedReason | None
    paused_until_on: date | None = Field(description="None while paused: until there is news.")
    paused_by: Paused | None
    held_by: OffList | None = Field(description="Why an open case is off the call list for now.")
    held_until_on: date | None
    opened_on: date
    changed_on: date
    rank: int
    rank_parts: RankPartsOut
    attempts: int
    zip5: Annotated[str | None, protected("addresses")]
    language: str | None
    needs_language: bool
    interpreter_needed: InterpreterNeeded = Field(description="By eligibility: `possible` goes by the roster alone.")
    callback_at: datetime | None
    callback_worker: str | None
    next_channel: Channel | None
    flags: tuple[Flag, ...] = Field(description="What must be known at first sight.")
    claimed_by: str | None
    lease_until: datetime | None


class CasePageOut(Shape):
    """A part of the list. `next` is the `after` of the following part."""

    cases: tuple[CaseOut, ...]
    next: str | None


class AttemptRecordOut(Shape):
    """A contact on record. One that was retracted does not stand."""

    attempt_id: UUID
    channel: Channel
    disposition: Disposition
    direction: Direction
    against: str | None = Field(description="The rule that the try went against; logged for the news that it brought.")
    attempted_at: datetime
    attempted_on: date
    worker_id: str
    given: tuple[Given, ...]
    topics: Annotated[tuple[str, ...], protected("barriers")]
    barriers: Annotated[tuple[str, ...], protected("barriers")]
    refusal_domain: Annotated[BesdDomain | None, protected("barriers")]
    callback_at: datetime | None
    language: str | None
    stopped_channels: tuple[Channel, ...]
    resumed_channels: tuple[Channel, ...]
    retracted_on: date | None
    retracted_for: str | None
    retracted_by: str | None


class AppointmentRecordOut(Shape):
    """An appointment as last heard."""

    appointment_id: UUID
    status: AppointmentStatus
    site_id: str
    start_at: datetime
    start_on: date
    changed_on: date
    cancellation_reason: str | None = Field(description="HL7 appointment-cancellation-reason.")
    by_rule: bool = Field(description="No person did this: the news did.")
    outcome_overdue: bool = Field(description="Still booked although the day is over: ask the site.")
    told_how: InformedBy | None = Field(description="How the member was told that it is off, without a call.")
    told_by: str | None


class OtherCaseOut(Shape):
    """Another case of the same member at the plan: who calls speaks of both."""

    case_id: UUID
    programme_id: str
    status: CaseStatus
    closed_reason: CaseClosedReason | None
    held: bool = Field(description="Somebody works on it now.")


class DoseRecordOut(Shape):
    """A dose of the programme's vaccine group as last heard, recorded or partial; none that was retracted."""

    dose_id: UUID
    vaccine_group: str
    administered_on: date
    state: str
    sources: tuple[str, ...]


class CaseFileOut(CaseOut):
    """A case with its history."""

    why: tuple[str, ...] = Field(description="Why the member is, or is not, to be called.")
    eligible: bool
    vaccinated: bool
    contact_protected: bool
    eligibility_reasons: tuple[str, ...]
    history: tuple[AttemptRecordOut, ...]
    appointments: tuple[AppointmentRecordOut, ...]
    doses: tuple[DoseRecordOut, ...]
    stopped_channels: tuple[Channel, ...]
    invalid_channels: tuple[Channel, ...]
    barred_channels: tuple[Channel, ...] = Field(description="By a registry.")
    other_cases: tuple[OtherCaseOut, ...]


class ProgrammeSummaryOut(Shape):
    """Counts of one programme's cases."""

    programme_id: str
    cases: int
    open: int
    paused: int
    closed: int
    claimable: int = Field(description="Could be claimed now. Zero while many are open: see what holds them.")
    claimed: int
    booked: int
    resting: int
    callbacks: int
    callbacks_due: int
    needing_language: int
    lost_bookings: int = Field(description="See GET /lost-bookings.")
    closed_by_reason: Mapping[str, int]


class WorkSummaryOut(Shape):
    """Counts by programme."""

    programmes: tuple[ProgrammeSummaryOut, ...]


def case_of(case: ListedCase) -> CaseOut:
    """The case as the API gives it: its rank with the part of a callback that is due, and who has claimed it now."""
    return CaseOut.model_validate(_values(case))


def _values(case: ListedCase) -> dict[str, object]:
    parts = case.rank_parts(POLICY)
    return {
        **{name: getattr(case, name) for name in CaseOut.model_fields if name != "rank_parts"},
        "rank": case.rank + parts.callback_due,
        "rank_parts": asdict(parts),
        "claimed_by": case.claimed_by if case.is_claimed else None,
        "lease_until": case.lease_until if case.is_claimed else None,
    }


def file_of(case: ListedCase, history: History) -> CaseFileOut:
    """The case with its history as the API gives it."""
    evidence, enrolment = history.evidence, history.evidence.enrolment
    return CaseFileOut.model_validate(
        {
            **_values(case),
            "why": tuple(why.reasons(case, history)),
            "eligible": enrolment.eligible,
            "vaccinated": enrolment.vaccinated,
            "contact_protected": enrolment.contact_protected,
            "eligibility_reasons": enrolment.reasons,
            "history": [asdict(attempt) for attempt in history.attempts],
            "appointments": [asdict(appointment) for appointment in history.appointments],
            "doses": [asdict(dose) for dose in history.doses],
            "stopped_channels": sorted(channels.stopped_channels(evidence.statements, enrolment.tenant_id)),
            "invalid_channels": sorted(channels.invalid_channels(evidence)),
            "barred_channels": sorted(channels.barred_channels(enrolment)),
            "other_cases": [asdict(other) for other in history.other_cases],
        }
    )


def summary_of(programmes: Iterable[ProgrammeCounts]) -> WorkSummaryOut:
    """The counts as the API gives them."""
    return WorkSummaryOut(programmes=tuple(ProgrammeSummaryOut.model_validate(asdict(counts)) for counts in programmes))
