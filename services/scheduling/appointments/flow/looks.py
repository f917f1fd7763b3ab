"""Looks at appointments: each is audited, and says of whom a death was reported."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import NamedTuple
from uuid import UUID

from services.kit import audit
from services.kit.auth import Principal
from services.kit.unit_of_work import UnitOfWork
from services.replicas.days import store as days
from services.scheduling.appointments import store
from services.scheduling.appointments.rules import Appointment


class Seen(NamedTuple):
    """Appointments that somebody looks at, those of them whose member was reported as dead, and the open day."""

    appointments: Sequence[Appointment]
    reported_dead: set[UUID]
    today: date


async def record_look(work: UnitOfWork, principal: Principal, appointment_ids: Sequence[UUID]) -> None:
    """Put into the audit trail who looks at which appointments."""
    await audit.record(work, principal, "read", "appointment", appointment_ids)


async def read_one(work: UnitOfWork, principal: Principal, appointment_id: UUID) -> Seen:
    """One appointment, or none. The look is audited, also one for another plan's or another site's appointment."""
    await record_look(work, principal, [appointment_id])
    found = await store.load_appointment(work.connection, appointment_id)
    appointments = [] if found is None else [found]
    return Seen(appointments, await store.load_reported_dead(work.connection, appointments), date.min)


async def list_of_day(work: UnitOfWork, principal: Principal, site_id: str, on: date, limit: int) -> Seen:
    """A day's appointments at a site, walk-ins too, in the order of their times."""
    return await _seen(work, principal, await store.list_appointments(work.connection, site_id, on, limit), date.min)


async def list_overdue(
    work: UnitOfWork, principal: Principal, site_id: str | None, least_days: int, limit: int
) -> Seen:
    """Bookings whose day is over for so many days at least without an outcome, oldest first."""
    today = await days.load_day(work.connection) or date.min + timedelta(days=least_days)
    found = await store.list_overdue(work.connection, today - timedelta(days=least_days), site_id, limit)
    return await _seen(work, principal, found, today)


async def _seen(work: UnitOfWork, principal: Principal, appointments: Sequence[Appointment], today: date) -> Seen:
    await record_look(work, principal, [appointment.appointment_id for appointment in appointments])
    return Seen(appointments, await store.load_reported_dead(work.connection, appointments), today)
