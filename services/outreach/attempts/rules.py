"""Whether a contact may be logged, and by whom. A refusal is a value: its code. Pure.

What was said or became known goes in whatever the rules: at most it is marked with the rule that the try went against.
Refused is only a try that brought nothing, and what is dated wrongly."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from schemas.outreach_v1 import CaseClosedReason, CaseStatus, Channel, Direction, Disposition
from services.outreach.cases import appointments, channels
from services.outreach.cases.evidence import CaseState, Evidence
from services.outreach.contacts.dispositions import EFFECTS
from services.outreach.contacts.rules import LoggedAttempt
from services.outreach.policy import Policy


class RefusalCode(StrEnum):
    """Why an attempt is not logged; the rules among them also mark one that is logged all the same."""

    IN_FUTURE = "attempt-in-future"
    TOO_OLD = "attempt-too-old"
    CALLBACK_PAST = "callback-not-in-future"
    PROTECTED = "contact-protected"
    OPTED_OUT = "opted-out"
    CHANNEL_BARRED = "channel-barred"
    CASE_CLOSED = "case-closed"
    CASE_PAUSED = "case-paused"
    TOO_MANY = "too-many-attempts"
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
    """Who claimed the case, or another of the same person, and whether that still holds by the database clock."""

    claimed_by: str | None = None
    live: bool = False


@dataclass(frozen=True, slots=True)
class Retractor:
    """Who takes an attempt back."""

    worker_id: str
    is_supervisor: bool


def may_retract(retractor: Retractor, attempt: LoggedAttempt, policy: Policy) -> bool:
    """Whether it is the attempt's worker while it is fresh, or a supervisor."""
    is_fresh = attempt.asked_at - attempt.logged_at <= timedelta(hours=policy.own_retraction_hours)
    return retractor.is_supervisor or (retractor.worker_id == attempt.worker_id and is_fresh)


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
    evidence: Evidence, state: CaseState, holder: Holder, proposal: Proposal, policy: Policy
) -> RefusalCode | None:
    """The first rule that a try goes against; that a member gets in touch goes against none."""
    if proposal.direction is Direction.INBOUND:
        return None
    stopped = channels.stopped_channels(evidence.statements, evidence.enrolment.tenant_id)
    rules = {
        RefusalCode.PROTECTED: evidence.enrolment.contact_protected,
        RefusalCode.OPTED_OUT: state.closed_reason is CaseClosedReason.OPTED_OUT or proposal.channel in stopped,
        RefusalCode.CHANNEL_BARRED: proposal.channel in channels.barred_channels(evidence.enrolment),
        RefusalCode.CASE_CLOSED: state.status is CaseStatus.CLOSED,
        RefusalCode.CASE_PAUSED: state.status is CaseStatus.PAUSED,
        RefusalCode.TOO_MANY: _is_one_too_many(evidence, state, proposal, policy),
        RefusalCode.LEASE_EXPIRED: not proposal.claims and not holder.live and holder.claimed_by == proposal.worker_id,
        RefusalCode.NOT_CLAIMED: not _may_work(holder, proposal),
    }
    return next((code for code, applies in rules.items() if applies), None)


def _may_work(holder: Holder, proposal: Proposal) -> bool:
    if holder.live:
        return holder.claimed_by == proposal.worker_id
    return proposal.claims


def _is_one_too_many(evidence: Evidence, state: CaseState, proposal: Proposal, policy: Policy) -> bool:
    """A promised call is made, and a lost appointment told, whatever the limit."""
    if state.callback_at is not None or appointments.lifts_limits(appointments.lost(evidence, policy), policy):
        return False
    return _is_window_full(evidence, proposal.counted_on, policy)


def _is_window_full(evidence: Evidence, counted_on: date, policy: Policy) -> bool:
    """Whether the window that ends with this attempt is full already, in all programmes of the plan together."""
    begins_on = counted_on - timedelta(days=policy.window_days)
    days = [attempt.counted_on for attempt in channels.counted_tries(evidence)]
    return len([day for day in days if begins_on < day <= counted_on]) >= policy.attempts_per_window


def is_news(disposition: Disposition, resumed: frozenset[Channel]) -> bool:
    """Whether something became known that others must know."""
    return EFFECTS[disposition].is_news or bool(resumed)


def stops(disposition: Disposition, also: frozenset[Channel], policy: Policy) -> tuple[Channel, ...]:
    """The channels that this attempt stops: "do not call" stops calls and texts, others only when that is said too."""
    if not EFFECTS[disposition].opts_out:
        return ()
    return tuple(sorted(policy.do_not_call_stops | also))
