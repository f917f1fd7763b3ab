"""What reporting does with each fact: it writes it down, and keeps the coverage cells in step. It announces nothing
here, so that a rebuild from the log can't either."""

from collections.abc import Sequence

from schemas.eligibility_v1 import (
    BusinessDayOpenedV1,
    DoseAdministeredV1,
    MemberEligibilityDecidedV1,
    ProgrammePublishedV1,
)
from schemas.envelope import Event
from services.kit.unit_of_work import UnitOfWork
from services.reporting.coverage import store as cells
from services.reporting.facts import store


async def on_member_eligibility(work: UnitOfWork, events: Sequence[Event]) -> None:
    """Decisions move members between cells; merges are written down."""
    decided = [event for event in events if isinstance(event, MemberEligibilityDecidedV1)]
    await cells.lock(work.connection)
    before = await store.load_enrolment_members(work.connection, {event.enrolment_id for event in decided})
    async with cells.kept_in_step(work.connection, before | {event.member_token for event in decided}):
        await store.save_facts(work.connection, events)


async def on_dose_administered(work: UnitOfWork, events: Sequence[DoseAdministeredV1]) -> None:
    """Doses make members vaccinated, or take it back; a merge moves them from one member to another."""
    await cells.lock(work.connection)
    before = await store.load_dose_members(work.connection, {event.dose_id for event in events})
    async with cells.kept_in_step(work.connection, before | {event.member_token for event in events}):
        await store.save_facts(work.connection, events)


async def on_programme(work: UnitOfWork, events: Sequence[ProgrammePublishedV1 | BusinessDayOpenedV1]) -> None:
    """Versions of programmes, and the days on which they take effect: only then do other doses count."""
    await cells.lock(work.connection)
    await store.save_facts(work.connection, events)
    if await store.hold_programmes(work.connection):
        await cells.recompute(work.connection)


async def on_fact(work: UnitOfWork, events: Sequence[Event]) -> None:
    """Facts that change no coverage: cases, attempts, appointments, slot pools, files, target ZIPs."""
    await store.save_facts(work.connection, events)
