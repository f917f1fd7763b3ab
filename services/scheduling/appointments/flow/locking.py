"""What is locked and loaded before an appointment is decided on, in the one order: persons, appointments, blocks."""

from dataclasses import replace
from datetime import date
from typing import NamedTuple
from uuid import UUID

from services.kit.postgres import Connection
from services.replicas.days import store as days
from services.replicas.persons import store as persons
from services.replicas.programmes import store as programmes
from services.replicas.programmes.rules import Programme
from services.scheduling.appointments import store
from services.scheduling.appointments.rules import Appointment, MemberRef
from services.scheduling.blocks import store as blocks
from services.scheduling.blocks.rules import Slot
from services.scheduling.days.rules import Moment, SiteDay, is_far, site_day
from services.scheduling.members import store as members
from services.scheduling.members.rules import Enrolment, Person, choose_enrolment
from services.scheduling.refusals import RefusalCode
from services.scheduling.sites import store as sites


class LockedMember(NamedTuple):
    """The locked person, one of the enrolments with the surviving token, and the day and programme to decide by."""

    enrolment: Enrolment
    person: Person
    programme: Programme
    today: date


async def lock_member(connection: Connection, member: MemberRef, moment: Moment) -> LockedMember | RefusalCode:
    """Lock the person and read the enrolment again: eligibility's next answer waits for us, or we waited for it."""
    today = await days.load_day(connection)
    if today is None:
        return RefusalCode.DAY_NOT_OPEN
    if is_far(moment, today):
        return RefusalCode.FAR_INSTANT
    enrolments = await _lock_enrolments(connection, member.enrolment_id)
    enrolment = choose_enrolment(enrolments, member.programme_id)
    return enrolment if isinstance(enrolment, RefusalCode) else await _with_programme(connection, enrolment, today)


async def load_booked_member(connection: Connection, booked: Appointment, today: date) -> LockedMember | RefusalCode:
    """The same of somebody who is booked and locked. If the enrolment has become another person's, who has a booking of
    their own, this one can only end."""
    enrolments = await members.load_enrolments(connection, booked.enrolment_id)
    enrolment = choose_enrolment(enrolments, booked.programme_id)
    if isinstance(enrolment, RefusalCode):
        return enrolment
    member = await _with_programme(connection, enrolment, today)
    if isinstance(member, LockedMember) and booked.member_token not in member.person.member_tokens:
        return RefusalCode.ALREADY_BOOKED
    return member


async def _with_programme(connection: Connection, enrolment: Enrolment, today: date) -> LockedMember | RefusalCode:
    programme = await programmes.load_programme(connection, enrolment.programme_id)
    if programme is None:
        return RefusalCode.PROGRAMME_NOT_PUBLISHED
    person = await members.load_person(connection, enrolment.member_token, enrolment.death_reports_until)
    return LockedMember(enrolment, person, programme, today)


async def load_tokens(connection: Connection, enrolment_ids: list[UUID]) -> set[UUID]:
    """The members whose enrolments these are, and those whom live bookings of these enrolments are for."""
    own = await members.load_member_tokens(connection, enrolment_ids)
    return own | await store.load_booked_tokens(connection, enrolment_ids)


async def _lock_enrolments(connection: Connection, enrolment_id: UUID) -> list[Enrolment]:
    """The enrolment under each programme, with the surviving token of its member, who is locked."""
    tokens = await load_tokens(connection, [enrolment_id])
    person_of = await persons.lock_persons(connection, tokens)
    enrolments = await members.load_enrolments(connection, enrolment_id)
    if not {enrolment.member_token for enrolment in enrolments} <= tokens:  # it went to another person while we waited
        return await _lock_enrolments(connection, enrolment_id)
    return [replace(enrolment, member_token=person_of[enrolment.member_token]) for enrolment in enrolments]


async def lock_appointment(
    connection: Connection, appointment_id: UUID, moment: Moment
) -> tuple[date, Appointment | RefusalCode]:
    """The business day and the appointment, locked after its person and with the person's live bookings."""
    today = await days.load_day(connection)
    found = await store.load_appointment(connection, appointment_id)
    if today is None or found is None:
        return date.min, RefusalCode.UNKNOWN_APPOINTMENT
    if is_far(moment, today):
        return today, RefusalCode.FAR_INSTANT
    person_of = await persons.lock_persons(connection, [found.member_token])
    tokens = {found.member_token, *person_of.values()}
    locked = await store.lock_appointment(connection, appointment_id, tokens)
    return today, locked or RefusalCode.UNKNOWN_APPOINTMENT


async def lock_slot(connection: Connection, slot_id: UUID, also: UUID | None = None) -> Slot | RefusalCode:
    """The slot after its block (and another one, in the order of ids) was locked."""
    slot = await blocks.load_slot(connection, slot_id)
    if slot is None:
        is_held = await blocks.is_held_for_another(connection, slot_id)
        return RefusalCode.HELD if is_held else RefusalCode.UNKNOWN_SLOT
    await blocks.lock_blocks(connection, sorted({slot.block_id, also or slot.block_id}))
    return slot


async def load_site_day(connection: Connection, site_id: str, moment: Moment, today: date) -> SiteDay:
    """What day it is at the site of an appointment or a slot that was loaded."""
    return site_day(await sites.load_time_zone(connection, site_id), moment, today)
