"""What a worker's word about a member does here: a report of a death pauses the person."""

from collections.abc import Sequence

from schemas.outreach_v1 import ContactAttemptLoggedV1, ContactAttemptRetractedV1, Disposition
from services.kit.unit_of_work import UnitOfWork
from services.replicas.persons import store as persons
from services.scheduling.members import store
from services.scheduling.members.rules import DeathReport


async def on_contact_attempt(
    work: UnitOfWork, events: Sequence[ContactAttemptLoggedV1 | ContactAttemptRetractedV1]
) -> None:
    """A worker's report of a death pauses the person at once; that it was an error, or eligibility's answer, ends the
    pause. Bookings stay meanwhile."""
    reports = [report for event in events if (report := _report(event)) is not None]
    await persons.lock_persons(work.connection, {report.member_token for report in reports})
    for retracted in (False, True):
        of_one_kind = {report.report_id: report for report in reports if report.retracted is retracted}
        await store.save_death_reports(work.connection, list(of_one_kind.values()))


def _report(event: ContactAttemptLoggedV1 | ContactAttemptRetractedV1) -> DeathReport | None:
    """What the attempt says of a death; None if it says nothing."""
    if isinstance(event, ContactAttemptRetractedV1):
        return DeathReport(event.attempt_id, event.member_token, None, retracted=True)
    if event.disposition is not Disposition.DECEASED:
        return None
    return DeathReport(event.attempt_id, event.member_token, event.occurred_at, retracted=False)
