"""Logs an attempt, and takes one back: load → refuse or decide → save → announce, in the transaction of the request."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from schemas.outreach_v1 import Direction
from services.kit.ids import new_id
from services.kit.postgres import Connection
from services.kit.problem import Refusal
from services.kit.unit_of_work import UnitOfWork
from services.outreach.attempts import entry
from services.outreach.attempts.entry import Entry
from services.outreach.attempts.flow.refusals import NO_ATTEMPT, NOT_YOURS, REFUSALS
from services.outreach.attempts.rules import (
    Holder,
    Proposal,
    RefusalCode,
    Retractor,
    against,
    is_news,
    may_retract,
    misdated,
)
from services.outreach.cases import store as cases
from services.outreach.cases.changes import KnownCase
from services.outreach.cases.flow import review
from services.outreach.claims import store as claims
from services.outreach.claims.rules import Lease
from services.outreach.contacts import store as contacts
from services.outreach.contacts.dispositions import EFFECTS
from services.outreach.contacts.rules import LoggedAttempt, NewAttempt
from services.outreach.policy import POLICY
from services.outreach.worklist import store as worklist
from services.outreach.worklist.flow import NO_CASE
from services.outreach.worklist.rules import ListedCase
from services.replicas.days import store as days
from services.replicas.persons import store as persons
from services.replicas.programmes import store as programmes


@dataclass(frozen=True, slots=True)
class Logged:
    """The attempt's id, the rule that it went against, and the case as it stands with it."""

    attempt_id: UUID
    against: str | None
    case: ListedCase


async def log_attempt(work: UnitOfWork, case_id: UUID, entered: Entry, worker_id: str) -> Logged | Refusal:
    """Log an attempt for this case, or say why not."""
    connection = work.connection
    member_token = await cases.load_member_token(connection, case_id)
    if member_token is None:
        return NO_CASE
    await programmes.share_reference(connection)
    person_of = await persons.lock_persons(connection, [member_token])
    lease = await claims.lock_lease(connection, case_id)
    assert lease is not None, "cases are never removed"
    known = next(case for case in await cases.load_known(connection, person_of) if case.case_id == case_id)
    zone = await _zone(connection, known.evidence.enrolment.programme_id)
    holder = await _holder(connection, case_id, lease, list(person_of))
    attempt = entry.new_attempt(new_id(), known, entered, worker_id, entered.attempted_at or lease.asked_at, zone)
    misfit = misdated(entry.timing_of(attempt, lease.asked_at, zone), known.evidence.today, POLICY)
    rule = _rule(known, entered, holder, attempt)
    if misfit is not None or (
        rule is not None and not is_news(entered.disposition, frozenset(entered.resume_channels))
    ):
        return REFUSALS[misfit or RefusalCode(str(rule))]
    attempt = attempt.marked(rule)
    await _save(connection, known, attempt, lease.asked_at)
    await _settle_lease(connection, lease, attempt)
    await work.announce([entry.logged_event(attempt, lease.asked_at)])
    await review(work, person_of, lease.asked_at)
    return Logged(attempt.attempt_id, attempt.against, await _listed(connection, case_id))


async def _holder(connection: Connection, case_id: UUID, lease: Lease, member_tokens: list[UUID]) -> Holder:
    """Who may call the person now: the holder of this case, or of another of his."""
    if lease.live:
        return Holder(lease.claimed_by, live=True)
    elsewhere = await claims.load_person_holder(connection, case_id, member_tokens)
    return Holder(lease.claimed_by) if elsewhere is None else Holder(elsewhere, live=True)


def _rule(known: KnownCase, entered: Entry, holder: Holder, attempt: NewAttempt) -> RefusalCode | None:
    assert known.state is not None, "the case exists"
    proposal = Proposal(attempt.worker_id, entered.channel, attempt.counted_on, entered.direction, entered.claim)
    return against(known.evidence, known.state, holder, proposal, POLICY)


async def _save(connection: Connection, known: KnownCase, attempt: NewAttempt, at: datetime) -> None:
    """Keep it, and what of it holds for the person at every plan: the others' cases are decided on at once after."""
    await contacts.save_attempt(connection, attempt)
    await claims.forget_skips(connection, attempt.case_id)
    said = entry.statement_of(known, attempt, at)
    if said is not None:
        await contacts.save_statement(connection, attempt.member_token, said)
        await cases.WAITING_MEMBERS.let_wait(connection, [attempt.member_token], at)


async def _settle_lease(connection: Connection, lease: Lease, attempt: NewAttempt) -> None:
    """Whoever tried by the rules goes on, if the outcome lets him."""
    if not EFFECTS[attempt.disposition].keeps_lease:
        await claims.end_lease(connection, attempt.case_id)
    elif not lease.live and attempt.against is None and attempt.direction is Direction.OUTBOUND:
        await claims.claim_case(connection, attempt.case_id, attempt.worker_id, POLICY.lease_minutes)


async def _listed(connection: Connection, case_id: UUID) -> ListedCase:
    case = await worklist.load_case(connection, case_id)
    assert case is not None, "cases are never removed"
    return case


async def retract_attempt(
    work: UnitOfWork, attempt_id: UUID, reason: str, retractor: Retractor
) -> ListedCase | Refusal:
    """Take back an attempt that was entered in error: the case as it stands without it, or why not. The attempt stays
    on record; a second time changes nothing."""
    connection = work.connection
    attempt = await contacts.load_attempt(connection, attempt_id)
    if attempt is None:
        return NO_ATTEMPT
    await programmes.share_reference(connection)
    case_token = await cases.load_member_token(connection, attempt.case_id)
    assert case_token is not None, "an attempt has its case"
    person_of = await persons.lock_persons(connection, [attempt.member_token, case_token])
    if not may_retract(retractor, attempt, POLICY):
        return NOT_YOURS
    retracted_on = await _retracted_on(connection, attempt)
    if await contacts.save_retraction(connection, attempt, retractor.worker_id, reason, retracted_on):
        await contacts.forget_statements(connection, [attempt_id])
        await cases.WAITING_MEMBERS.let_wait(connection, [attempt.member_token], attempt.asked_at)
        await work.announce([entry.retracted_event(attempt, retractor.worker_id, reason, retracted_on)])
        await review(work, person_of, attempt.asked_at)
    return await _listed(connection, attempt.case_id)


async def _retracted_on(connection: Connection, attempt: LoggedAttempt) -> date:
    """The open business day, as of which reports are asked; the clock's before the first was opened."""
    opened_on = await days.load_day(connection)
    if opened_on is not None:
        return opened_on
    return entry.day_of(attempt.asked_at, await _zone(connection, attempt.programme_id))


async def _zone(connection: Connection, programme_id: str) -> ZoneInfo:
    """The programme's time zone; UTC until the programme was published."""
    programme = await programmes.load_programme(connection, programme_id)
    return ZoneInfo("UTC" if programme is None else programme.time_zone)
