"""What outreach decides: cases opened and closed, and every attempt to reach a member."""

from datetime import date
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from pydantic import AwareDatetime, Field, NonNegativeInt, PositiveInt

from schemas.envelope import Code, Contract, Event


class CaseStatus(StrEnum):
    """An outreach case is open while somebody should reach the member. Paused: not before a given day."""

    OPEN = "open"
    PAUSED = "paused"
    CLOSED = "closed"


class CaseClosedReason(StrEnum):
    """Why nobody needs to reach the member any more."""

    VACCINATED = "vaccinated"
    INELIGIBLE = "ineligible"
    DISENROLLED = "disenrolled"
    DECEASED = "deceased"
    MOVED = "moved"
    OPTED_OUT = "opted-out"
    MERGED = "merged"
    UNREACHABLE = "unreachable"


class LostBooking(Contract):
    """A booking that is off, not by the member's wish: he would come to a closed door until he hears of it."""

    appointment_id: UUID
    reason: Code | None = Field(default=None, description="HL7 appointment-cancellation-reason; none: the news did it.")
    flag: Code | None = Field(
        default=None,
        description="appointment-lost: somebody must telephone. appointment-lost-no-call: nobody may, and he must hear "
        "of it in another way. None: he has heard.",
    )
    told_how: Code | None = Field(
        default=None, description="How he heard without a call: letter, email, visit, provider or member-knew."
    )


class CaseChangedV1(Event):
    """An outreach case was opened, paused, reopened or closed. A snapshot: of two, the higher `version` holds."""

    event_type: ClassVar[str] = "vcc.case.changed.v1"

    case_id: UUID
    version: PositiveInt
    enrolment_id: UUID
    member_token: UUID
    tenant_id: Code
    programme_id: Code
    status: CaseStatus
    closed_reason: CaseClosedReason | None = None
    priority: int = Field(ge=0, le=1000)
    attempts: NonNegativeInt
    opened_on: date
    changed_on: date
    paused_until_on: date | None = None
    lost_booking: LostBooking | None = Field(
        default=None,
        description="The member's last booking, if it was taken away and he has not heard of it, or has heard without "
        "a call.",
    )

    def key(self) -> str:
        return str(self.member_token)


class Channel(StrEnum):
    """How the member was approached."""

    PHONE = "phone"
    TEXT = "text"
    LETTER = "letter"
    EMAIL = "email"
    VISIT = "visit"


class Disposition(StrEnum):
    """The outcome of one attempt: the standard codes of telephone surveys, and those of outreach for vaccination. What
    each does is told in outreach's README."""

    COMPLETE = "complete"
    INITIAL_REFUSAL = "initial-refusal"
    NO_ANSWER = "no-answer"
    BUSY = "busy"
    ANSWERING_MACHINE = "answering-machine"
    LEFT_MESSAGE = "left-message"
    DISCONNECTED = "disconnected"
    WRONG_NUMBER = "wrong-number"
    LANGUAGE_BARRIER = "language-barrier"
    DECEASED = "deceased"
    DO_NOT_CALL = "do-not-call"
    FAX = "fax"
    CALLBACK_SCHEDULED = "callback-scheduled"
    MOVED = "moved"
    ALREADY_VACCINATED = "already-vaccinated"
    BOOKED = "booked"
    THIRD_PARTY = "third-party"


class Direction(StrEnum):
    """Who got in touch with whom: the plan with the member, or the member with the plan."""

    OUTBOUND = "outbound"
    INBOUND = "inbound"


class Given(StrEnum):
    """What the member was given in the conversation."""

    INFORMATION = "information"
    MOTIVATIONAL_INTERVIEWING = "motivational-interviewing"
    SUPPORT = "support"


class BesdDomain(StrEnum):
    """The domain of a refusal's reason (WHO Behavioural and Social Drivers)."""

    THINKING_FEELING = "thinking-feeling"
    SOCIAL_PROCESSES = "social-processes"
    MOTIVATION = "motivation"
    PRACTICAL_ISSUES = "practical-issues"


class ContactAttemptLoggedV1(Event):
    """Somebody tried to reach a member, or a member got in touch, and this came of it. Never changed afterwards; one
    entered in error is retracted."""

    event_type: ClassVar[str] = "vcc.contact-attempt.logged.v1"

    attempt_id: UUID
    case_id: UUID
    enrolment_id: UUID
    member_token: UUID
    tenant_id: Code
    programme_id: Code
    channel: Channel
    disposition: Disposition
    attempted_at: AwareDatetime
    attempted_on: date = Field(description="The day of the attempt in the programme's time zone.")
    worker_id: Code
    given: tuple[Given, ...] = ()
    topics: tuple[Code, ...] = Field(default=(), description="Education topics.")
    barriers: tuple[Code, ...] = Field(default=(), description="Gravity SDOH barrier codes.")
    refusal_domain: BesdDomain | None = None
    callback_at: AwareDatetime | None = None
    direction: Direction = Direction.OUTBOUND
    against: Code | None = Field(
        default=None, description="The rule against which the try was made; it is told for the news that it brought."
    )
    stopped_channels: tuple[Channel, ...] = Field(
        default=(), description="Channels that the member forbade, all plans of his; absent in records from before."
    )
    resumed_channels: tuple[Channel, ...] = Field(
        default=(), description="Channels by which the member wants to hear from the plan again: an opt-in."
    )

    def key(self) -> str:
        return str(self.member_token)


class ContactAttemptRetractedV1(Event):
    """An attempt was entered in error, or its outcome was: nothing that it said holds. A corrected one is a new
    attempt."""

    event_type: ClassVar[str] = "vcc.contact-attempt.retracted.v1"

    attempt_id: UUID
    case_id: UUID
    enrolment_id: UUID
    member_token: UUID
    tenant_id: Code
    programme_id: Code
    worker_id: Code
    reason: Code
    retracted_on: date = Field(description="The open business day on which it was taken back.")

    def key(self) -> str:
        return str(self.member_token)
