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
from services.kit.unit_of_work import UnitOfWork
from services.scheduling import booking, domain, facts, heard, places, settling, store
from services.scheduling.domain import Dose, Enrolment


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


async def on_programme(work: UnitOfWork, events: Sequence[ProgrammePublishedV1]) -> None:
    """Keep which vaccine a programme is about, and since when it runs: doses given since then end live bookings."""
    await heard.lock_programmes(work.connection)
    await heard.save_programmes(work.connection, events)
    await _let_programmes_hold(work, events)


async def _let_programmes_hold(work: UnitOfWork, events: Sequence[Event]) -> None:
    changed = await heard.let_programmes_hold(work.connection)
    tokens = await store.load_booked_persons(work.connection, changed)
    survivors = await heard.lock_persons(work.connection, tokens)
    await _settle(work, tokens | set(survivors.values()), set(), events)


def on_business_day_opened(
    release_days: int,
) -> Callable[[UnitOfWork, Sequence[BusinessDayOpenedV1]], Awaitable[None]]:
    """The handler that also lets versions of programmes begin, and opens to all plans what starts within so many
    days."""

    async def on_business_day(work: UnitOfWork, events: Sequence[BusinessDayOpenedV1]) -> None:
        today = max(event.business_on for event in events)
        await heard.lock_programmes(work.connection)
        if not await heard.save_day(work.connection, today):
            return
        await _let_programmes_hold(work, events)
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
        Enrolment(e.enrolment_id, e.programme_id, e.tenant_id, e.member_token, e.version, domain.standing(e))
        for e in latest.values()
    ]


def _dose(event: DoseAdministeredV1) -> Dose:
    return Dose(
        event.dose_id, event.version, event.member_token, event.vaccine_group, event.administered_on,
        event.action is DoseAction.RETRACT or event.is_partial, event.appointment_id,
    )  # fmt: skip


def _version(event: MemberEligibilityDecidedV1 | DoseAdministeredV1) -> int:
    return event.version


def _instant(events: Sequence[Event]) -> datetime:
    return max(event.occurred_at for event in events)
