"""Logs one attempt: load → refuse or decide → save → announce, in the transaction of the request."""

from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from schemas.outreach_v1 import ContactAttemptLoggedV1
from services.kit.ids import new_id
from services.kit.problem import Refusal
from services.kit.unit_of_work import UnitOfWork
from services.outreach import cards, store, worklist
from services.outreach.attempts import Holder, Proposal, RefusalCode, refusal, stops
from services.outreach.domain import place_of
from services.outreach.effects import EFFECTS
from services.outreach.forms import AttemptForm, AttemptLogged
from services.outreach.handlers import review
from services.outreach.policy import POLICY
from services.outreach.situations import KnownCase, load_known
from services.outreach.worklist import Lease, NewAttempt

_SENTENCES = {
    RefusalCode.IN_FUTURE: ("Attempt In The Future", "An attempt is logged once it has been made."),
    RefusalCode.PROTECTED: ("Contact Protected", "The member's record bars outreach."),
    RefusalCode.OPTED_OUT: ("Opted Out", "The member does not want to be contacted in this way."),
    RefusalCode.CASE_CLOSED: ("Case Closed", "The case is closed: nobody needs to reach the member."),
    RefusalCode.TOO_MANY: (
        "Too Many Attempts",
        f"The member was tried {POLICY.attempts_per_window} times within {POLICY.window_days} days.",
    ),
    RefusalCode.NOT_CLAIMED: ("Not Claimed By You", "Claim the case first; while another worker holds it, it is his."),
    RefusalCode.LEASE_EXPIRED: ("Lease Expired", "Your lease has run out. Claim the case again."),
}
REFUSALS = {code: Refusal(code.value, title, detail) for code, (title, detail) in _SENTENCES.items()}


async def log_attempt(
    work: UnitOfWork, case_id: UUID, form: AttemptForm, worker_id: str
) -> AttemptLogged | Refusal | None:
    """The attempt logged, the refusal, or None where there is no such case."""
    connection = work.connection
    token = await worklist.load_member_token(connection, case_id)
    if token is None:
        return None
    await store.share_reference(connection)
    persons = await store.lock_members(connection, [token])
    lease = await worklist.lock_lease(connection, case_id)
    assert lease is not None, "cases are never removed"
    known = next(one for one in await load_known(connection, persons) if one.case_id == case_id)
    zone = ZoneInfo(await worklist.load_time_zone(connection, known.situation.enrolment.programme_id))
    attempt = _attempt(known, form, worker_id, form.attempted_at or lease.asked_at, zone)
    refused = _refusal(known, form, lease, attempt, zone)
    if refused is not None:
        return REFUSALS[refused]
    await worklist.save_attempt(connection, attempt)
    await _settle_lease(work, form, lease, attempt)
    await work.announce([_event(attempt, lease.asked_at)])
    await review(work, persons, lease.asked_at)
    row = await worklist.load_card(connection, case_id)
    assert row is not None, "the case was locked above"
    return AttemptLogged(attempt_id=attempt.attempt_id, case=cards.card(row))


def _attempt(known: KnownCase, form: AttemptForm, worker_id: str, attempted_at: datetime, zone: ZoneInfo) -> NewAttempt:
    enrolment = known.situation.enrolment
    attempted_on = _day(attempted_at, zone)
    return NewAttempt(
        attempt_id=new_id(),
        case_id=known.case_id,
        enrolment_id=enrolment.enrolment_id,
        programme_id=enrolment.programme_id,
        tenant_id=enrolment.tenant_id,
        member_token=enrolment.member_token,
        channel=form.channel,
        disposition=form.disposition,
        attempted_at=attempted_at,
        attempted_on=attempted_on,
        counted_on=min(attempted_on, known.situation.today),
        worker_id=worker_id,
        given=sorted(set(form.given)),
        topics=sorted(set(form.topics)),
        barriers=sorted(set(form.barriers)),
        refusal_domain=form.refusal_domain,
        callback_at=form.callback_at,
        callback_on=_day(form.callback_at, zone) if form.callback_at else None,
        language=form.language,
        stopped=stops(form.disposition, frozenset(form.stop_channels), POLICY),
        place=place_of(enrolment),
    )


def _day(at: datetime, zone: ZoneInfo) -> date:
    return at.astimezone(zone).date()


def _refusal(
    known: KnownCase, form: AttemptForm, lease: Lease, attempt: NewAttempt, zone: ZoneInfo
) -> RefusalCode | None:
    assert known.state is not None, "the case exists"
    latest_on = max(known.situation.today, _day(lease.asked_at, zone))
    proposal = Proposal(
        attempt.worker_id, form.channel, attempt.attempted_on, latest_on, attempt.counted_on, form.claim
    )
    return refusal(known.situation, known.state, Holder(lease.claimed_by, lease.live), proposal, POLICY)


async def _settle_lease(work: UnitOfWork, form: AttemptForm, lease: Lease, attempt: NewAttempt) -> None:
    if not EFFECTS[form.disposition].keeps_lease:
        await worklist.end_lease(work.connection, attempt.case_id)
    elif not lease.live:
        await worklist.claim_case(work.connection, attempt.case_id, attempt.worker_id, POLICY.lease_minutes)


def _event(attempt: NewAttempt, at: datetime) -> ContactAttemptLoggedV1:
    return ContactAttemptLoggedV1(
        occurred_at=at, attempt_id=attempt.attempt_id, case_id=attempt.case_id, enrolment_id=attempt.enrolment_id,
        member_token=attempt.member_token, tenant_id=attempt.tenant_id, programme_id=attempt.programme_id,
        channel=attempt.channel, disposition=attempt.disposition, attempted_at=attempt.attempted_at,
        attempted_on=attempt.attempted_on, worker_id=attempt.worker_id, given=tuple(attempt.given),
        topics=tuple(attempt.topics), barriers=tuple(attempt.barriers), refusal_domain=attempt.refusal_domain,
        callback_at=attempt.callback_at,
    )  # fmt: skip
