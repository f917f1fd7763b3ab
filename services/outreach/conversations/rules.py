"""What may be recorded of a conversation, and which record of it holds. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from schemas.outreach_v1 import Disposition, Given
from services.outreach.contacts.dispositions import EFFECTS
from services.outreach.conversations.catalogue import Catalogue


class TeachBack(StrEnum):
    """Whether the member said in his own words what he had been told."""

    YES = "yes"
    PARTLY = "partly"
    NO = "no"


@dataclass(frozen=True, slots=True)
class Handed:
    """A material that was given; the version is that of the attempt's day."""

    material: str
    language: str
    version: int = 0


@dataclass(frozen=True, slots=True)
class Spoken:
    """What a worker recorded. `answers` are by question."""

    stage: str | None = None
    techniques: tuple[str, ...] = ()
    answers: Mapping[str, str] | None = None
    materials: tuple[Handed, ...] = ()
    teach_back: TeachBack | None = None
    minutes: int | None = None
    notes: str | None = None


@dataclass(frozen=True, slots=True)
class SpokenOf:
    """The attempt of a conversation, as far as recording it needs it. `asked_at` is the database clock's."""

    attempt_id: UUID
    case_id: UUID
    enrolment_id: UUID
    tenant_id: str
    worker_id: str
    disposition: Disposition
    given: tuple[Given, ...]
    attempted_on: date
    logged_at: datetime
    asked_at: datetime
    is_retracted: bool


@dataclass(frozen=True, slots=True)
class Conversation:
    """A record of one, by whom and when."""

    conversation_id: UUID
    attempt_id: UUID
    spoken: Spoken
    recorded_by: str
    recorded_at: datetime


class Misfit(StrEnum):
    """Why what is told can't have been said in this attempt."""

    RETRACTED = "attempt-retracted"
    NOBODY_REACHED = "nobody-reached"
    NO_INTERVIEW = "no-interview"
    MATERIAL = "material-not-available"


def misfit(spoken: Spoken, attempt: SpokenOf, catalogue: Catalogue) -> Misfit | None:
    """The first thing that does not go with the attempt. Materials may be left with a message, too."""
    says = spoken.stage, spoken.techniques, spoken.answers, spoken.teach_back
    if attempt.is_retracted:
        return Misfit.RETRACTED
    if any(says) and not EFFECTS[attempt.disposition].reaches:
        return Misfit.NOBODY_REACHED
    if (spoken.stage or spoken.techniques) and Given.MOTIVATIONAL_INTERVIEWING not in attempt.given:
        return Misfit.NO_INTERVIEW
    if any(version_of(one, attempt.attempted_on, catalogue) is None for one in spoken.materials):
        return Misfit.MATERIAL
    return None


def version_of(handed: Handed, day: date, catalogue: Catalogue) -> int | None:
    """Which version of the material there was in this language on this day; none where there was none."""
    version = catalogue.materials[handed.material].on(day)
    return None if version is None or handed.language not in version.grades else version.version


def newest(conversations: Sequence[Conversation]) -> dict[UUID, Conversation]:
    """By attempt, the record that holds: the last one, of those in the order in which they were recorded."""
    return {conversation.attempt_id: conversation for conversation in conversations}
