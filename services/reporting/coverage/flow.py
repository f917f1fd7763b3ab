"""What reporting does with a fact that changes coverage: it writes it down and keeps the coverage cells in step. It
announces nothing here, so that a rebuild from the log can't either."""

from collections.abc import Sequence

from schemas.eligibility_v1 import (
    BusinessDayOpenedV1,
    DoseAdministeredV1,
    MemberEligibilityDecidedV1,
    ProgrammePublishedV1,
)
from schemas.envelope import Event
from services.kit.unit_of_work import UnitOfWork
from services.reporting.coverage import store
from services.reporting.facts import store as facts


async def on_member_eligibility(work: UnitOfWork, events: Sequence[Event]) -> None:
    """Decisions move members between cells; merges are written down."""
    decided = [event for event in events if isinstance(event, MemberEligibilityDecidedV1)]
    await store.lock(work.connection)
    before = await facts.load_enrolment_members(work.connection, {event.enrolment_id for event in decided})
    async with store.kept_in_step(work.connection, before | {event.member_token for event in decided}):
        await facts.save_facts(work.connection, events)


async def on_dose_administered(work: UnitOfWork, events: Sequence[DoseAdministeredV1]) -> None:
    """Doses make members vaccinated, or take it back; a merge moves them from one member to another."""
    await store.lock(work.connection)
    before = await facts.load_dose_members(work.connection, {event.dose_id for event in events})
    async with store.kept_in_step(work.connection, before | {event.member_token for event in events}):
        await facts.save_facts(work.connection, events)


async def on_programme(work: UnitOfWork, events: Sequence[ProgrammePublishedV1 | BusinessDayOpenedV1]) -> None:
    """Versions of programmes, and the days on which they take effect: only then do other doses count."""
    await store.lock(work.connection)
    await facts.save_facts(work.connection, events)
    if await facts.put_in_effect(work.connection):
        await store.recompute(work.connection)
