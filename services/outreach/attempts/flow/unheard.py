"""Contacts that name an enrolment: with whoever has a case, has none, or was never heard of. Of the last they are kept,
and logged with the first fact that shows that he is the plan's."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter

from schemas.eligibility_v1 import MemberEligibilityDecidedV1, MembersMergedV1
from services.kit.ids import derived_id, new_id
from services.kit.postgres import Connection
from services.kit.problem import Refusal
from services.kit.unit_of_work import UnitOfWork
from services.outreach.attempts import store
from services.outreach.attempts.entry import Entry, day_of, is_of_a_vaccine
from services.outreach.attempts.flow.entering import Contact, Logged, enter
from services.outreach.attempts.flow.refusals import NO_ATTEMPT, NOT_YOURS, PROGRAMME_NEEDED, REFUSALS
from services.outreach.attempts.rules import (
    Proposed,
    Retractor,
    Subject,
    Timing,
    WaitingContact,
    may_retract,
    refused_unheard,
    subject_of,
)
from services.outreach.cases import flow as cases_flow
from services.outreach.cases import store as cases
from services.outreach.members import store as members
from services.outreach.policy import POLICY
from services.replicas.days import store as days
from services.replicas.programmes import store as programmes

ENTRY = TypeAdapter(Entry)
UTC = ZoneInfo("UTC")


@dataclass(frozen=True, slots=True)
class Whose:
    """The enrolment that a plan names, and the programme if it names one."""

    tenant_id: str
    enrolment_id: UUID
    programme_id: str | None


@dataclass(frozen=True, slots=True)
class Kept:
    """A contact that waits for its member."""

    attempt_id: UUID


async def log_contact(work: UnitOfWork, whose: Whose, entered: Entry, worker_id: str) -> Logged | Kept | Refusal:
    """Log a contact with the member of this enrolment, keep it until he is known, or say why not."""
    connection, of_a_vaccine = work.connection, is_of_a_vaccine(entered)
    known = await _subjects(connection, whose.enrolment_id)
    if subject_of(known, whose.programme_id, of_a_vaccine=of_a_vaccine) is None:
        await programmes.lock_reference(connection)  # whatever facts are being heard now are kept before we look again
        known = await _subjects(connection, whose.enrolment_id)
    subject = subject_of(known, whose.programme_id, of_a_vaccine=of_a_vaccine)
    if subject is not None:
        return await enter(work, _contact(new_id(), whose.enrolment_id, subject, worker_id), entered)
    if of_a_vaccine and whose.programme_id is None:
        return PROGRAMME_NEEDED
    return await _keep(connection, whose, entered, worker_id)


async def _subjects(connection: Connection, enrolment_id: UUID) -> list[Subject]:
    known = await members.load_programmes_of(connection, enrolment_id)
    case_of = {programme_id: derived_id("case", enrolment_id, programme_id) for programme_id in known}
    opened = await cases.load_opened(connection, case_of.values())
    return [
        Subject(programme_id, member_token, case_of[programme_id] in opened)
        for programme_id, member_token in known.items()
    ]


def _contact(attempt_id: UUID, enrolment_id: UUID, subject: Subject, worker_id: str) -> Contact:
    case_id = derived_id("case", enrolment_id, subject.programme_id)
    return Contact(attempt_id, case_id, subject.member_token, worker_id)


async def _keep(connection: Connection, whose: Whose, entered: Entry, worker_id: str) -> Kept | Refusal:
    logged_at = await store.ask_clock(connection)
    at = entered.attempted_at or logged_at
    timing = Timing(logged_at, day_of(logged_at, UTC), at, day_of(at, UTC), entered.callback_at)
    proposed = Proposed(entered.disposition, entered.direction, frozenset(entered.resume_channels))
    today = await days.load_day(connection) or timing.now_on
    refused = refused_unheard(proposed, timing, today, POLICY)
    if refused is not None:
        return REFUSALS[refused]
    kept = ENTRY.dump_python(entered, mode="json")
    contact = WaitingContact(
        new_id(), whose.tenant_id, whose.enrolment_id, whose.programme_id, worker_id, kept, logged_at
    )
    await store.save_waiting(connection, contact)
    return Kept(contact.attempt_id)


async def on_member_eligibility(
    work: UnitOfWork, events: Sequence[MemberEligibilityDecidedV1 | MembersMergedV1]
) -> None:
    """Keep the facts, and log the contacts that waited for them, before anybody else sees a case of theirs."""
    await cases_flow.on_member_eligibility(work, events)
    heard = {event.enrolment_id for event in events if isinstance(event, MemberEligibilityDecidedV1)}
    for waiting in await store.take_known(work.connection, heard):
        known = await _subjects(work.connection, waiting.enrolment_id)
        subject = subject_of(known, waiting.programme_id, of_a_vaccine=False)
        assert subject is not None, "it was taken because its enrolment is known"
        contact = _contact(waiting.attempt_id, waiting.enrolment_id, subject, waiting.worker_id)
        await enter(work, contact, ENTRY.validate_python(waiting.entry, strict=False), waiting.logged_at)


async def retract(connection: Connection, attempt_id: UUID, reason: str, retractor: Retractor) -> Refusal | None:
    """Take back a contact that still waits: it is never logged. None: done, there is no case."""
    waiting = await store.load_waiting(connection, attempt_id)
    if waiting is None:
        return NO_ATTEMPT
    asked_at = await store.ask_clock(connection)
    if not may_retract(retractor, waiting.worker_id, waiting.logged_at, asked_at, POLICY):
        return NOT_YOURS
    await store.retract_waiting(connection, attempt_id, retractor.worker_id, reason, asked_at)
    return None
