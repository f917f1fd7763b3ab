"""Logs one attempt: load → refuse or decide → save → announce, in the transaction of the request."""

from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from schemas.outreach_v1 import ContactAttemptLoggedV1, Direction
from services.kit.ids import new_id
from services.kit.problem import Refusal
from services.kit.unit_of_work import UnitOfWork
from services.outreach.attempts.rules import Holder, Proposal, RefusalCode, Timing, against, is_news, misdated, stops
from services.outreach.cases.channels import place_of, version_of
from services.outreach.cases.evidence import Statement
from services.outreach.cases.flow import review
from services.outreach.cases.store import KnownCase, load_known
from services.outreach.claims import store as claims
from services.outreach.claims.store import Lease
from services.outreach.contacts.dispositions import EFFECTS
from services.outreach.members import store
from services.outreach.policy import POLICY
from services.outreach.worklist import rules as cards
from services.outreach.worklist import store as worklist
from services.outreach.worklist.shapes import AttemptForm, AttemptLogged
from services.outreach.worklist.store import NewAttempt

_SENTENCES = {
    RefusalCode.IN_FUTURE: ("Attempt In The Future", "An attempt is logged once it has been made."),
    RefusalCode.TOO_OLD: (
        "Attempt Too Old",
        f"Expected attempted_at within {POLICY.attempt_max_age_days} days before the open business day.",
    ),
    RefusalCode.CALLBACK_PAST: (
        "Callback Not In The Future",
        "Expected callback_at after the attempt.",
    ),
    RefusalCode.PROTECTED: ("Contact Protected", "The member's record bars outreach."),
    RefusalCode.OPTED_OUT: ("Opted Out", "The member does not want to be contacted in this way."),
    RefusalCode.CHANNEL_BARRED: ("Channel Barred", "The member's record bars this channel."),
    RefusalCode.CASE_CLOSED: ("Case Closed", "The case is closed: nobody needs to reach the member."),
    RefusalCode.CASE_PAUSED: ("Case Paused", "The case is paused: nobody is to try the member meanwhile."),
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
    lease = await claims.lock_lease(connection, case_id)
    assert lease is not None, "cases are never removed"
    known = next(one for one in await load_known(connection, persons) if one.case_id == case_id)
    zone = ZoneInfo(await worklist.load_time_zone(connection, known.situation.enrolment.programme_id))
    holder = await _holder(work, case_id, lease, list(persons))
    attempt = _attempt(known, form, worker_id, form.attempted_at or lease.asked_at, zone)
    misfit = misdated(_timing(attempt, lease.asked_at, zone), known.situation.today, POLICY)
    rule = _rule(known, form, holder, attempt)
    if misfit is not None or (rule is not None and not is_news(form.disposition, frozenset(form.resume_channels))):
        return REFUSALS[misfit or RefusalCode(str(rule))]
    attempt = attempt.marked(rule)
    await _save(work, known, attempt, lease.asked_at)
    await _settle_lease(work, lease, attempt)
    await work.announce([_event(attempt, lease.asked_at)])
    await review(work, persons, lease.asked_at)
    row = await worklist.load_card(connection, case_id)
    assert row is not None, "the case was locked above"
    return AttemptLogged(attempt_id=attempt.attempt_id, against=attempt.against, case=cards.card(row))


async def _holder(work: UnitOfWork, case_id: UUID, lease: Lease, tokens: list[UUID]) -> Holder:
    """Who may call the person now: the holder of this case, or of another of his."""
    if lease.live:
        return Holder(lease.claimed_by, live=True)
    elsewhere = await claims.load_person_holder(work.connection, case_id, tokens)
    return Holder(lease.claimed_by) if elsewhere is None else Holder(elsewhere, live=True)


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
        direction=form.direction,
        against=None,
        resumed=sorted(set(form.resume_channels)),
        reach=version_of(form.channel, enrolment),
    )


def _day(at: datetime, zone: ZoneInfo) -> date:
    return at.astimezone(zone).date()


def _timing(attempt: NewAttempt, now: datetime, zone: ZoneInfo) -> Timing:
    made = attempt.attempted_at, attempt.attempted_on
    return Timing(now, _day(now, zone), *made, attempt.callback_at)


def _rule(known: KnownCase, form: AttemptForm, holder: Holder, attempt: NewAttempt) -> RefusalCode | None:
    assert known.state is not None, "the case exists"
    proposal = Proposal(attempt.worker_id, form.channel, attempt.counted_on, form.direction, form.claim)
    return against(known.situation, known.state, holder, proposal, POLICY)


async def _save(work: UnitOfWork, known: KnownCase, attempt: NewAttempt, at: datetime) -> None:
    """Keep it, and what of it holds for the person at every plan: the others' cases are decided on at once after."""
    await worklist.save_attempt(work.connection, attempt)
    said = _statement(known, attempt, at)
    if said is not None:
        await worklist.save_statement(work.connection, attempt.member_token, said)
        await store.let_members_wait(work.connection, [attempt.member_token], at)


def _statement(known: KnownCase, attempt: NewAttempt, at: datetime) -> Statement | None:
    effect = EFFECTS[attempt.disposition]
    said = Statement(
        source_id=attempt.attempt_id,
        tenant_id=attempt.tenant_id,
        programme_id=attempt.programme_id,
        vaccine_group=known.situation.vaccine_group,
        said_at=attempt.attempted_at,
        counted_on=attempt.counted_on,
        told_at=at,
        standing=effect.standing,
        stops=tuple(attempt.stopped),
        resumes=tuple(attempt.resumed),
        reports_death=effect.deceased,
    )
    return said if said.standing or said.stops or said.resumes or said.reports_death else None


async def _settle_lease(work: UnitOfWork, lease: Lease, attempt: NewAttempt) -> None:
    """Whoever tried by the rules goes on, if the outcome lets him."""
    if not EFFECTS[attempt.disposition].keeps_lease:
        await claims.end_lease(work.connection, attempt.case_id)
    elif not lease.live and attempt.against is None and attempt.direction is Direction.OUTBOUND:
        await claims.claim_case(work.connection, attempt.case_id, attempt.worker_id, POLICY.lease_minutes)


def _event(attempt: NewAttempt, at: datetime) -> ContactAttemptLoggedV1:
    return ContactAttemptLoggedV1(
        occurred_at=at, attempt_id=attempt.attempt_id, case_id=attempt.case_id, enrolment_id=attempt.enrolment_id,
        member_token=attempt.member_token, tenant_id=attempt.tenant_id, programme_id=attempt.programme_id,
        channel=attempt.channel, disposition=attempt.disposition, attempted_at=attempt.attempted_at,
        attempted_on=attempt.attempted_on, worker_id=attempt.worker_id, given=tuple(attempt.given),
        topics=tuple(attempt.topics), barriers=tuple(attempt.barriers), refusal_domain=attempt.refusal_domain,
        callback_at=attempt.callback_at, direction=attempt.direction, against=attempt.against,
        stopped_channels=tuple(attempt.stopped), resumed_channels=tuple(attempt.resumed),
    )  # fmt: skip
