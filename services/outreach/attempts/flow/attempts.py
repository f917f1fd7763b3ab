"""Logs an attempt, and takes one back: load → refuse or decide → save → announce, in the transaction of the request."""

from datetime import date
from uuid import UUID

from services.kit.ids import new_id
from services.kit.postgres import Connection
from services.kit.problem import Refusal
from services.kit.unit_of_work import UnitOfWork
from services.outreach.attempts import entry
from services.outreach.attempts.entry import Entry
from services.outreach.attempts.flow import unheard
from services.outreach.attempts.flow.entering import Contact, Logged, enter, zone_of
from services.outreach.attempts.flow.refusals import NOT_YOURS
from services.outreach.attempts.rules import Retractor, may_retract
from services.outreach.cases import store as cases
from services.outreach.cases.flow import review
from services.outreach.contacts import store as contacts
from services.outreach.contacts.rules import LoggedAttempt
from services.outreach.contacts.store import held
from services.outreach.members import store as members
from services.outreach.policy import POLICY
from services.outreach.worklist import store as worklist
from services.outreach.worklist.flow import NO_CASE
from services.outreach.worklist.rules import ListedCase
from services.replicas.days import store as days
from services.replicas.persons import store as persons
from services.replicas.programmes import store as programmes


async def log_attempt(work: UnitOfWork, case_id: UUID, entered: Entry, worker_id: str) -> Logged | Refusal:
    """Log an attempt for this case, or say why not."""
    connection = work.connection
    member_token = await cases.load_member_token(connection, case_id)
    if member_token is None:
        return NO_CASE
    return await enter(work, Contact(new_id(), case_id, member_token, worker_id), entered)


async def retract_attempt(
    work: UnitOfWork, attempt_id: UUID, reason: str, retractor: Retractor
) -> ListedCase | Refusal | None:
    """Take back an attempt that was entered in error: the case, if there is one, as it stands without it, or why not.
    The attempt stays on record; a second time changes nothing."""
    connection = work.connection
    attempt = await contacts.load_attempt(connection, attempt_id)
    if attempt is None:
        return await unheard.retract(connection, attempt_id, reason, retractor)
    await programmes.share_reference(connection)
    his_tokens = await members.load_tokens_of_enrolments(connection, [attempt.enrolment_id])
    person_of = await persons.lock_persons(connection, his_tokens | {attempt.member_token})
    if not may_retract(retractor, attempt.worker_id, attempt.logged_at, attempt.asked_at, POLICY):
        return NOT_YOURS
    retracted_on = await _retracted_on(connection, attempt)
    if await contacts.save_retraction(connection, attempt, retractor.worker_id, reason, retracted_on):
        concerned = {attempt.member_token} | await held.load_held_for(connection, attempt_id)
        await contacts.forget_statements(connection, [attempt_id])
        await cases.WAITING_MEMBERS.let_wait(connection, concerned, attempt.asked_at)
        await work.announce([entry.retracted_event(attempt, retractor.worker_id, reason, retracted_on)])
        await review(work, person_of, attempt.asked_at)
    return await worklist.load_case(connection, attempt.case_id)


async def _retracted_on(connection: Connection, attempt: LoggedAttempt) -> date:
    """The open business day, as of which reports are asked; the clock's before the first was opened."""
    opened_on = await days.load_day(connection)
    if opened_on is not None:
        return opened_on
    return entry.day_of(attempt.asked_at, await zone_of(connection, attempt.programme_id))
