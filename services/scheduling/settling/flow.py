"""What the news of others does here. Everything is stored first; then the live bookings of the members concerned are
settled by all that is stored, so that the order in which topics arrive does not matter."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from schemas.eligibility_v1 import (
    BusinessDayOpenedV1,
    DoseAction,
    DoseAdministeredV1,
    MemberEligibilityDecidedV1,
    MembersMergedV1,
    ProgrammePublishedV1,
)
from schemas.envelope import Event
from schemas.outreach_v1 import ContactAttemptLoggedV1, ContactAttemptRetractedV1, Disposition
from services.kit.unit_of_work import UnitOfWork
from services.scheduling.appointments import events as facts
from services.scheduling.appointments import flow as booking
from services.scheduling.appointments import rules as domain
from services.scheduling.appointments import store
from services.scheduling.appointments.rules import Dose, Enrolment
from services.scheduling.blocks import store as places
from services.scheduling.members import store as heard
from services.scheduling.members.store import DeathReport
from services.scheduling.settling import rules as settling


async def on_member_eligibility(
    work: UnitOfWork, events: Sequence[MemberEligibilityDecidedV1 | MembersMergedV1]
) -> None:
    """Keep the copy of each enrolment, and who turned out to be whom."""
    await heard.hold_programmes(work.connection)
    decided = [event for event in events if isinstance(event, MemberEligibilityDecidedV1)]
    merges = [pair for event in events for pair in _merge(event)]
    enrolments = _enrolments(decided)
    tokens = {e.member_token for e in decided} | {token for pair in merges for token in pair}
    tokens |= await heard.load_tokens(work.connection, {e.enrolment_id for e in enrolments})
    survivors = await heard.lock_persons(work.connection, tokens)
    tokens |= set(survivors.values())
    if merges:
        known = survivors | await heard.load_retired(work.connection, tokens)
        await heard.save_merges(work.connection, settling.merged(known, merges))
    changed = await heard.save_enrolments(work.connection, enrolments)
    await _settle(work, tokens, changed, events)


async def on_dose_administered(work: UnitOfWork, events: Sequence[DoseAdministeredV1]) -> None:
    """A dose from any source ends the live booking that it makes needless."""
    await heard.hold_programmes(work.connection)
    latest = {event.dose_id: _dose(event) for event in sorted(events, key=_version)}
    doses = [latest[dose_id] for dose_id in sorted(latest)]
    survivors = await heard.lock_persons(work.connection, {dose.member_token for dose in doses})
    news = await heard.save_doses(work.connection, doses)
    await _settle(work, {survivors.get(token, token) for token in news}, set(), events)


async def on_contact_attempt(
    work: UnitOfWork, events: Sequence[ContactAttemptLoggedV1 | ContactAttemptRetractedV1]
) -> None:
    """A worker's report of a death pauses the person at once; that it was an error, or eligibility's answer, ends the
    pause. Bookings stay meanwhile."""
    reports = [one for event in events if (one := _report(event)) is not None]
    await heard.lock_persons(work.connection, {one.member_token for one in reports})
    for of_one_kind in (False, True):
        await heard.save_death_reports(
            work.connection, list({one.report_id: one for one in reports if one.retracted is of_one_kind}.values())
        )


def _report(event: ContactAttemptLoggedV1 | ContactAttemptRetractedV1) -> DeathReport | None:
    if isinstance(event, ContactAttemptRetractedV1):
        return DeathReport(event.attempt_id, event.member_token, None, retracted=True)
    if event.disposition is not Disposition.DECEASED:
        return None
    return DeathReport(event.attempt_id, event.member_token, event.occurred_at, retracted=False)


async def on_programme(work: UnitOfWork, events: Sequence[ProgrammePublishedV1]) -> None:
    """Keep which vaccine a programme is about, and since when it runs: doses given since then end live bookings."""
    await heard.lock_programmes(work.connection)
    await heard.save_programmes(work.connection, events)
    await _let_programmes_hold(work, events, set())


async def _let_programmes_hold(work: UnitOfWork, events: Sequence[Event], also: set[UUID]) -> set[UUID]:
    """Settles what programmes change. `also` are locked with the persons whom that concerns; gives all of them."""
    changed = await heard.let_programmes_hold(work.connection)
    tokens = await store.load_booked_persons(work.connection, changed)
    survivors = await heard.lock_persons(work.connection, tokens | also)
    await _settle(work, tokens | {survivors[token] for token in tokens if token in survivors}, set(), events)
    return tokens | also | set(survivors.values())


def on_business_day_opened(
    release_days: int,
) -> Callable[[UnitOfWork, Sequence[BusinessDayOpenedV1]], Awaitable[None]]:
    """The handler that also lets versions of programmes begin, tells which bookings' days are over without an outcome,
    and opens to all plans what starts within so many days."""

    async def on_business_day(work: UnitOfWork, events: Sequence[BusinessDayOpenedV1]) -> None:
        today = max(event.business_on for event in events)
        await heard.lock_programmes(work.connection)
        if not await heard.save_day(work.connection, today):
            return
        overdue = await store.load_overdue_persons(work.connection, today)
        locked = await _let_programmes_hold(work, events, overdue)
        due = await store.lock_overdue(work.connection, today, locked)
        await booking.save(work, [(one, domain.fall_due(one, today)) for one in due], today, _instant(events))
        released = await places.release_slots(work.connection, today + timedelta(days=release_days), today)
        await work.announce([facts.pool_changed(pool, _instant(events)) for pool in released])

    return on_business_day


async def _settle(work: UnitOfWork, tokens: set[UUID], enrolment_ids: set[UUID], events: Sequence[Event]) -> None:
    today = await heard.load_day(work.connection)
    if today is None:  # nothing can have been booked yet
        return
    live = await store.load_live(work.connection, tokens, enrolment_ids)
    doses = await heard.load_doses(work.connection, {one.rightful for one in live}) if live else {}
    await booking.save(work, settling.settle(live, doses, today), today, _instant(events))


def _merge(event: MemberEligibilityDecidedV1 | MembersMergedV1) -> list[tuple[UUID, UUID]]:
    if isinstance(event, MembersMergedV1):
        return [(event.retired_token, event.surviving_token)]
    return [] if event.merged_into is None else [(event.member_token, event.merged_into)]


def _enrolments(decided: Sequence[MemberEligibilityDecidedV1]) -> list[Enrolment]:
    latest = {(e.enrolment_id, e.programme_id): e for e in sorted(decided, key=_version)}
    return [
        Enrolment(
            e.enrolment_id, e.programme_id, e.tenant_id, e.member_token, e.version, domain.standing(e), e.reasons,
            e.death_reports_until,
        )
        for e in latest.values()
    ]  # fmt: skip


def _dose(event: DoseAdministeredV1) -> Dose:
    return Dose(
        event.dose_id, event.version, event.member_token, event.vaccine_group, event.administered_on,
        event.action is DoseAction.RETRACT or event.is_partial, event.appointment_id, vaccine_groups=event.groups,
    )  # fmt: skip


def _version(event: MemberEligibilityDecidedV1 | DoseAdministeredV1) -> int:
    return event.version


def _instant(events: Sequence[Event]) -> datetime:
    return max(event.occurred_at for event in events)
