"""Looks of a site's desk: each is audited, and names nobody but on his day."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from schemas.member_contact_v1 import ContactDetails
from services.kit.auth import Principal
from services.kit.next_page import BEGINNING, Place
from services.kit.postgres import Connection
from services.kit.unit_of_work import UnitOfWork
from services.replicas.days import store as days
from services.scheduling.appointments import store as appointments
from services.scheduling.appointments.flow.looks import record_look
from services.scheduling.appointments.site_steps import AT_THE_SITE, SiteStep
from services.scheduling.days.rules import Moment, site_day
from services.scheduling.desk import rules, store
from services.scheduling.desk.rules import Expected, Said
from services.scheduling.desk.screening import Question, Reply
from services.scheduling.refusals import RefusalCode
from services.scheduling.sites import store as sites


class Seen(NamedTuple):
    """Whom the desk sees, and which of them were reported as dead."""

    expected: Sequence[Expected]
    reported_dead: set[UUID]


async def list_day(
    work: UnitOfWork, principal: Principal, clock: datetime, site_id: str, on: date, after: Place, limit: int
) -> Seen:
    """A day's appointments at a site, walk-ins too, in the order of their times; on the day itself with names."""
    expected = await store.list_day(work.connection, site_id, on, after, limit)
    return await _seen(work, principal, site_id, expected, clock)


async def find_by_code(
    work: UnitOfWork, principal: Principal, clock: datetime, site_id: str, booking_code: str
) -> Seen:
    """The live booking at the site that has this code, or none."""
    return await _seen(
        work, principal, site_id, await store.find_by_code(work.connection, site_id, booking_code), clock
    )


async def find_called(work: UnitOfWork, principal: Principal, clock: datetime, site_id: str, said: Said) -> Seen:
    """Today's live bookings at the site of whoever has this name and birth date."""
    own_on = await _own_day(work.connection, site_id, clock)
    expected = [] if own_on is None else await store.list_day(work.connection, site_id, own_on, BEGINNING)
    found = rules.called(said, await _with_details(work.connection, expected))
    return await _seen(work, principal, site_id, found, clock)


async def load_identity(work: UnitOfWork, clock: datetime, appointment_id: UUID) -> ContactDetails | None:
    """Who was checked in, to be compared with whoever stands there; nobody on another day, or once he has gone."""
    found = await appointments.load_appointment(work.connection, appointment_id)
    if found is None or found.site_step not in AT_THE_SITE:
        return None
    own_on = await _own_day(work.connection, found.site_id, clock)
    if own_on is None or not rules.is_named(found, own_on):
        return None
    return (await store.load_details(work.connection, {found.enrolment_id})).get(found.enrolment_id)


async def load_screening(
    work: UnitOfWork, principal: Principal, appointment_id: UUID
) -> Mapping[Question, Reply] | RefusalCode:
    """What somebody answered who was screened and of whom nothing has been said since; the look is audited."""
    await record_look(work, principal, [appointment_id])
    found = await appointments.load_appointment(work.connection, appointment_id)
    if found is None:
        return RefusalCode.UNKNOWN_APPOINTMENT
    answers = await store.load_screening(work.connection, appointment_id)
    return RefusalCode.NOT_ARRIVED if found.site_step is not SiteStep.SCREENED or answers is None else answers


async def _seen(
    work: UnitOfWork, principal: Principal, site_id: str, expected: Sequence[Expected], clock: datetime
) -> Seen:
    own_on = await _own_day(work.connection, site_id, clock)
    shown = [one for one in expected if own_on is not None and rules.is_named(one.appointment, own_on)]
    named = {one.appointment.appointment_id: one for one in await _with_details(work.connection, shown)}
    listed = [one.appointment for one in expected]
    await record_look(work, principal, [one.appointment_id for one in listed])
    reported_dead = await appointments.load_reported_dead(work.connection, listed)
    return Seen([named.get(one.appointment.appointment_id, one) for one in expected], reported_dead)


async def _with_details(connection: Connection, expected: Sequence[Expected]) -> list[Expected]:
    details = await store.load_details(connection, {one.appointment.enrolment_id for one in expected})
    return [replace(one, details=details.get(one.appointment.enrolment_id)) for one in expected]


async def _own_day(connection: Connection, site_id: str, clock: datetime) -> date | None:
    """What day it is at the site; None if there is none that is seen, or no day was opened."""
    today, site = await days.load_day(connection), await sites.load_site(connection, site_id)
    if today is None or site is None:
        return None
    return site_day(site.time_zone, Moment(clock, clock), today).own_on
