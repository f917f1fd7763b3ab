"""What the API takes and gives. The OpenAPI document is made from these."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from schemas.envelope import Code, Instant, Zip5
from schemas.languages import Language
from schemas.outreach_v1 import BesdDomain, CaseClosedReason, CaseStatus, Channel, Direction, Disposition, Given
from schemas.scheduling_v1 import AppointmentStatus
from services.outreach.cases.evidence import Flag, Held, Paused
from services.outreach.policy import CODES, POLICY

CALLBACK_WITHIN = timedelta(days=POLICY.callback_max_days)


class Form(BaseModel):
    """Refuses fields that it does not know; says nothing of values in its errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


def _known_barrier(code: str) -> str:
    if code not in CODES.barriers:
        raise PydanticCustomError("unknown_barrier", "Expected a barrier of GET /codes")
    return code


def _known_topic(code: str) -> str:
    if code not in CODES.topics:
        raise PydanticCustomError("unknown_topic", "Expected a topic of GET /codes")
    return code


Barrier = Annotated[Code, AfterValidator(_known_barrier), Field(json_schema_extra={"enum": sorted(CODES.barriers)})]
Topic = Annotated[Code, AfterValidator(_known_topic), Field(json_schema_extra={"enum": sorted(CODES.topics)})]


class ClaimForm(Form):
    """Which cases a worker wants next."""

    count: int = Field(default=10, ge=1, le=50)
    programme_id: Code | None = None
    zip5: Zip5 | None = None
    language: Language | None = Field(
        default=None, description="A language that you speak, by BCP 47. Without it: cases for anybody."
    )

    model_config = ConfigDict(json_schema_extra={"examples": [{"count": 5, "zip5": "60623", "language": "es"}]})


class AttemptForm(Form):
    """One contact with the member, and what came of it."""

    channel: Channel
    disposition: Disposition
    direction: Direction = Field(
        default=Direction.OUTBOUND,
        description="Inbound: the member got in touch; needs no lease, counts for no limit.",
    )
    attempted_at: Instant | None = Field(
        default=None,
        description=f"When it was; now, if not given. At most {POLICY.attempt_max_age_days} days ago.",
    )
    given: tuple[Given, ...] = Field(default=(), max_length=3)
    topics: tuple[Topic, ...] = Field(default=(), max_length=20)
    barriers: tuple[Barrier, ...] = Field(default=(), max_length=20)
    refusal_domain: BesdDomain | None = Field(default=None, description="Exactly with a refusal.")
    callback_at: Instant | None = Field(
        default=None,
        description="Exactly with a scheduled callback; in the future, at most"
        f" {POLICY.callback_max_days} days after the attempt.",
    )
    language: Language | None = Field(
        default=None, description="The language wanted, by BCP 47; with a language barrier only."
    )
    stop_channels: tuple[Channel, ...] = Field(default=(), description="With do-not-call: what else is not wanted.")
    resume_channels: tuple[Channel, ...] = Field(
        default=(), max_length=5, description="By the member's word, wanted again: an opt-in. Not with do-not-call."
    )
    claim: bool = Field(default=False, description="Claim the case at once if nobody else holds it.")

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "channel": "phone",
                    "disposition": "initial-refusal",
                    "refusal_domain": "practical-issues",
                    "given": ["information"],
                    "topics": ["side-effects"],
                    "barriers": ["transportation-insecurity"],
                }
            ]
        }
    )

    @model_validator(mode="after")
    def _belongs_together(self) -> Self:
        _exactly_with(Disposition.INITIAL_REFUSAL, self.disposition, given=self.refusal_domain is not None)
        _exactly_with(Disposition.CALLBACK_SCHEDULED, self.disposition, given=self.callback_at is not None)
        if self.attempted_at and self.callback_at and self.callback_at <= self.attempted_at:
            raise PydanticCustomError("callback_not_later", "Expected callback_at after attempted_at")
        if self.callback_at and self.callback_at > (self.attempted_at or datetime.now(UTC)) + CALLBACK_WITHIN:
            raise PydanticCustomError("callback_too_late", "Expected callback_at sooner after the attempt")
        if self.language is not None and self.disposition is not Disposition.LANGUAGE_BARRIER:
            raise PydanticCustomError("language_without_barrier", "Expected language with language-barrier only")
        if self.stop_channels and self.disposition is not Disposition.DO_NOT_CALL:
            raise PydanticCustomError("stop_without_opt_out", "Expected stop_channels with do-not-call only")
        if self.resume_channels and self.disposition is Disposition.DO_NOT_CALL:
            raise PydanticCustomError("resume_with_opt_out", "Expected resume_channels without do-not-call")
        return self


