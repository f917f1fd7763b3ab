"""From what a worker enters to what is kept and announced: the attempt, what of it holds for the person, the events.
Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from schemas.languages import Language
from schemas.outreach_v1 import (
    BesdDomain,
    Channel,
    ContactAttemptLoggedV1,
    ContactAttemptRetractedV1,
    Direction,
    Disposition,
    Given,
)
from services.outreach.attempts.rules import Timing, stops
from services.outreach.cases.changes import KnownCase
from services.outreach.cases.channels import place_of, version_on
from services.outreach.contacts.dispositions import EFFECTS
from services.outreach.contacts.rules import LoggedAttempt, NewAttempt, Statement
from services.outreach.policy import POLICY


@dataclass(frozen=True, slots=True)
class Entry:
    """One contact with the member as a worker entered it, its fields in accord with each other."""

    channel: Channel
    disposition: Disposition
    direction: Direction
    attempted_at: datetime | None
    given: Sequence[Given]
    topics: Sequence[str]
    barriers: Sequence[str]
    refusal_domain: BesdDomain | None
    callback_at: datetime | None
    language: Language | None
    stop_channels: Sequence[Channel]
    resume_channels: Sequence[Channel]
    claim: bool
    hard_call: bool = False


def is_of_a_vaccine(entered: Entry) -> bool:
    """Whether it says something of one vaccine, not of the person."""
    return EFFECTS[entered.disposition].stance is not None


def new_attempt(
    attempt_id: UUID, known: KnownCase, entered: Entry, worker_id: str, attempted_at: datetime, zone: ZoneInfo
) -> NewAttempt:
    """The attempt that was entered, not yet held against any rule."""
    enrolment = known.evidence.enrolment
    attempted_on = day_of(attempted_at, zone)
    return NewAttempt(
        attempt_id=attempt_id,
        case_id=known.case_id,
        enrolment_id=enrolment.enrolment_id,
        programme_id=enrolment.programme_id,
        tenant_id=enrolment.tenant_id,
        member_token=enrolment.member_token,
        channel=entered.channel,
        disposition=entered.disposition,
        attempted_at=attempted_at,
        attempted_on=attempted_on,
        counted_on=min(attempted_on, known.evidence.today),
        worker_id=worker_id,
        given=sorted(set(entered.given)),
        topics=sorted(set(entered.topics)),
        barriers=sorted(set(entered.barriers)),
        refusal_domain=entered.refusal_domain,
        callback_at=entered.callback_at,
        callback_on=day_of(entered.callback_at, zone) if entered.callback_at else None,
        language=entered.language,
        stopped=stops(entered.disposition, frozenset(entered.stop_channels), POLICY),
        place=place_of(enrolment, attempted_on),
        direction=entered.direction,
        against=None,
        resumed=sorted(set(entered.resume_channels)),
        reach=version_on(entered.channel, enrolment, attempted_on),
        hard_call=entered.hard_call,
    )


def day_of(at: datetime, zone: ZoneInfo) -> date:
    """The calendar day of this instant in the programme's time zone."""
    return at.astimezone(zone).date()


def timing_of(attempt: NewAttempt, now: datetime, zone: ZoneInfo) -> Timing:
    """When the attempt was made and when it is logged, by the programme's days."""
    return Timing(now, day_of(now, zone), attempt.attempted_at, attempt.attempted_on, attempt.callback_at)


def statement_of(known: KnownCase, attempt: NewAttempt, told_at: datetime) -> Statement | None:
    """What of the attempt holds for the person at every plan; None if nothing does."""
    effect = EFFECTS[attempt.disposition]
    said = Statement(
        source_id=attempt.attempt_id,
        tenant_id=attempt.tenant_id,
        programme_id=attempt.programme_id,
        vaccine_group=known.evidence.vaccine_group,
        said_at=attempt.attempted_at,
        counted_on=attempt.counted_on,
        told_at=told_at,
        stance=effect.stance,
        stops=tuple(attempt.stopped),
        resumes=tuple(attempt.resumed),
        reports_death=effect.deceased,
    )
    return said if said.stance or said.stops or said.resumes or said.reports_death else None


def logged_event(attempt: NewAttempt, logged_at: datetime) -> ContactAttemptLoggedV1:
    """What others hear of a new attempt."""
    return ContactAttemptLoggedV1(
        occurred_at=logged_at, attempt_id=attempt.attempt_id, case_id=attempt.case_id,
        enrolment_id=attempt.enrolment_id, member_token=attempt.member_token, tenant_id=attempt.tenant_id,
        programme_id=attempt.programme_id, channel=attempt.channel, disposition=attempt.disposition,
        attempted_at=attempt.attempted_at, attempted_on=attempt.attempted_on, worker_id=attempt.worker_id,
        given=tuple(attempt.given), topics=tuple(attempt.topics), barriers=tuple(attempt.barriers),
        refusal_domain=attempt.refusal_domain, callback_at=attempt.callback_at, direction=attempt.direction,
        against=attempt.against, stopped_channels=tuple(attempt.stopped), resumed_channels=tuple(attempt.resumed),
    )  # fmt: skip


def retracted_event(
    attempt: LoggedAttempt, worker_id: str, reason: str, retracted_on: date
) -> ContactAttemptRetractedV1:
    """What others hear of an attempt that was taken back."""
    return ContactAttemptRetractedV1(
        occurred_at=attempt.asked_at, attempt_id=attempt.attempt_id, case_id=attempt.case_id,
        enrolment_id=attempt.enrolment_id, member_token=attempt.member_token, tenant_id=attempt.tenant_id,
        programme_id=attempt.programme_id, worker_id=worker_id, reason=reason, retracted_on=retracted_on,
    )  # fmt: skip
