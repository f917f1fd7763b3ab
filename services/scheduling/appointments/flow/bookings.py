"""An appointment is booked, moved, cancelled: lock, load, decide, save, announce. Refusals are values."""

import secrets
from collections.abc import Callable, Sequence
from datetime import date, datetime
from uuid import UUID

from schemas.scheduling_v1 import AppointmentStatus
from services.kit.ids import new_id
from services.kit.unit_of_work import UnitOfWork
from services.replicas.persons import store as persons
from services.scheduling.appointments import codes, rules, seats, store
from services.scheduling.appointments.cancellation import Cancellation
from services.scheduling.appointments.events import appointment_changed
from services.scheduling.appointments.flow.locking import (
    LockedMember,
    load_booked_member,
    load_site_day,
    lock_appointment,
    lock_member,
    lock_slot,
)
from services.scheduling.appointments.rules import Appointment, Change, MemberRef
from services.scheduling.appointments.seats import Seeker
from services.scheduling.blocks import store as blocks
from services.scheduling.blocks.events import slot_pool_changed
from services.scheduling.blocks.rules import Slot
from services.scheduling.days.rules import Moment, SiteDay
from services.scheduling.members import store as members
from services.scheduling.members.rules import DeathReport
from services.scheduling.refusals import RefusalCode, Refused

Outcome = Appointment | Refused
Rule = Callable[[Appointment, SiteDay], Appointment | RefusalCode]
"""What becomes of an appointment on this day."""
CODES_DRAWN = 5
"""How often a code is drawn at most: again if a live booking has it already."""


async def book(work: UnitOfWork, member: MemberRef, slot_id: UUID, moment: Moment) -> Outcome:
    """A place in the slot for this member, or the reason why not."""
    locked = await lock_member(work.connection, member, moment)
    if isinstance(locked, RefusalCode):
        return Refused(locked)
    await store.lock_persons_bookings(work.connection, [locked.enrolment.member_token])
    booked = await _already_booked(work, locked)  # before others have to wait for the block
    slot = await lock_slot(work.connection, slot_id)
    if isinstance(slot, RefusalCode):
        return Refused(slot)
    if refused := _may_not_take(locked, slot, moment):
        return refused
    return booked or await _take(work, locked, slot, moment)


def _may_not_take(member: LockedMember, slot: Slot, moment: Moment) -> Refused | None:
    """The one question before every seat, a new one or another."""
    seeker = Seeker(member.enrolment, member.programme.vaccine_group, member.person.is_reported_dead)
    refusal = seats.may_take(seeker, slot, member.today, moment)
    if refusal is None:
        return None
    return Refused(refusal, reasons=member.enrolment.reasons if refusal in seats.OF_THE_MEMBER else ())


async def _already_booked(work: UnitOfWork, member: LockedMember, but: UUID | None = None) -> Refused | None:
    """One live booking of a person for a vaccine, over all plans and programmes, beside the one that is to be moved; it
    is named where it is one's own."""
    vaccine, programme_id = member.programme.vaccine_group, member.programme.programme_id
    found = await store.find_live(work.connection, member.person.member_tokens, vaccine, programme_id, but)
    if found is None:
        return None
    appointment_id, is_seen = found
    return Refused(RefusalCode.ALREADY_BOOKED, appointment_id if is_seen else None)


async def _take(work: UnitOfWork, member: LockedMember, slot: Slot, moment: Moment) -> Outcome:
    """A new booking in a free place of the locked slot."""
    place = await blocks.find_place(work.connection, slot.slot_id)
    if place is None:
        return Refused(RefusalCode.FULL)
    day = await load_site_day(work.connection, slot.site_id, moment, member.today)
    booked = await _insert(work, member, slot, day)
    await blocks.take_place(work.connection, slot.slot_id, place, booked.appointment_id)
    await announce(work, [(None, booked)], member.today, moment.at)
    return booked


async def _insert(work: UnitOfWork, member: LockedMember, slot: Slot, day: SiteDay) -> Appointment:
    """The booking under a code that no live booking has."""
    for _ in range(CODES_DRAWN):
        code = codes.spell(secrets.randbits(codes.BITS))
        new = rules.book(new_id(), member.enrolment, slot, day, code)
        if (booked := await store.insert_appointment(work.connection, new)) is not None:
            return booked
    raise AssertionError("codes are many, and live bookings few")


async def reschedule(work: UnitOfWork, appointment_id: UUID, slot_id: UUID, moment: Moment) -> Outcome:
    """The old place is given up only with the new one in hand, and the new one asks what a booking asks."""
    today, before = await lock_appointment(work.connection, appointment_id, moment)
    if isinstance(before, RefusalCode):
        return Refused(before)
    member = await load_booked_member(work.connection, before, today)
    if isinstance(member, RefusalCode):
        return Refused(member)
    slot = await lock_slot(work.connection, slot_id, before.block_id)
    if isinstance(slot, RefusalCode):
        return Refused(slot)
    after = rules.reschedule(before, slot, today)
    if isinstance(after, RefusalCode):
        return Refused(after)
    if refused := _may_not_take(member, slot, moment) or await _already_booked(work, member, appointment_id):
        return refused
    return await _move(work, before, after, today, moment.at)


