"""Whether a contact may be logged, and by whom. A refusal is a value: its code. Pure.

What was said or became known goes in whatever the rules: at most it is marked with the rule that the try went against.
Refused is only a try that brought nothing, and what is dated wrongly."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from schemas.outreach_v1 import CaseClosedReason, CaseStatus, Channel, Direction, Disposition
from services.outreach.cases import appointments, channels
from services.outreach.cases.evidence import CaseState, Evidence
from services.outreach.contacts.dispositions import EFFECTS
from services.outreach.policy import Policy


class RefusalCode(StrEnum):
    """Why an attempt is not logged; the rules among them also mark one that is logged all the same."""

    IN_FUTURE = "attempt-in-future"
    TOO_OLD = "attempt-too-old"
    CALLBACK_PAST = "callback-not-in-future"
    PROTECTED = "contact-protected"
    OPTED_OUT = "opted-out"
    CHANNEL_BARRED = "channel-barred"
    NO_CASE = "no-case"
    CASE_CLOSED = "case-closed"
    CASE_PAUSED = "case-paused"
    TOO_MANY = "too-many-attempts"
    AVOIDED = "worker-avoided"
    NOT_CLAIMED = "not-claimed-by-you"
    LEASE_EXPIRED = "lease-expired"


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a worker wants to log. `counted_on`: the programme's day that the rules use."""

    worker_id: str
    channel: Channel
    counted_on: date
    direction: Direction = Direction.OUTBOUND
    claims: bool = False


@dataclass(frozen=True, slots=True)
class Proposed:
    """What is known of a contact by itself."""

    disposition: Disposition
    direction: Direction
    resumed: frozenset[Channel]


@dataclass(frozen=True, slots=True)
class Timing:
    """When a contact was, and when the member is to be called back. `now` is the database clock's; the days are those
    of the programme's time zone."""

    now: datetime
    now_on: date
    at: datetime
    on: date
    callback_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Holder:
    """Who claimed the case, or another of the same person, and whether that still holds by the database clock.
    `is_avoided`: the member does not want to be called by whoever claims now."""

    claimed_by: str | None = None
    live: bool = False
    is_avoided: bool = False


@dataclass(frozen=True, slots=True)
class Retractor:
    """Who takes an attempt back."""

    worker_id: str
    is_supervisor: bool


@dataclass(frozen=True, slots=True)
class WaitingContact:
    """A contact with somebody of whom nothing was heard yet, as it was entered; `programme_id` if one was named."""

    attempt_id: UUID
    tenant_id: str
    enrolment_id: UUID
    programme_id: str | None
    worker_id: str
    entry: Mapping[str, Any]
    logged_at: datetime


@dataclass(frozen=True, slots=True)
class Subject:
    """Of whom a contact is logged that names an enrolment: under which programme, and by which token he is known."""

    programme_id: str
    member_token: UUID
    has_case: bool


def may_retract(retractor: Retractor, worker_id: str, logged_at: datetime, asked_at: datetime, policy: Policy) -> bool:
    """Whether it is the attempt's worker while it is fresh, or a supervisor."""
    is_fresh = asked_at - logged_at <= timedelta(hours=policy.own_retraction_hours)
    return retractor.is_supervisor or (retractor.worker_id == worker_id and is_fresh)


def subject_of(known: Collection[Subject], programme_id: str | None, *, of_a_vaccine: bool) -> Subject | None:
    """The one that is meant: under the programme that is named, else under the only one; what is not said of a vaccine
    goes to one with a case, else to the first. None where none is known, or more than one could be meant."""
    if programme_id is not None:
        return next((subject for subject in known if subject.programme_id == programme_id), None)
    if of_a_vaccine and len(known) > 1:
        return None
    return min(known, key=lambda subject: (not subject.has_case, subject.programme_id), default=None)


