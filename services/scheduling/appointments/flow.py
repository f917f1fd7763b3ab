"""What a request may do to an appointment: lock, load, decide, save, announce. Refusals are values."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from schemas.scheduling_v1 import DoseGiven
from services.kit.ids import new_id
from services.kit.unit_of_work import UnitOfWork
from services.scheduling.appointments import events as facts
from services.scheduling.appointments import rules as domain
from services.scheduling.appointments import seats, store
from services.scheduling.appointments.rules import Appointment, Cancellation, Change, Enrolment, Programme, Slot
from services.scheduling.appointments.seats import Seeker
from services.scheduling.blocks import store as places
from services.scheduling.days import rules as sense
from services.scheduling.days.rules import Moment
from services.scheduling.members import store as heard
from services.scheduling.members.store import DeathReport, Person
from services.scheduling.refusals import No


@dataclass(frozen=True, slots=True)
class Refused:
    """A refusal, with the appointment that stands in the way where there is one to be named, and with eligibility's
    reasons where the member is not eligible."""

    no: No
    appointment_id: UUID | None = None
    reasons: tuple[str, ...] = ()


Outcome = Appointment | Refused
Rule = Callable[[Appointment, date, datetime | None], Appointment | No]
"""What becomes of an appointment on the open day, at the hour where one is known."""


class Asked(NamedTuple):
    """Who is to be booked: an enrolment, under its programme if it has several."""

    enrolment_id: UUID
    programme_id: str | None


class Shot(NamedTuple):
    """A dose that was given, and why it is recorded so late, if it is."""

    dose: DoseGiven
    late_reason: str | None = None


class Known(NamedTuple):
    """The locked person, one of the enrolments with the surviving token, and the day and programme to decide by."""

    enrolment: Enrolment
    person: Person
    programme: Programme
    today: date


async def book(work: UnitOfWork, asked: Asked, slot_id: UUID, moment: Moment) -> Outcome:
    """A place in the slot for this member, or the reason why not."""
    known = await _know(work, asked, moment)
    if isinstance(known, No):
        return Refused(known)
    own = await _live_booking(work, known.enrolment)
    slot = await _lock_slot(work, slot_id)
    if isinstance(slot, No):
        return Refused(slot)
    if refused := _may_not_take(known, slot, moment):
        return refused
    return Refused(No.ALREADY_BOOKED, own.appointment_id) if own else await _take(work, known, slot, moment.at)


def _may_not_take(known: Known, slot: Slot, moment: Moment) -> Refused | None:
    """The one question before every seat, a new one or another."""
    seeker = Seeker(known.enrolment, known.programme.vaccine_group, known.person.is_reported)
    no = seats.may_take(seeker, slot, known.today, sense.hour(moment, known.today))
    return None if no is None else Refused(no, reasons=known.enrolment.reasons if no in seats.OF_THE_MEMBER else ())


async def _take(work: UnitOfWork, known: Known, slot: Slot, at: datetime) -> Outcome:
    place = await places.find_place(work.connection, slot.slot_id)
    if place is None:
        return Refused(No.FULL)
    new = domain.book(new_id(), known.enrolment, slot, known.today)
    booked = await store.insert_appointment(work.connection, new)
    if booked is None:  # through another plan, whose appointments this tenant does not see
        return Refused(No.ALREADY_BOOKED)
    await places.take_place(work.connection, slot.slot_id, place, booked.appointment_id)
    await announce(work, [(None, booked)], known.today, at)
    return booked


async def reschedule(work: UnitOfWork, appointment_id: UUID, slot_id: UUID, moment: Moment) -> Outcome:
    """The old place is given up only with the new one in hand, and the new one asks what a booking asks."""
    today, before = await _lock(work, appointment_id, moment)
    if isinstance(before, No):
        return Refused(before)
    known = await _know_booked(work, before, today)
    if isinstance(known, No):
        return Refused(known)
    slot = await _lock_slot(work, slot_id, before.block_id)
    if isinstance(slot, No):
        return Refused(slot)
    after = domain.reschedule(before, slot, today)
    if isinstance(after, No):
        return Refused(after)
    if refused := _may_not_take(known, slot, moment):
        return refused
    return await _move(work, before, after, today, moment.at)


async def _move(work: UnitOfWork, before: Appointment, after: Appointment, today: date, at: datetime) -> Outcome:
    assert after.slot_id is not None, "only walk-ins have no slot, and they never move"
    place = await places.find_place(work.connection, after.slot_id)
    if place is None:
        return Refused(No.FULL)
    await places.free_places(work.connection, [after.appointment_id])
    await store.save_appointments(work.connection, [after])
    await places.take_place(work.connection, after.slot_id, place, after.appointment_id)
    await announce(work, [(before, after)], today, at)
    return after


async def change(work: UnitOfWork, appointment_id: UUID, rule: Rule, moment: Moment) -> Outcome:
    """Cancel, miss or retract one appointment, as the rule says."""
    today, before = await _lock(work, appointment_id, moment)
    after = before if isinstance(before, No) else rule(before, today, sense.hour(moment, today))
    if isinstance(before, No) or isinstance(after, No):
        return Refused(after if isinstance(after, No) else No.UNKNOWN_APPOINTMENT)
    if after.cancellation_reason == Cancellation.PAT_DEC:
        report = DeathReport(appointment_id, after.member_token, moment.at, retracted=False)
        await heard.save_death_reports(work.connection, [report])
    await save(work, [(before, after)], today, moment.at)
    return after


async def fulfil(work: UnitOfWork, appointment_id: UUID, shot: Shot, moment: Moment) -> Outcome:
    """The dose was given; the person's other bookings whose need it met are over."""
    today, before = await _lock(work, appointment_id, moment)
    if isinstance(before, No):
        return Refused(before)
    site = await places.load_site(work.connection, before.site_id)
    assert site is not None, "an appointment's site is never removed, and seen by whoever sees the appointment"
    after = domain.fulfil(before, site, shot.dose, today, sense.hour(moment, today), shot.late_reason)
    if isinstance(after, No):
        return Refused(after)
    person = await heard.load_person(work.connection, before.member_token)
    if twice := await _recorded(work, person, after):
        return twice
    others = domain.overtaken(await store.load_persons_live(work.connection, before.member_token), after, today)
    await save(work, [(before, after), *others], today, moment.at)
    return after


