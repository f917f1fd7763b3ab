"""Days and programmes take effect: what time alone changes is asked again, in batches, until nothing is due."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import asyncpg

from schemas.eligibility_v1 import BusinessDayOpenedV1, ProgrammePublishedV1
from services.eligibility import handlers, store_decisions, store_doses, store_programmes
from services.eligibility.domain import Programme
from services.eligibility.draws import draw_caps
from services.eligibility.facts import redecide
from services.eligibility.programmes.documents import bundled, live
from services.eligibility.programmes.target import ForecastRule, ServiceRule
from services.eligibility.reference.tables import LATEST
from services.eligibility.situations import released
from services.kit.postgres import ALL_TENANTS, Connection, transaction
from services.kit.unit_of_work import UnitOfWork

PERSONS_PER_BATCH = 1000


async def begin(
    pool: asyncpg.Pool, first_business_on: date | None, programmes: Sequence[Programme] | None = None
) -> None:
    """Open the first day there ever was, and publish the programme versions that are new here."""
    documents = bundled() if programmes is None else programmes
    zone = documents[0].time_zone
    async with transaction(pool, ALL_TENANTS) as connection:
        work = UnitOfWork(connection)
        first_on = first_business_on or datetime.now(ZoneInfo(zone)).date()
        if await store_decisions.start_clock(connection, first_on, zone):
            await work.announce([_opened(first_on, zone)])
        clock = await store_decisions.share_clock(connection)
        for programme in documents:
            await publish(work, programme, clock.business_on)
        await _ask_for_releases(connection, clock.business_on)


async def publish(work: UnitOfWork, programme: Programme, business_on: date) -> bool:
    """Let a version go live: everybody is asked. False if it is live; a version that changed is a fault."""
    if not await store_decisions.save_programme(work.connection, programme):
        return False
    await store_decisions.ask_everybody(work.connection, programme.programme_id, business_on)
    await work.announce([_published(programme)])
    return True


async def _ask_for_releases(connection: Connection, business_on: date) -> None:
    """Another edition of the SVI has everybody asked, another release of CDC's rules those of forecast programmes."""
    documents = await _documents(connection)
    cdc = " ".join(name for name, _ in released())
    svi = await store_programmes.exchange_release(connection, "svi", LATEST)
    rules = await store_programmes.exchange_release(connection, "cdsi", cdc)
    for programme_id in sorted({one.programme_id for one in documents}):
        versions = [one for one in documents if one.programme_id == programme_id]
        is_forecast = any(isinstance(one.target, ForecastRule) for one in versions)
        if svi not in {None, LATEST} or (is_forecast and rules not in {None, cdc}):
            await store_decisions.ask_everybody(connection, programme_id, business_on)


async def _documents(connection: Connection) -> list[Programme]:
    return live(await store_programmes.load_documents(connection))


async def open_day(work: UnitOfWork, business_on: date) -> date:
    """Open every day up to this one. A day that is open or past stays as it is. Gives the open day."""
    clock = await store_decisions.lock_clock(work.connection)
    if business_on > clock.business_on:
        await store_decisions.save_clock(work.connection, business_on)
        await work.announce([_opened(business_on, clock.time_zone)])
    return max(business_on, clock.business_on)


async def redecide_due(
    pool: asyncpg.Pool,
    is_stopping: Callable[[], bool] = lambda: False,
    programmes: Sequence[Programme] | None = None,
) -> int:
    """Show doses that lay ahead, and decide again for everybody for whom the open day may change something. Gives
    how many facts the latter were."""
    facts = 0
    while not is_stopping():
        async with transaction(pool, ALL_TENANTS) as connection:
            work = UnitOfWork(connection)
            documents = await _documents(connection) if programmes is None else programmes
            clock = await store_decisions.share_clock(connection)
            hidden = await store_doses.load_hidden(connection, clock.business_on, PERSONS_PER_BATCH)
            if hidden:
                await handlers.show_doses(work, hidden, clock.business_on)
                continue
            ids = [one.programme_id for one in documents]
            tokens = await store_decisions.load_due(connection, clock.business_on, ids, PERSONS_PER_BATCH)
            if not tokens:
                if await draw_caps(connection, documents, clock.business_on):
                    continue
                break
            facts += await redecide(work, tokens, clock.business_on, documents)
    return facts


def _opened(business_on: date, zone: str) -> BusinessDayOpenedV1:
    return BusinessDayOpenedV1(occurred_at=datetime.now(UTC), business_on=business_on, time_zone=zone)


def _published(programme: Programme) -> ProgrammePublishedV1:
    return ProgrammePublishedV1(
        occurred_at=datetime.now(UTC),
        programme_id=programme.programme_id,
        version=programme.version,
        title=programme.title,
        vaccine_group=programme.vaccine_group,
        effective_on=programme.effective_on,
        time_zone=programme.time_zone,
        document_sha256=programme.sha256,
        doses_needed=programme.doses_needed,
        doses_since_on=programme.doses_since_on,
        cvx_not_counted=tuple(sorted(programme.cvx_not_counted)),
        rule=_rule(programme),
        arms=tuple(programme.arms.shares) if programme.arms else (),
    )


def _rule(programme: Programme) -> str:
    match programme.target:
        case ForecastRule():
            return "forecast"
        case ServiceRule():
            return "service"
        case None:
            return "doses"