def misdated(timing: Timing, today: date, policy: Policy) -> RefusalCode | None:
    """Whether nobody can mean these times. `today` is the open business day, which may be ahead of the clock. A promise
    that is logged late is due at once."""
    latest_at = timing.now + timedelta(minutes=policy.clock_skew_minutes)
    if timing.at > latest_at and not timing.now_on < timing.on <= today:
        return RefusalCode.IN_FUTURE
    if timing.on < today - timedelta(days=policy.attempt_max_age_days):
        return RefusalCode.TOO_OLD
    if timing.callback_at is not None and timing.callback_at <= timing.at:
        return RefusalCode.CALLBACK_PAST
    return None


def against(
    evidence: Evidence, state: CaseState | None, holder: Holder, proposal: Proposal, policy: Policy
) -> RefusalCode | None:
    """The first rule that a try goes against; that a member gets in touch goes against none. No state: no case."""
    if proposal.direction is Direction.INBOUND:
        return None
    stopped = channels.stopped_channels(evidence.statements, evidence.enrolment.tenant_id)
    rules = {
        RefusalCode.PROTECTED: evidence.enrolment.contact_protected,
        RefusalCode.OPTED_OUT: proposal.channel in stopped or _is_closed_for(state, CaseClosedReason.OPTED_OUT),
        RefusalCode.CHANNEL_BARRED: proposal.channel in channels.barred_channels(evidence.enrolment),
        RefusalCode.NO_CASE: state is None,
        RefusalCode.CASE_CLOSED: state is not None and state.status is CaseStatus.CLOSED,
        RefusalCode.CASE_PAUSED: state is not None and state.status is CaseStatus.PAUSED,
        RefusalCode.TOO_MANY: _is_one_too_many(evidence, state, proposal, policy),
        RefusalCode.LEASE_EXPIRED: not proposal.claims and not holder.live and holder.claimed_by == proposal.worker_id,
        RefusalCode.AVOIDED: holder.is_avoided,
        RefusalCode.NOT_CLAIMED: not _may_work(holder, proposal),
    }
    return next((code for code, applies in rules.items() if applies), None)


def _is_closed_for(state: CaseState | None, reason: CaseClosedReason) -> bool:
    return state is not None and state.closed_reason is reason


def _may_work(holder: Holder, proposal: Proposal) -> bool:
    if holder.live:
        return holder.claimed_by == proposal.worker_id
    return proposal.claims


def _is_one_too_many(evidence: Evidence, state: CaseState | None, proposal: Proposal, policy: Policy) -> bool:
    """A promised call is made, and a lost appointment told, whatever the limit."""
    is_promised = state is not None and state.callback_at is not None
    if is_promised or appointments.lifts_limits(appointments.lost(evidence, policy), policy):
        return False
    return _is_window_full(evidence, proposal.counted_on, policy)


def _is_window_full(evidence: Evidence, counted_on: date, policy: Policy) -> bool:
    """Whether the window that ends with this attempt is full already, in all programmes of the plan together."""
    begins_on = counted_on - timedelta(days=policy.window_days)
    days = [attempt.counted_on for attempt in channels.counted_tries(evidence)]
    return len([day for day in days if begins_on < day <= counted_on]) >= policy.attempts_per_window


def refused_unheard(proposed: Proposed, timing: Timing, today: date, policy: Policy) -> RefusalCode | None:
    """Why a contact with somebody of whom nothing was heard yet is not kept: nobody can mean its times, or it is a try
    that brought nothing, with a member who has no case."""
    misfit = misdated(timing, today, policy)
    if misfit is not None or proposed.direction is Direction.INBOUND:
        return misfit
    return None if is_news(proposed.disposition, proposed.resumed) else RefusalCode.NO_CASE


def is_news(disposition: Disposition, resumed: frozenset[Channel]) -> bool:
    """Whether something became known that others must know."""
    return EFFECTS[disposition].is_news or bool(resumed)


def stops(disposition: Disposition, also: frozenset[Channel], policy: Policy) -> tuple[Channel, ...]:
    """The channels that this attempt stops: "do not call" stops calls and texts, others only when that is said too."""
    if not EFFECTS[disposition].opts_out:
        return ()
    return tuple(sorted(policy.do_not_call_stops | also))