async def walk_in(work: UnitOfWork, asked: Asked, site_id: str, shot: Shot, moment: Moment) -> Outcome:
    """Somebody without an appointment has had the dose: recorded also when every place is taken."""
    known = await _know(work, asked, moment)
    if isinstance(known, No):
        return Refused(known)
    enrolment, person, programme, today = known
    site = await places.load_site(work.connection, site_id)
    if site is None:
        return Refused(No.UNKNOWN_SITE)
    given = domain.walk_in(new_id(), enrolment, site, shot.dose, programme, today, shot.late_reason)
    if isinstance(given, No):
        return Refused(given)
    if twice := await _recorded(work, person, given):
        return twice
    others = domain.overtaken(await store.load_persons_live(work.connection, enrolment.member_token), given, today)
    stored = await store.insert_appointment(work.connection, given)
    assert stored is not None, "only live bookings exclude each other"
    await save(work, others, today, moment.at)
    await announce(work, [(None, stored)], today, moment.at)
    return stored


async def _recorded(work: UnitOfWork, person: Person, given: Appointment) -> Refused | None:
    """The same dose, recorded before: nobody has two of one vaccine on one day."""
    assert given.dose is not None
    on = given.dose.administered_on
    found = await store.find_given(work.connection, person.tokens, given.vaccine_group, on)
    if found is None:
        return None
    appointment_id, is_seen = found
    return Refused(No.ALREADY_RECORDED, appointment_id if is_seen else None)


async def save(work: UnitOfWork, changed: Sequence[Change], today: date, at: datetime) -> None:
    """Store what became of locked appointments, free the places that they gave up, and announce it."""
    if not changed:
        return
    freed = [after.appointment_id for before, after in changed if before.holds_place and not after.holds_place]
    await places.lock_blocks(work.connection, sorted({a.block_id for _, a in changed if a.block_id is not None}))
    await places.free_places(work.connection, freed)
    await store.save_appointments(work.connection, [after for _, after in changed])
    await announce(work, changed, today, at)


