"""Looks at appointments: each is audited, and says of whom a death was reported."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from services.kit import audit
from services.kit.auth import Principal
from services.kit.next_page import Place
from services.kit.unit_of_work import UnitOfWork
from services.replicas.days import store as days
from services.scheduling.appointments import store
from services.scheduling.appointments.rules import Appointment, OverdueSearch
from services.scheduling.days.rules import Moment, hour_of


class Seen(NamedTuple):
    """Appointments that somebody looks at, those of them whose member was reported as dead, and for how many days each
    is overdue, if that was asked."""

    appointments: Sequence[Appointment]
    reported_dead: set[UUID]
    days_overdue: Sequence[int] = ()


async def record_look(work: UnitOfWork, principal: Principal, appointment_ids: Sequence[UUID]) -> None:
    """Put into the audit trail who looks at which appointments."""
    await audit.record(work, principal, "read", "appointment", appointment_ids)


async def read_one(work: UnitOfWork, principal: Principal, appointment_id: UUID) -> Seen:
    """One appointment, or none. The look is audited, also one for another plan's or another site's appointment."""
    await record_look(work, principal, [appointment_id])
    found = await store.load_appointment(work.connection, appointment_id)
    appointments = [] if found is None else [found]
    return Seen(appointments, await store.load_reported_dead(work.connection, appointments))


async def list_of_day(work: UnitOfWork, principal: Principal, site_id: str, on: date, after: Place, limit: int) -> Seen:
    """A day's appointments at a site, walk-ins too, in the order of their times."""
    return await _seen(work, principal, await store.list_appointments(work.connection, site_id, on, after, limit))


async def list_overdue(
    work: UnitOfWork, principal: Principal, clock: datetime, search: OverdueSearch, after: Place, limit: int
) -> Seen:
    """Bookings whose day is over for so many days at least without an outcome, oldest first."""
    today = await days.load_day(work.connection) or date.min
    hour = hour_of(Moment(clock, clock), today)
    found = await store.list_overdue(work.connection, today, hour, search, after, limit)
    seen = await _seen(work, principal, [overdue.appointment for overdue in found])
    return seen._replace(days_overdue=[overdue.days for overdue in found])


async def _seen(work: UnitOfWork, principal: Principal, appointments: Sequence[Appointment]) -> Seen:
    await record_look(work, principal, [appointment.appointment_id for appointment in appointments])
    return Seen(appointments, await store.load_reported_dead(work.connection, appointments))
