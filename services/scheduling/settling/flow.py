"""What the news of others does here. Everything is stored first; then the live bookings of the members concerned are
settled by all that is stored, so that the order in which topics arrive does not matter."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime, time
from operator import attrgetter
from uuid import UUID
from zoneinfo import ZoneInfo

from schemas.eligibility_v1 import (
    BusinessDayOpenedV1,
    DoseAction,
    DoseAdministeredV1,
    MemberEligibilityDecidedV1,
    MembersMergedV1,
    ProgrammePublishedV1,
)
from schemas.envelope import Event
from services.kit.unit_of_work import UnitOfWork
from services.replicas.days import store as days
from services.replicas.persons import flow as persons_flow
from services.replicas.persons import store as persons
from services.replicas.persons.rules import merges_in
from services.replicas.programmes import flow as programmes_flow
from services.replicas.programmes import store as programmes
from services.scheduling.appointments import store as bookings
from services.scheduling.appointments.flow import bookings as appointments
from services.scheduling.appointments.flow.locking import load_tokens
from services.scheduling.blocks.flow import blocks
from services.scheduling.doses import store as doses
from services.scheduling.doses.rules import Dose
from services.scheduling.members import store as members
from services.scheduling.members.rules import newest_enrolments
from services.scheduling.settling.rules import settle
from services.scheduling.settling.store import WAITING_MEMBERS


async def on_member_eligibility(
    work: UnitOfWork, events: Sequence[MemberEligibilityDecidedV1 | MembersMergedV1]
) -> None:
    """Keep eligibility's newest answer for each enrolment, and who turned out to be whom."""
    await programmes.share_reference(work.connection)
    decided = [event for event in events if isinstance(event, MemberEligibilityDecidedV1)]
    merges = merges_in(events)
    enrolments = newest_enrolments(decided)
    tokens = {event.member_token for event in decided} | {
        member_token for merge in merges for member_token in merge.tokens
    }
    tokens |= await load_tokens(work.connection, [enrolment.enrolment_id for enrolment in enrolments])
    person_of = await persons.lock_persons(work.connection, tokens)
    tokens |= set(person_of.values())
    await persons_flow.merge(work.connection, person_of, merges)
    changed = await members.save_enrolments(work.connection, enrolments)
    await settle_bookings(work, tokens, changed, _latest(events))


async def on_dose_administered(work: UnitOfWork, events: Sequence[DoseAdministeredV1]) -> None:
    """Keep each dose's newest version; a dose from any source ends the live booking that it makes needless."""
    await programmes.share_reference(work.connection)
    newest = {event.dose_id: _dose(event) for event in sorted(events, key=lambda event: event.version)}
    told = [newest[dose_id] for dose_id in sorted(newest)]
    person_of = await persons.lock_persons(work.connection, {dose.member_token for dose in told})
    ours = [dose.appointment_id for dose in told if dose.appointment_id is not None]
    booking_no = await bookings.load_numbers(work.connection, ours) if ours else {}
    concerned = await doses.save_doses(work.connection, told, booking_no)
    await settle_bookings(work, {person_of[member_token] for member_token in concerned}, set(), _latest(events))


async def on_programme(work: UnitOfWork, events: Sequence[ProgrammePublishedV1]) -> None:
    """Keep which vaccine a programme is about, and since when it runs: doses given since then end live bookings, a page
    of members at a time."""
    await programmes.lock_reference(work.connection)
    await _let_booked_wait(work, await programmes_flow.publish(work.connection, events), _latest(events))


async def _let_booked_wait(work: UnitOfWork, programme_ids: Iterable[str], at: datetime) -> None:
    """Whoever is booked under these programmes, which have changed, waits to be settled."""
    booked = await bookings.load_booked_persons(work.connection, programme_ids)
    await WAITING_MEMBERS.let_wait(work.connection, booked, at)


async def settle_waiting(work: UnitOfWork, member_tokens: Sequence[UUID]) -> int:
    """Settle the bookings of those of these members who wait and whom no other instance has taken: a page, in a
    transaction of its own. Gives how many they are."""
    await programmes.share_reference(work.connection)
    taken, at = await WAITING_MEMBERS.take(work.connection, member_tokens)
    if at is not None:
        person_of = await persons.lock_persons(work.connection, taken)
        await settle_bookings(work, taken | set(person_of.values()), set(), at)
    return len(taken)


def on_business_day_opened(
    release_days: int,
) -> Callable[[UnitOfWork, Sequence[BusinessDayOpenedV1]], Awaitable[None]]:
    """The handler that also lets versions of programmes begin, tells which bookings' days are over without an outcome,
    and opens to all plans what starts within so many days."""

    async def on_business_day(work: UnitOfWork, events: Sequence[BusinessDayOpenedV1]) -> None:
        newest, at = max(events, key=attrgetter("business_on")), _latest(events)
        await programmes.lock_reference(work.connection)
        changed = await programmes_flow.open_day(work.connection, events)
        if changed is None:
            return
        await _let_booked_wait(work, changed, at)
        began_at = datetime.combine(newest.business_on, time(), ZoneInfo(newest.time_zone))
        await appointments.tell_overdue(work, newest.business_on, began_at, at)
        await blocks.release(work, newest.business_on, release_days, at)

    return on_business_day


async def settle_bookings(
    work: UnitOfWork, member_tokens: Iterable[UUID], enrolment_ids: Iterable[UUID], at: datetime
) -> None:
    """Save and announce what becomes of the live bookings of these persons, who are locked, or enrolments."""
    today = await days.load_day(work.connection)
    if today is None:  # nothing can have been booked yet
        return
    live = await bookings.load_live_bookings(work.connection, member_tokens, enrolment_ids)
    known = await doses.load_doses(work.connection, {booking.survivor for booking in live}) if live else {}
    await appointments.save(work, settle(live, known, today), today, at)


def _dose(event: DoseAdministeredV1) -> Dose:
    """The dose as it is kept; one that was given in part is none."""
    return Dose(
        event.dose_id, event.version, event.member_token, event.vaccine_group, event.administered_on,
        event.action is DoseAction.RETRACT or event.is_partial, event.appointment_id, vaccine_groups=event.groups,
    )  # fmt: skip


def _latest(events: Iterable[Event]) -> datetime:
    """The instant of what happened last."""
    return max(event.occurred_at for event in events)
