"""Enters a contact: refuse or decide → save → announce. The case may be there already, or not yet."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from schemas.outreach_v1 import Direction
from services.kit.postgres import Connection
from services.kit.problem import Refusal
from services.kit.unit_of_work import UnitOfWork
from services.outreach.attempts import entry, store
from services.outreach.attempts.entry import Entry
from services.outreach.attempts.flow.refusals import REFUSALS
from services.outreach.attempts.rules import Holder, Proposal, RefusalCode, against, is_news, misdated
from services.outreach.cases import store as cases
from services.outreach.cases.changes import KnownCase
from services.outreach.cases.flow import review
from services.outreach.claims import store as claims
from services.outreach.claims.rules import Lease
from services.outreach.contacts import store as contacts
from services.outreach.contacts.dispositions import EFFECTS
from services.outreach.contacts.rules import NewAttempt
from services.outreach.policy import POLICY
from services.outreach.wishes import store as wishes
from services.outreach.worklist import store as worklist
from services.outreach.worklist.rules import ListedCase
from services.replicas.persons import store as persons
from services.replicas.programmes import store as programmes


@dataclass(frozen=True, slots=True)
class Contact:
    """Which contact this is, of which case (one that is there or may be opened later), and of whom. `by_machine`: a
    message that was sent for the worker, which needs no lease and takes none."""

    attempt_id: UUID
    case_id: UUID
    member_token: UUID
    worker_id: str
    by_machine: bool = False


@dataclass(frozen=True, slots=True)
class Logged:
    """The attempt's id, the rule that it went against, and the case as it stands with it; None where there is none."""

    attempt_id: UUID
    against: str | None
    case: ListedCase | None


async def enter(
    work: UnitOfWork, contact: Contact, entered: Entry, made_by: datetime | None = None
) -> Logged | Refusal:
    """Log the contact, or say why not. `made_by`: one that was taken before is not asked again whether it may be."""
    connection, case_id = work.connection, contact.case_id
    await programmes.share_reference(connection)
    person_of = await persons.lock_persons(connection, [contact.member_token])
    lease = await claims.lock_lease(connection, case_id) or await _no_lease(connection, contact)
    known = next(case for case in await cases.load_known(connection, person_of) if case.case_id == case_id)
    zone = await zone_of(connection, known.evidence.enrolment.programme_id)
    attempted_at = entered.attempted_at or made_by or lease.asked_at
    attempt = entry.new_attempt(contact.attempt_id, known, entered, contact.worker_id, attempted_at, zone)
    holder = Holder() if contact.by_machine else await _holder(connection, contact, lease, person_of, entered)
    rule = _rule(known, entered, holder, attempt)
    if made_by is None and (refused := _refused(known, entered, attempt, lease, rule, zone)) is not None:
        return REFUSALS[refused]
    attempt = attempt.marked(rule)
    await _save(connection, known, attempt, lease.asked_at)
    await _settle_lease(connection, lease, attempt, takes_it=not contact.by_machine)
    await work.announce([entry.logged_event(attempt, lease.asked_at)])
    await review(work, person_of, lease.asked_at)
    return Logged(attempt.attempt_id, attempt.against, await worklist.load_case(connection, case_id))


async def _no_lease(connection: Connection, contact: Contact) -> Lease:
    return Lease(contact.member_token, None, live=False, asked_at=await store.ask_clock(connection))


def _refused(
    known: KnownCase, entered: Entry, attempt: NewAttempt, lease: Lease, rule: RefusalCode | None, zone: ZoneInfo
) -> RefusalCode | None:
    misfit = misdated(entry.timing_of(attempt, lease.asked_at, zone), known.evidence.today, POLICY)
    return misfit or (None if is_news(entered.disposition, frozenset(entered.resume_channels)) else rule)


async def _holder(
    connection: Connection, contact: Contact, lease: Lease, person_of: Mapping[UUID, UUID], entered: Entry
) -> Holder:
    """Who may call the person now: the holder of this case, or of another of his; else who claims with the attempt,
    unless the member avoids him."""
    if lease.live:
        return Holder(lease.claimed_by, live=True)
    elsewhere = await claims.load_person_holder(connection, contact.case_id, list(person_of))
    if elsewhere is not None:
        return Holder(elsewhere, live=True)
    person = person_of[contact.member_token]
    is_avoided = entered.claim and await wishes.is_avoided(connection, person, contact.worker_id)
    return Holder(lease.claimed_by, is_avoided=is_avoided)


def _rule(known: KnownCase, entered: Entry, holder: Holder, attempt: NewAttempt) -> RefusalCode | None:
    proposal = Proposal(attempt.worker_id, entered.channel, attempt.counted_on, entered.direction, entered.claim)
    return against(known.evidence, known.state, holder, proposal, POLICY)


async def _save(connection: Connection, known: KnownCase, attempt: NewAttempt, at: datetime) -> None:
    """Keep it, and what of it holds for the person at every plan: the others' cases are decided on at once after."""
    await contacts.save_attempt(connection, attempt)
    await cases.forget_skips(connection, attempt.case_id)
    said = entry.statement_of(known, attempt, at)
    if said is not None:
        await contacts.save_statement(connection, attempt.member_token, attempt.enrolment_id, said)
        await cases.WAITING_MEMBERS.let_wait(connection, [attempt.member_token], at)


async def _settle_lease(connection: Connection, lease: Lease, attempt: NewAttempt, *, takes_it: bool) -> None:
    """Whoever tried by the rules goes on, if the outcome lets him."""
    if not EFFECTS[attempt.disposition].keeps_lease:
        await cases.end_lease(connection, attempt.case_id)
    elif takes_it and not lease.live and attempt.against is None and attempt.direction is Direction.OUTBOUND:
        await cases.claim_case(connection, attempt.case_id, attempt.worker_id, POLICY.lease_minutes)


async def zone_of(connection: Connection, programme_id: str) -> ZoneInfo:
    """The programme's time zone; UTC until the programme was published."""
    programme = await programmes.load_programme(connection, programme_id)
    return ZoneInfo("UTC" if programme is None else programme.time_zone)
