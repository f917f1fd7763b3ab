"""What scheduling announces: the state of an appointment and of a block, as events."""

from datetime import datetime

from schemas.scheduling_v1 import AppointmentChangedV1, AppointmentStatus, SlotPoolChangedV1
from services.scheduling.appointments.rules import Appointment, Pool


def appointment_changed(appointment: Appointment, occurred_at: datetime) -> AppointmentChangedV1:
    """The dose is told while it holds: an appointment entered in error says nothing of one."""
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
        dose=appointment.dose if appointment.status is AppointmentStatus.FULFILLED else None,
        changed_on=appointment.changed_on,
    )


def pool_changed(pool: Pool, occurred_at: datetime) -> SlotPoolChangedV1:
    return SlotPoolChangedV1(
        occurred_at=occurred_at,
        block_id=pool.block_id,
        version=pool.version,
        site_id=pool.site_id,
        site_zip5=pool.zip5,
        week_on=pool.week_on,
        tenant_id=pool.held_for,
        cvx=pool.cvx,
        vaccine_group=pool.vaccine_group,
        capacity=pool.capacity,
        booked=pool.booked,
        fulfilled=pool.fulfilled,
        released=pool.released,
        changed_on=pool.changed_on,
    )