async def _move(work: UnitOfWork, before: Appointment, after: Appointment, today: date, at: datetime) -> Outcome:
    """The booking in a free place of its new, locked slot."""
    assert after.slot_id is not None, "only walk-ins have no slot, and they never move"
    place = await blocks.find_place(work.connection, after.slot_id)
    if place is None:
        return Refused(RefusalCode.FULL)
    await blocks.free_places(work.connection, [after.appointment_id])
    await store.save_appointments(work.connection, [after])
    await blocks.take_place(work.connection, after.slot_id, place, after.appointment_id)
    await announce(work, [(before, after)], today, at)
    return after


async def cancel(work: UnitOfWork, appointment_id: UUID, reason: Cancellation, moment: Moment) -> Outcome:
    """End a live booking and free its place; because the member died (`pat-dec`) is a report of the death, too."""

    def rule(booking: Appointment, day: SiteDay) -> Appointment | RefusalCode:
        return rules.cancel(booking, reason, day)

    outcome = await change(work, appointment_id, rule, moment)
    if isinstance(outcome, Appointment) and reason is Cancellation.PAT_DEC:
        report = DeathReport(appointment_id, outcome.member_token, moment.at, retracted=False)
        await members.save_death_reports(work.connection, [report])
    return outcome


async def miss(
    work: UnitOfWork, appointment_id: UUID, moment: Moment, escalate_days: int, is_staff_at: Callable[[str], bool]
) -> Outcome:
    """Nobody came: the staff of the appointment's site say so, somebody else once the outcome is escalated."""

    def rule(booking: Appointment, day: SiteDay) -> Appointment | RefusalCode:
        may_tell = is_staff_at(booking.site_id) or rules.is_escalated(booking, day, escalate_days)
        return rules.miss(booking, day) if may_tell else RefusalCode.SITE_FIRST

    return await change(work, appointment_id, rule, moment)


async def retract(
    work: UnitOfWork, appointment_id: UUID, moment: Moment, is_staff_at: Callable[[str], bool]
) -> Outcome:
    """The appointment should never have been recorded, nor a dose with it, says its site; a cancellation was a mistake,
    says whoever may cancel. If it reported a death, that is taken back."""

    def rule(before: Appointment, day: SiteDay) -> Appointment | RefusalCode:
        is_cancelled = before.status is AppointmentStatus.CANCELLED and before.site_step is None
        is_the_sites = not is_cancelled and before.status is not AppointmentStatus.ENTERED_IN_ERROR
        may_tell = not is_the_sites or is_staff_at(before.site_id)
        return rules.retract(before, day.business_on) if may_tell else RefusalCode.SITE_FIRST

    outcome = await change(work, appointment_id, rule, moment)
    if isinstance(outcome, Appointment):
        await members.retract_death_report(work.connection, appointment_id)
    return outcome


async def change(work: UnitOfWork, appointment_id: UUID, rule: Rule, moment: Moment) -> Outcome:
    """What becomes of one appointment as the rule says."""
    today, before = await lock_appointment(work.connection, appointment_id, moment)
    if isinstance(before, RefusalCode):
        return Refused(before)
    after = rule(before, await load_site_day(work.connection, before.site_id, moment, today))
    if isinstance(after, RefusalCode):
        return Refused(after)
    await save(work, [(before, after)], today, moment.at)
    return after


async def tell_overdue(work: UnitOfWork, today: date, began_at: datetime, at: datetime) -> None:
    """Tell once of each booking whose day is over that its outcome is missing. At a site further west than where the
    business day began, the same day goes on."""
    overdue = await store.load_overdue_persons(work.connection, today, began_at)
    person_of = await persons.lock_persons(work.connection, overdue)
    due = await store.lock_overdue(work.connection, today, began_at, overdue | set(person_of.values()))
    await save(work, [(booking, rules.fall_due(booking, today)) for booking in due], today, at)


async def save(work: UnitOfWork, changed: Sequence[Change], today: date, at: datetime) -> None:
    """Store what became of locked appointments, free the places that they gave up, and announce it."""
    if not changed:
        return
    freed = [after.appointment_id for before, after in changed if before.holds_place and not after.holds_place]
    in_blocks = {after.block_id for _, after in changed if after.block_id is not None}
    await blocks.lock_blocks(work.connection, sorted(in_blocks))
    await blocks.free_places(work.connection, freed)
    await store.save_appointments(work.connection, [after for _, after in changed])
    await announce(work, changed, today, at)


async def announce(
    work: UnitOfWork, changed: Sequence[tuple[Appointment | None, Appointment]], today: date, at: datetime
) -> None:
    """Count the blocks anew, and tell of the appointments and of the blocks."""
    counted = await blocks.change_counts(work.connection, rules.count_changes(changed), today)
    told = [appointment_changed(after, at) for _, after in changed]
    await work.announce([*told, *(slot_pool_changed(block, at) for block in counted)])