_EXACTLY = {
    Disposition.INITIAL_REFUSAL: ("refusal_domain", "Expected refusal_domain exactly with initial-refusal"),
    Disposition.CALLBACK_SCHEDULED: ("callback_at", "Expected callback_at exactly with callback-scheduled"),
}


def _exactly_with(wanted: Disposition, disposition: Disposition, *, given: bool) -> None:
    if given is not (disposition is wanted):
        raise PydanticCustomError(*_EXACTLY[wanted])


def _known_reason(code: str) -> str:
    if code not in CODES.retraction_reasons:
        raise PydanticCustomError("unknown_reason", "Expected a retraction reason of GET /codes")
    return code


RetractionReason = Annotated[
    Code, AfterValidator(_known_reason), Field(json_schema_extra={"enum": sorted(CODES.retraction_reasons)})
]


class RetractionForm(Form):
    """Why an attempt does not stand. A corrected one is logged anew."""

    reason: RetractionReason

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "wrong-member"}]})


class RankParts(Form):
    """What the rank is made of."""

    priority: int = Field(description="From eligibility, 0-1000.")
    target_zip: int
    no_show: int
    lost_appointment: int
    attempts: int
    skips: int
    callback_due: int


class CaseCard(Form):
    """A case as it stands on a work list."""

    case_id: UUID
    programme_id: str
    enrolment_id: UUID
    member_token: UUID
    status: CaseStatus
    closed_reason: CaseClosedReason | None
    paused_until_on: date | None = Field(description="None while paused: until there is news.")
    paused_by: Paused | None
    held_by: Held | None = Field(description="Why an open case is off the call list for now.")
    held_until_on: date | None
    opened_on: date
    changed_on: date
    rank: int
    rank_parts: RankParts
    attempts: int
    zip5: str | None
    language: str | None
    needs_language: bool
    callback_at: datetime | None
    callback_worker: str | None
    next_channel: Channel | None
    flags: tuple[Flag, ...] = Field(description="What must be known at first sight.")
    claimed_by: str | None
    lease_until: datetime | None


class Claims(Form):
    """The cases claimed, in the order in which to call."""

    cases: tuple[CaseCard, ...]
    lease_minutes: int


class CasePage(Form):
    """A part of the list. `next` is the `after` of the following part."""

    cases: tuple[CaseCard, ...]
    next: str | None


class AttemptRecord(Form):
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
    topics: tuple[str, ...]
    barriers: tuple[str, ...]
    refusal_domain: BesdDomain | None
    callback_at: datetime | None
    language: str | None
    stopped_channels: tuple[Channel, ...]
    resumed_channels: tuple[Channel, ...]
    retracted_on: date | None
    retracted_for: str | None
    retracted_by: str | None


class AppointmentRecord(Form):
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


class OtherCase(Form):
    """Another case of the same member at the plan: who calls speaks of both."""

    case_id: UUID
    programme_id: str
    status: CaseStatus
    closed_reason: CaseClosedReason | None
    held: bool = Field(description="Somebody works on it now.")


class DoseRecord(Form):
    """A dose of the programme's vaccine group as last heard."""

    dose_id: UUID
    vaccine_group: str
    administered_on: date
    state: str
    sources: tuple[str, ...]


class CaseFile(CaseCard):
    """A case with its history."""

    why: tuple[str, ...] = Field(description="Why the member is, or is not, to be called.")
    eligible: bool
    vaccinated: bool
    contact_protected: bool
    eligibility_reasons: tuple[str, ...]
    history: tuple[AttemptRecord, ...]
    appointments: tuple[AppointmentRecord, ...]
    doses: tuple[DoseRecord, ...]
    stopped_channels: tuple[Channel, ...]
    invalid_channels: tuple[Channel, ...]
    barred_channels: tuple[Channel, ...] = Field(description="By a registry.")
    other_cases: tuple[OtherCase, ...]


class AttemptLogged(Form):
    """The attempt's id and what became of the case."""

    attempt_id: UUID
    against: str | None = Field(description="The rule that the try went against; logged for the news that it brought.")
    case: CaseCard


class AttemptRetracted(Form):
    """The attempt's id and the case as it stands without it."""

    attempt_id: UUID
    case: CaseCard


class ProgrammeSummary(Form):
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
    closed_by_reason: Mapping[str, int]


class WorkSummary(Form):
    """Counts by programme."""

    programmes: tuple[ProgrammeSummary, ...]


class CodeLists(Form):
    """The codes that an attempt's record takes, and what each means."""

    version: int
    effective_on: date
    barriers: Mapping[str, str]
    topics: Mapping[str, str]
    retraction_reasons: Mapping[str, str]
