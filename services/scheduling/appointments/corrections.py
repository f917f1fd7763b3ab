"""What becomes of an appointment when something of its dose was recorded wrongly. Pure."""

from dataclasses import replace
from datetime import date

from schemas.scheduling_v1 import AppointmentStatus as Status
from services.scheduling.appointments.rules import Appointment
from services.scheduling.days.rules import SiteDay
from services.scheduling.doses.rules import (
    CORRECTION,
    DoseRecord,
    check_age,
    check_existed,
    check_product,
    check_visit,
    is_late,
)
from services.scheduling.refusals import RefusalCode
from services.scheduling.sites.rules import Site


def correct(
    appointment: Appointment, site: Site, record: DoseRecord, began_on: date, day: SiteDay
) -> Appointment | RefusalCode:
    """The same appointment with another dose: product, lot, day, route or site of the body. It asks of the dose what
    was asked at first, but why it is told so late."""
    if appointment.status is not Status.FULFILLED or appointment.dose is None:
        return RefusalCode.NOT_FULFILLED
    late_reason = record.late_reason or appointment.late_reason
    if refusal := _check(appointment, site, record._replace(late_reason=late_reason or CORRECTION), began_on, day):
        return refusal
    if _said(record) == _said(DoseRecord(appointment.dose, None, appointment.dose_route, appointment.dose_body_site)):
        return RefusalCode.SAME_DOSE
    after = replace(appointment, dose=record.dose, dose_route=record.route, dose_body_site=record.body_site)
    given_on = record.dose.administered_on
    if late_reason is None and is_late(given_on, day.own_on) and given_on != appointment.dose.administered_on:
        late_reason = CORRECTION
    if appointment.walk_in and given_on != appointment.start_on:
        after = replace(after, start_at=site.noon(given_on), start_on=given_on)
    return replace(
        after, version=appointment.version + 1, late_reason=late_reason, changed_on=day.business_on, by_rule=False,
        dose_corrections=appointment.dose_corrections + 1,
    )  # fmt: skip


def _check(
    appointment: Appointment, site: Site, record: DoseRecord, began_on: date, day: SiteDay
) -> RefusalCode | None:
    dose, late_reason = record.dose, record.late_reason
    if refusal := check_product(site.gives, appointment.vaccine_group, dose, day) or check_existed(dose):
        return refusal
    if appointment.walk_in:
        if appointment.dose is not None and dose.administered_on == appointment.dose.administered_on:
            return None
        return check_age(dose.administered_on, began_on, day.own_on, late_reason)
    return check_visit(appointment.start_on, appointment.start_at, dose.administered_on, day)


def _said(record: DoseRecord) -> tuple[object, ...]:
    return *record.dose.model_dump().items(), record.route, record.body_site
