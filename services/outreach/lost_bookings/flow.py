"""Lists the bookings that members have lost whom nobody may call, notes how one heard of it, and takes that back."""

from uuid import UUID

from services.kit.postgres import Connection
from services.kit.problem import Refusal
from services.kit.unit_of_work import UnitOfWork
from services.outreach.cases import appointments
from services.outreach.cases import store as cases
from services.outreach.cases.evidence import Evidence, Flag
from services.outreach.cases.flow import review
from services.outreach.cases.rules import decide
from services.outreach.lost_bookings import store
from services.outreach.lost_bookings.rules import LostBooking, Page, Part, Retractor, may_retract
from services.outreach.members import store as members
from services.outreach.members.rules import InformedBy, LossNotice
from services.outreach.policy import POLICY
from services.outreach.worklist import store as worklist
from services.outreach.worklist.flow import NO_CASE
from services.outreach.worklist.rules import ListedCase
from services.replicas.persons import store as persons
from services.replicas.programmes import store as programmes

NOTHING_LOST = Refusal(
    "no-lost-booking",
    "No Lost Booking",
    "Nobody has to tell this member, without a call, that a booking is off.",
)
NOTHING_NOTED = Refusal(
    "no-lost-booking-notice",
    "No Notice",
    "Nobody has said how this member heard, without a call, that a booking is off.",
)
NOT_YOURS = Refusal(
    "not-your-notice",
    "Not Your Notice",
    f"Whoever gave a notice takes it back within {POLICY.own_retraction_hours} hours; afterwards a supervisor.",
)


async def list_lost(connection: Connection, page: Page) -> Part:
    """The longest known first."""
    flagged = await store.load_flagged(connection, page)
    person_of = await persons.load_persons(connection, [case.member_token for case in flagged])
    evidence = {known_case.case_id: known_case.evidence for known_case in await cases.load_known(connection, person_of)}
    lost = [(case, appointments.lost(evidence[case.case_id], POLICY)) for case in flagged]
    gone = {case: booking.appointment.appointment_id for case, booking in lost if booking is not None}
    on_record = await members.load_some_on_record(connection, gone.values())
    bookings = [LostBooking(case, evidence[case.case_id], on_record[gone[case]]) for case in gone]
    return Part(bookings, flagged[-1] if len(flagged) == page.limit else None)


async def note(work: UnitOfWork, case_id: UUID, how: InformedBy, worker_id: str) -> ListedCase | Refusal:
    """Keep what was done: nobody has to see to it any more."""
    connection = work.connection
    member_token = await cases.load_member_token(connection, case_id)
    if member_token is None:
        return NO_CASE
    await programmes.share_reference(connection)
    person_of = await persons.lock_persons(connection, [member_token])
    known_cases = await cases.load_known(connection, person_of)
    notice = _notice(case_id, next(case.evidence for case in known_cases if case.case_id == case_id), how, worker_id)
    if notice is None:
        return NOTHING_LOST
    await review(work, person_of, await members.save_loss_notice(connection, notice))
    return await _listed(connection, case_id)


async def retract(work: UnitOfWork, case_id: UUID, reason: str, retractor: Retractor) -> ListedCase | Refusal:
    """Take the last notice back: whoever is not told after all is on the list again. It stays on record."""
    connection = work.connection
    member_token = await cases.load_member_token(connection, case_id)
    if member_token is None:
        return NO_CASE
    await programmes.share_reference(connection)
    person_of = await persons.lock_persons(connection, [member_token])
    notice = await members.load_loss_notice(connection, case_id)
    if notice is None:
        return NOTHING_NOTED
    if not may_retract(retractor, notice, POLICY):
        return NOT_YOURS
    await members.retract_loss_notice(connection, notice, retractor.worker_id, reason)
    await review(work, person_of, notice.asked_at)
    return await _listed(connection, case_id)


async def _listed(connection: Connection, case_id: UUID) -> ListedCase:
    case = await worklist.load_case(connection, case_id)
    assert case is not None, "cases are never removed"
    return case


def _notice(case_id: UUID, evidence: Evidence, how: InformedBy, worker_id: str) -> LossNotice | None:
    """What is to be kept; None where nobody has to be told."""
    lost = appointments.lost(evidence, POLICY)
    if lost is None or Flag.LOST_NO_CALL not in decide(evidence, POLICY).flags:
        return None
    return LossNotice(lost.appointment.appointment_id, case_id, evidence.enrolment.tenant_id, how, worker_id)
