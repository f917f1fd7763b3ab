"""What sites tell: doses given, and reports of a death. Load, decide, save, announce."""

from collections.abc import Sequence
from uuid import UUID

from schemas.scheduling_v1 import AppointmentChangedV1
from services.eligibility.clock import store as clock_store
from services.eligibility.decisions.flow import vital as vital_flow
from services.eligibility.decisions.flow.redecide import redecide
from services.eligibility.doses.flow.ledger import load_ledger, save_ledger
from services.eligibility.doses.reports import APPOINTMENT, Report
from services.eligibility.doses.store import doses as dose_store
from services.eligibility.people import flow as people_flow
from services.kit.ids import derived_id
from services.kit.unit_of_work import UnitOfWork


async def on_appointments(work: UnitOfWork, events: Sequence[AppointmentChangedV1]) -> None:
    """A dose given at a site is a report like another; an appointment entered in error takes it back. A visit that
    somebody cancelled because the member has died is a report of that."""
    today = (await clock_store.share_clock(work.connection)).business_on
    holders = await people_flow.lock_holders(work.connection, events)
    told = await vital_flow.keep_death_reports(work.connection, events, holders)
    said = [_appointment_report(event, holders.get(event.enrolment_id)) for event in events]
    tokens = {report.member_token for report in said if report.member_token is not None}
    known = await dose_store.load_reports_by_key(work.connection, {report.event_key for report in said}, (), ())
    ledger = await load_ledger(work.connection, tokens, known)
    for report in said:
        if not report.is_retracted or report.event_key in ledger.reports:
            ledger.take(report)
    await save_ledger(work, ledger, today)
    await redecide(work, ledger.touched() | told, today)


def _appointment_report(event: AppointmentChangedV1, member_token: UUID | None) -> Report:
    dose = event.dose
    return Report(
        report_id=derived_id("appointment-report", event.appointment_id),
        source=APPOINTMENT,
        event_key=f"appointment\x1f{event.appointment_id}",
        member_token=member_token,
        cvx=dose.cvx if dose else "",
        mvx=(dose.mvx or "") if dose else "",
        lot=dose.lot if dose else "",
        administered_on=dose.administered_on if dose else event.start_on,
        is_retracted=dose is None,
        appointment_id=event.appointment_id,
        appointment_version=event.version,
        tenant_id=event.tenant_id,
    )