async def announce(
    work: UnitOfWork, changed: Sequence[tuple[Appointment | None, Appointment]], today: date, at: datetime
) -> None:
    """Count the blocks anew, and tell of the appointments and of the blocks."""
    pools = await places.change_pools(work.connection, domain.pool_changes(changed), today)
    news = [facts.appointment_changed(after, at) for _, after in changed]
    await work.announce([*news, *(facts.pool_changed(pool, at) for pool in pools)])


async def _know(work: UnitOfWork, asked: Asked, moment: Moment) -> Known | No:
    """Lock the person and read the enrolment again: eligibility's next fact waits for us, or we have waited for it."""
    today = await heard.load_day(work.connection)
    if today is None:
        return No.DAY_NOT_OPEN
    if sense.is_far(moment, today):
        return No.FAR_INSTANT
    enrolments = await _lock_enrolments(work, asked.enrolment_id)
    enrolment = seats.choose(enrolments, asked.programme_id)
    return enrolment if isinstance(enrolment, No) else await _with_programme(work, enrolment, today)


async def _know_booked(work: UnitOfWork, booked: Appointment, today: date) -> Known | No:
    """The same of somebody who is booked and locked. If the enrolment has become another person's, who has a booking of
    their own, this one can only end."""
    found = await heard.load_enrolments(work.connection, booked.enrolment_id)
    enrolment = seats.choose(found, booked.programme_id)
    if isinstance(enrolment, No):
        return enrolment
    known = await _with_programme(work, enrolment, today)
    if isinstance(known, Known) and booked.member_token not in known.person.tokens:
        return No.ALREADY_BOOKED
    return known


async def _with_programme(work: UnitOfWork, enrolment: Enrolment, today: date) -> Known | No:
    programme = await heard.load_programme(work.connection, enrolment.programme_id)
    if programme is None:
        return No.UNKNOWN_PROGRAMME
    person = await heard.load_person(work.connection, enrolment.member_token, enrolment.death_reports_until)
    return Known(enrolment, person, programme, today)


async def _lock_enrolments(work: UnitOfWork, enrolment_id: UUID) -> list[Enrolment]:
    """The enrolment under each programme, with the surviving token of its member, who is locked."""
    tokens = await heard.load_tokens(work.connection, [enrolment_id])
    survivors = await heard.lock_persons(work.connection, tokens)
    found = await heard.load_enrolments(work.connection, enrolment_id)
    if not {one.member_token for one in found} <= tokens:  # it went to somebody else while we waited
        return await _lock_enrolments(work, enrolment_id)
    return [replace(one, member_token=survivors.get(one.member_token, one.member_token)) for one in found]


async def _lock(work: UnitOfWork, appointment_id: UUID, moment: Moment) -> tuple[date, Appointment | No]:
    """The business day and the appointment, locked after its person and with the person's live bookings."""
    today = await heard.load_day(work.connection)
    found = await store.load_appointment(work.connection, appointment_id)
    if today is None or found is None:
        return date.min, No.UNKNOWN_APPOINTMENT
    if sense.is_far(moment, today):
        return today, No.FAR_INSTANT
    survivors = await heard.lock_persons(work.connection, [found.member_token])
    tokens = {found.member_token, *survivors.values()}
    locked = await store.lock_appointment(work.connection, appointment_id, tokens)
    return today, locked or No.UNKNOWN_APPOINTMENT


async def _lock_slot(work: UnitOfWork, slot_id: UUID, also: UUID | None = None) -> Slot | No:
    """The slot after its block (and another's, in the order of ids) was locked."""
    slot = await places.load_slot(work.connection, slot_id)
    if slot is None:
        held = await places.is_held_for_another(work.connection, slot_id)
        return No.HELD if held else No.UNKNOWN_SLOT
    await places.lock_blocks(work.connection, sorted({slot.block_id, also or slot.block_id}))
    return slot


async def _live_booking(work: UnitOfWork, enrolment: Enrolment) -> Appointment | None:
    """The person's own, under the programme, as far as the tenant sees it."""
    live = await store.load_persons_live(work.connection, enrolment.member_token)
    return next((one for one in live if one.programme_id == enrolment.programme_id), None)
