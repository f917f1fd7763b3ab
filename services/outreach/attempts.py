"""Whether an attempt may be logged, and by whom. A refusal is a value: its code. Pure."""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from schemas.outreach_v1 import CaseClosedReason, CaseStatus, Channel, Disposition
from services.outreach.domain import CaseState, Situation, stopped_channels
from services.outreach.effects import EFFECTS
from services.outreach.policy import Policy


class RefusalCode(StrEnum):
    """Why an attempt is not logged."""

    IN_FUTURE = "attempt-in-future"
    PROTECTED = "contact-protected"
    OPTED_OUT = "opted-out"
    CASE_CLOSED = "case-closed"
    TOO_MANY = "too-many-attempts"
    NOT_CLAIMED = "not-claimed-by-you"
    LEASE_EXPIRED = "lease-expired"


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a worker wants to log. `latest_on`: the latest day on which an attempt can have been made."""

    worker_id: str
    channel: Channel
    attempted_on: date
    latest_on: date
    counted_on: date
    claims: bool = False


@dataclass(frozen=True, slots=True)
class Holder:
    """Who claimed the case, and whether that still holds by the database clock."""

    claimed_by: str | None = None
    live: bool = False


def refusal(
    situation: Situation, state: CaseState, holder: Holder, proposal: Proposal, policy: Policy
) -> RefusalCode | None:
    """The first reason against it; None when it may be logged."""
    reasons = {
        RefusalCode.IN_FUTURE: proposal.attempted_on > proposal.latest_on,
        RefusalCode.PROTECTED: situation.enrolment.contact_protected,
        RefusalCode.OPTED_OUT: state.closed_reason is CaseClosedReason.OPTED_OUT
        or proposal.channel in stopped_channels(situation.attempts),
        RefusalCode.CASE_CLOSED: state.status is CaseStatus.CLOSED,
        RefusalCode.TOO_MANY: state.callback_at is None and _is_window_full(situation, proposal.counted_on, policy),
        RefusalCode.LEASE_EXPIRED: not proposal.claims and not holder.live and holder.claimed_by == proposal.worker_id,
        RefusalCode.NOT_CLAIMED: not _may_work(holder, proposal),
    }
    return next((code for code, applies in reasons.items() if applies), None)


def _may_work(holder: Holder, proposal: Proposal) -> bool:
    if holder.live:
        return holder.claimed_by == proposal.worker_id
    return proposal.claims


def _is_window_full(situation: Situation, counted_on: date, policy: Policy) -> bool:
    """Whether the window that ends with this attempt is full already, in all programmes of the plan together."""
    begins_on = counted_on - timedelta(days=policy.window_days)
    days = [one.counted_on for one in situation.attempts if begins_on < one.counted_on <= counted_on]
    return len(days) >= policy.attempts_per_window


def stops(disposition: Disposition, also: frozenset[Channel], policy: Policy) -> tuple[Channel, ...]:
    """The channels that this attempt stops: "do not call" stops calls and texts, others only when that is said too."""
    if not EFFECTS[disposition].opts_out:
        return ()
    return tuple(sorted(policy.do_not_call_stops | also))
