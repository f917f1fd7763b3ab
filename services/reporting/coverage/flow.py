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
from services.replicas.programmes import flow as programmes
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


async def on_programme(work: UnitOfWork, events: Sequence[ProgrammePublishedV1]) -> None:
    """Keep the versions of programmes: by another one in effect other doses count."""
    await store.lock(work.connection)
    if await programmes.publish(work.connection, events):
        await store.recompute(work.connection)


async def on_business_day(work: UnitOfWork, events: Sequence[BusinessDayOpenedV1]) -> None:
    """Keep the open day, and let versions of programmes take effect."""
    await store.lock(work.connection)
    if await programmes.open_day(work.connection, events):
        await store.recompute(work.connection)
