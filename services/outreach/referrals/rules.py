"""A referral: what its kind demands, which answers it takes, and until when somebody must answer. Pure."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from schemas.referral_v1 import ReferralChangedV1, ReferralKind, ReferralStatus
from services.outreach.directory.supports import Election, is_elected
from services.outreach.partners.rules import Partner
from services.outreach.sharing.rules import SharedField

ANSWER_DAYS = 5
"""Ours: within so many days a partner says whether he takes the member."""
OUTCOME_DAYS = 30
"""Ours: and within so many what became of it, or that he waits no longer."""


class ReferralAnswer(StrEnum):
    """What is said to a referral; `cancel` by the plan alone."""

    ACCEPT = "accept"
    WAITLIST = "waitlist"
    REJECT = "reject"
    START = "start"
    COMPLETE = "complete"
    FAIL = "fail"
    CANCEL = "cancel"


class Recipient(StrEnum):
    """Who hears of a step."""

    MEMBER = "member"
    REFERRER = "referrer"


class KindRefusal(StrEnum):
    """Why a kind of referral can't be made so."""

    PARTNER_NOT_OPEN = "partner-not-open"
    AUTHORIZATION = "authorization-needed"
    CERTIFICATION = "certification-needed"
    NOT_ELECTED = "support-not-elected"
    NOT_CONTRACTED = "partner-not-contracted"
    NOT_COUNTY = "not-the-county"


_BEGUN = frozenset({ReferralStatus.ACCEPTED, ReferralStatus.IN_PROGRESS})
_UNDECIDED = frozenset({ReferralStatus.REQUESTED, ReferralStatus.ON_HOLD})
OPEN = _BEGUN | _UNDECIDED
STEPS = {
    ReferralAnswer.ACCEPT: (_UNDECIDED, ReferralStatus.ACCEPTED),
    ReferralAnswer.WAITLIST: (frozenset({ReferralStatus.REQUESTED}), ReferralStatus.ON_HOLD),
    ReferralAnswer.REJECT: (_UNDECIDED, ReferralStatus.REJECTED),
    ReferralAnswer.START: (frozenset({ReferralStatus.ACCEPTED}), ReferralStatus.IN_PROGRESS),
    ReferralAnswer.COMPLETE: (_BEGUN, ReferralStatus.COMPLETED),
    ReferralAnswer.FAIL: (_BEGUN, ReferralStatus.FAILED),
    ReferralAnswer.CANCEL: (OPEN, ReferralStatus.CANCELLED),
}
"""From which statuses an answer leads to which."""
WITH_REASON = frozenset({ReferralAnswer.REJECT, ReferralAnswer.FAIL, ReferralAnswer.CANCEL})
BY_PLAN = frozenset({ReferralAnswer.CANCEL})
AUTHORIZED = frozenset({ReferralKind.COMMUNITY_SUPPORT, ReferralKind.ECM, ReferralKind.CBAS})
"""What the plan authorizes first."""


@dataclass(frozen=True, slots=True)
class Demand:
    """What is asked for: `support` of a Community Support, the plan's `authorization`, the physician's `certification`,
    and which appointment can't be without it."""

    partner_id: str
    kind: ReferralKind
    need: str
    fields: frozenset[SharedField]
    support: str | None = None
    authorization: str | None = None
    certification: str | None = None
    service_id: str | None = None
    gates_appointment_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Referral:
    """A demand on its way. `due_on` is the last day for the next answer; None once it has ended. `is_escalated`: that
    day is over, and a person of the plan has to see to it."""

    referral_id: UUID
    tenant_id: str
    case_id: UUID
    enrolment_id: UUID
    demand: Demand
    requested_on: date
    requested_by: str
    status: ReferralStatus
    status_on: date
    due_on: date | None
    status_reason: str | None = None
    is_escalated: bool = False
    version: int = 1

    @property
    def is_open(self) -> bool:
        """Whether anything may still come of it."""
        return self.status in OPEN


@dataclass(frozen=True, slots=True)
class Notice:
    """Somebody has to hear that a referral has come so far."""

    notice_id: UUID
    referral_id: UUID
    recipient: Recipient
    status: ReferralStatus
    status_on: date


def against(
    demand: Demand, partner: Partner, county: str | None, elections: Sequence[Election], day: date
) -> KindRefusal | None:
    """The first reason why it can't be made so; None where it can. Ordinary transport and social services demand
    nothing of their own."""
    if not partner.is_open:
        return KindRefusal.PARTNER_NOT_OPEN
    if demand.kind is ReferralKind.IHSS and partner.kind != "county-agency":
        return KindRefusal.NOT_COUNTY
    return _papers(demand) or _offer(demand, partner, county or "", elections, day)


def _papers(demand: Demand) -> KindRefusal | None:
    if demand.kind is ReferralKind.MEDICAL_TRANSPORT and demand.certification is None:
        return KindRefusal.CERTIFICATION
    return KindRefusal.AUTHORIZATION if demand.kind in AUTHORIZED and demand.authorization is None else None


def _offer(
    demand: Demand, partner: Partner, county: str, elections: Sequence[Election], day: date
) -> KindRefusal | None:
    bought = {ReferralKind.COMMUNITY_SUPPORT: demand.support, ReferralKind.ECM: "ecm"}.get(demand.kind)
    if bought is None:
        return None
    if demand.kind is ReferralKind.COMMUNITY_SUPPORT and not is_elected(bought, county, elections, day):
        return KindRefusal.NOT_ELECTED
    return None if partner.is_contracted(bought, county, day) else KindRefusal.NOT_CONTRACTED


def begun(referral_id: UUID, whose: tuple[str, UUID, UUID], demand: Demand, day: date, by: str) -> Referral:
    """A new one, of this plan's case and enrolment."""
    due_on = day + timedelta(days=ANSWER_DAYS)
    return Referral(referral_id, *whose, demand, day, by, ReferralStatus.REQUESTED, day, due_on)


def answered(referral: Referral, answer: ReferralAnswer, reason: str | None, day: date) -> Referral | None:
    """The referral after this answer; None where it does not take it."""
    takes, status = STEPS[answer]
    if referral.status not in takes:
        return None
    due_on = day + timedelta(days=OUTCOME_DAYS) if status in OPEN else None
    return replace(
        referral, status=status, status_on=day, status_reason=reason, due_on=due_on, is_escalated=False,
        version=referral.version + 1,
    )  # fmt: skip


def changed(referral: Referral, member_token: UUID, kept_apart: Collection[str], at: datetime) -> ReferralChangedV1:
    """What others hear of it: of a need that is kept apart neither which it is, nor who helps with it."""
    demand, is_kept = referral.demand, referral.demand.need in kept_apart
    return ReferralChangedV1(
        occurred_at=at,
        referral_id=referral.referral_id,
        version=referral.version,
        enrolment_id=referral.enrolment_id,
        member_token=member_token,
        tenant_id=referral.tenant_id,
        partner_id=None if is_kept else demand.partner_id,
        kind=demand.kind,
        need=None if is_kept else demand.need,
        status=referral.status,
        status_reason=referral.status_reason,
        status_on=referral.status_on,
        requested_on=referral.requested_on,
        due_on=referral.due_on,
        overdue=referral.is_escalated,
        gates_appointment_id=demand.gates_appointment_id,
    )
