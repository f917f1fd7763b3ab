"""A dose was given, at an appointment or to somebody who came without one: lock, load, decide, save, announce."""

from collections.abc import Iterable
from datetime import date
from uuid import UUID

from services.kit.ids import new_id
from services.kit.unit_of_work import UnitOfWork
from services.replicas.programmes import store as programmes
from services.scheduling.appointments import corrections, rules, store
from services.scheduling.appointments.flow.bookings import Outcome, announce, save
from services.scheduling.appointments.flow.locking import lock_appointment, lock_member
from services.scheduling.appointments.rules import Appointment, Change, MemberRef
from services.scheduling.blocks import store as blocks
from services.scheduling.days.rules import Moment, site_day
from services.scheduling.doses.rules import DoseRecord
from services.scheduling.members import store as members
from services.scheduling.refusals import RefusalCode, Refused
from services.scheduling.sites import store as sites
from services.scheduling.sites.rules import Site


async def fulfil(work: UnitOfWork, appointment_id: UUID, record: DoseRecord, moment: Moment) -> Outcome:
    """The dose was given; the person's other bookings whose need it met are over."""
    today, before = await lock_appointment(work.connection, appointment_id, moment)
    if isinstance(before, RefusalCode):
        return Refused(before)
    site = await sites.load_site(work.connection, before.site_id)
    assert site is not None, "an appointment's site is never removed, and seen by whoever sees the appointment"
    day = site_day(site.time_zone, moment, today)
    after = rules.fulfil(before, await _with_booked_product(work, site, before), record, day)
    if isinstance(after, RefusalCode):
        return Refused(after)
    person = await members.load_person(work.connection, before.member_token)
    if refused := await _already_recorded(work, person.member_tokens, after):
        return refused
    await save(work, [(before, after), *await _overtaken(work, person.member_tokens, after, today)], today, moment.at)
    return after


async def correct_dose(work: UnitOfWork, appointment_id: UUID, record: DoseRecord, moment: Moment) -> Outcome:
    """Something of the dose was recorded wrongly: the appointment stands with the true one, which is told in its place,
    and ends what bookings it ends."""
    today, before = await lock_appointment(work.connection, appointment_id, moment)
    if isinstance(before, RefusalCode):
        return Refused(before)
    site = await sites.load_site(work.connection, before.site_id)
    programme = await programmes.load_programme(work.connection, before.programme_id)
    assert site is not None, "an appointment's site is never removed, and seen by whoever sees the appointment"
    assert programme is not None, "a programme is never removed"
    day = site_day(site.time_zone, moment, today)
    gave = await _with_booked_product(work, site, before)
    if before.dose is not None:
        gave = gave.giving(before.dose.cvx, before.vaccine_group)
    after = corrections.correct(before, gave, record, programme.began_on, day)
    if isinstance(after, RefusalCode):
        return Refused(after)
    person = await members.load_person(work.connection, before.member_token)
    is_moved = record.dose.administered_on != _given_on(before)
    if is_moved and (refused := await _already_recorded(work, person.member_tokens, after)):
        return refused
    await save(work, [(before, after), *await _overtaken(work, person.member_tokens, after, today)], today, moment.at)
    return after


def _given_on(appointment: Appointment) -> date | None:
    return None if appointment.dose is None else appointment.dose.administered_on


async def _with_booked_product(work: UnitOfWork, site: Site, booked: Appointment) -> Site:
    """The site as it was promised to the member: a product withdrawn since was given to who came for it before."""
    slot = await blocks.load_slot(work.connection, booked.slot_id) if booked.slot_id is not None else None
    return site if slot is None else site.giving(slot.cvx, slot.vaccine_group)


async def walk_in(work: UnitOfWork, member: MemberRef, site_id: str, record: DoseRecord, moment: Moment) -> Outcome:
    """Somebody without an appointment has had the dose: recorded also when every place is taken."""
    locked = await lock_member(work.connection, member, moment)
    if isinstance(locked, RefusalCode):
        return Refused(locked)
    enrolment, person, programme, today = locked
    site = await sites.load_site(work.connection, site_id)
    if site is None:
        return Refused(RefusalCode.UNKNOWN_SITE)
    given = rules.walk_in(new_id(), enrolment, site, record, programme, site_day(site.time_zone, moment, today))
    if isinstance(given, RefusalCode):
        return Refused(given)
    if refused := await _already_recorded(work, person.member_tokens, given):
        return refused
    overtaken = await _overtaken(work, person.member_tokens, given, today)
    stored = await store.insert_appointment(work.connection, given)
    assert stored is not None, "only live bookings exclude each other"
    await save(work, overtaken, today, moment.at)
    await announce(work, [(None, stored)], today, moment.at)
    return stored


async def _overtaken(work: UnitOfWork, tokens: Iterable[UUID], fulfilled: Appointment, today: date) -> list[Change]:
    """What becomes of the other live bookings, under whichever token, of the person whose need the dose met."""
    live = await store.lock_persons_bookings(work.connection, tokens)
    return rules.overtaken(live, fulfilled, today)


async def _already_recorded(work: UnitOfWork, tokens: Iterable[UUID], given: Appointment) -> Refused | None:
    """The same dose, recorded before: nobody has two of one vaccine on one day."""
    assert given.dose is not None
    given_on = given.dose.administered_on
    found = await store.find_given(work.connection, tokens, given.vaccine_group, given_on)
    if found is None:
        return None
    appointment_id, is_seen = found
    return Refused(RefusalCode.ALREADY_RECORDED, appointment_id if is_seen else None)
