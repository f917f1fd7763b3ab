"""Reads the work list for a worker."""

from uuid import UUID

from services.kit.postgres import Connection
from services.kit.problem import Refusal
from services.outreach.cases import store as cases
from services.outreach.contacts import store as contacts
from services.outreach.members import store as members
from services.outreach.worklist import store
from services.outreach.worklist.paging import Page
from services.outreach.worklist.rules import History, ListedCase, ProgrammeCounts
from services.replicas.persons import store as persons

NO_CASE = Refusal("unknown-case", "Unknown Case", "There is no such case among your plan's.", 404)


async def list_cases(connection: Connection, page: Page) -> list[ListedCase]:
    """The page's cases, in the order in which they are to be called."""
    return await store.load_cases(connection, page)


async def read_case(connection: Connection, case_id: UUID) -> tuple[ListedCase, History] | Refusal:
    """The case with everything that is on record about it."""
    case = await store.load_case(connection, case_id)
    return NO_CASE if case is None else (case, await _history(connection, case))


async def _history(connection: Connection, case: ListedCase) -> History:
    person_of = await persons.load_persons(connection, [case.member_token])
    known_cases = await cases.load_known(connection, person_of)
    return History(
        evidence=next(known_case.evidence for known_case in known_cases if known_case.case_id == case.case_id),
        attempts=await contacts.load_attempts_of_case(connection, case.case_id),
        appointments=await members.load_appointments_on_record(connection, case.enrolment_id, case.programme_id),
        doses=await members.load_doses_on_record(connection, case.member_token, case.programme_id),
        other_cases=await store.load_other_cases(connection, case.case_id, person_of),
    )


async def count_cases(connection: Connection) -> list[ProgrammeCounts]:
    """How many cases of each programme are in which state."""
    return await store.load_counts(connection)
