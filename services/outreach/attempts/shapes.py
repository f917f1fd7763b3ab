"""What the API of attempts takes and gives."""

from collections.abc import Mapping
from dataclasses import fields
from datetime import date, datetime, timedelta
from typing import Annotated, Self
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field, StrictBool, model_validator
from pydantic_core import PydanticCustomError

from schemas.envelope import Code, Instant
from schemas.languages import Language
from schemas.outreach_v1 import BesdDomain, Channel, Direction, Disposition, Given
from services.outreach.attempts.entry import Entry
from services.outreach.policy import CODES, POLICY
from services.outreach.worklist.shapes import CaseOut, Shape

CALLBACK_WITHIN = timedelta(days=POLICY.callback_max_days)


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


class AttemptIn(Shape):
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
    claim: StrictBool = Field(default=False, description="Claim the case at once if nobody else holds it.")
    hard_call: StrictBool = Field(default=False, description="It weighed on you: counts for your load and your rest.")

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
        if self.attempted_at:
            self.check_callback(self.attempted_at)
        if self.language is not None and self.disposition is not Disposition.LANGUAGE_BARRIER:
            raise PydanticCustomError("language_without_barrier", "Expected language with language-barrier only")
        if self.stop_channels and self.disposition is not Disposition.DO_NOT_CALL:
            raise PydanticCustomError("stop_without_opt_out", "Expected stop_channels with do-not-call only")
        if self.resume_channels and self.disposition is Disposition.DO_NOT_CALL:
            raise PydanticCustomError("resume_with_opt_out", "Expected resume_channels without do-not-call")
        return self

    def check_callback(self, attempted_at: datetime) -> None:
        """Refuse a call that is promised too long after the attempt."""
        if self.callback_at and self.callback_at > attempted_at + CALLBACK_WITHIN:
            raise PydanticCustomError("callback_too_late", "Expected callback_at sooner after the attempt")

    def entry(self) -> Entry:
        """The contact as it was entered."""
        return Entry(**{field.name: getattr(self, field.name) for field in fields(Entry)})


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


class RetractionIn(Shape):
    """Why an attempt does not stand. A corrected one is logged anew."""

    reason: RetractionReason

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "wrong-member"}]})


class AttemptLoggedOut(Shape):
    """The attempt's id and what became of the case."""

    attempt_id: UUID
    against: str | None = Field(description="The rule that the try went against; logged for the news that it brought.")
    case: CaseOut


class ContactIn(AttemptIn):
    """One contact with the member of an enrolment, whether he has a case or not."""

    programme_id: Code | None = Field(
        default=None,
        description="Needed for what is said of a vaccine, if the member may be under several programmes.",
    )

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"channel": "phone", "disposition": "do-not-call", "direction": "inbound"}]}
    )


class ContactLoggedOut(Shape):
    """The contact's id, which takes it back as an attempt's does, and what became of it."""

    attempt_id: UUID
    is_waiting: bool = Field(
        description="Nothing was heard of this member of the plan yet: it is logged with the first fact about him."
    )
    against: str | None = Field(description="The rule that a try went against; logged for the news that it brought.")
    case: CaseOut | None = Field(description="None: there is no case.")


class AttemptRetractedOut(Shape):
    """The attempt's id and the case as it stands without it; none where there is no case."""

    attempt_id: UUID
    case: CaseOut | None


class CodesOut(Shape):
    """The codes that an attempt's record takes, and what each means."""

    version: int
    effective_on: date
    barriers: Mapping[str, str]
    topics: Mapping[str, str]
    retraction_reasons: Mapping[str, str]
