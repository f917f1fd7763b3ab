"""What is announced of an appointment: its state. Pure."""

from datetime import datetime

from schemas.scheduling_v1 import AppointmentChangedV1, AppointmentStatus
from services.scheduling.appointments.rules import Appointment


def appointment_changed(appointment: Appointment, occurred_at: datetime) -> AppointmentChangedV1:
    """The event that tells the appointment as it is now. Its dose is told while it is fulfilled: an appointment entered
    in error says nothing of one."""
    return AppointmentChangedV1(
        occurred_at=occurred_at,
        appointment_id=appointment.appointment_id,
        version=appointment.version,
        status=appointment.status,
        enrolment_id=appointment.enrolment_id,
        member_token=appointment.member_token,
        tenant_id=appointment.tenant_id,
        programme_id=appointment.programme_id,
        site_id=appointment.site_id,
        slot_id=appointment.slot_id,
        block_id=appointment.block_id,
        start_at=appointment.start_at,
        start_on=appointment.start_on,
        walk_in=appointment.walk_in,
        cancellation_reason=appointment.cancellation_reason,
        by_rule=appointment.by_rule,
        outcome_overdue=appointment.outcome_overdue,
        site_step=appointment.site_step,
        not_given_reason=appointment.not_given_reason,
        dose=appointment.dose if appointment.status is AppointmentStatus.FULFILLED else None,
        changed_on=appointment.changed_on,
    )
