"""Days and programmes take effect: what time alone changes is asked again, in batches, until nothing is due."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import blake2b
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog

from services.eligibility.clock import store as clock_store
from services.eligibility.clock.flow import opened
from services.eligibility.clock.rules import ONE_DAY
from services.eligibility.decisions.basis import ENGINE, overlays, released
from services.eligibility.decisions.flow.caps import draw_caps
from services.eligibility.decisions.flow.publishing import publish
from services.eligibility.decisions.flow.redecide import redecide
from services.eligibility.decisions.store import decisions as decision_store
from services.eligibility.doses.flow import ledger
from services.eligibility.doses.registry import combined_vaccines
from services.eligibility.doses.store import doses as dose_store
from services.eligibility.people.store import members as people_store
from services.eligibility.places.reference.tables import LATEST
from services.eligibility.programmes import store as programme_store
from services.eligibility.programmes.aim import ForecastRule
from services.eligibility.programmes.documents import bundled, live, unreadable
from services.eligibility.programmes.programme import Programme
from services.kit import log, metrics
from services.kit.postgres import ALL_TENANTS, Connection, Pool, transaction
from services.kit.setting_aside import each_or_aside
from services.kit.unit_of_work import working

PERSONS_PER_BATCH = 1000
PERSONS_PER_ROUND = 8000
LANES = 2
COMBINED = "combined-vaccines"
WITHHELD, BEFORE_BIRTH, SINCE_FIRST = "withheld-reports", "doses-before-birth", "1"
"""What is noted once whoever was protected before reports were withheld, or has a dose of before birth that was counted
before none was, is known to this version's worker."""


async def begin(pool: Pool, first_business_on: date | None, programmes: Sequence[Programme] | None = None) -> None:
    """Open the first day there ever was, and publish the programme versions that are new here."""
    documents = bundled() if programmes is None else programmes
    zone = documents[0].time_zone
    async with working(pool) as work:
        connection = work.connection
        today = datetime.now(ZoneInfo(zone)).date()
        first_on = first_business_on or today
        is_simulated = abs(first_on - today) > ONE_DAY
        if await clock_store.start_clock(connection, first_on, zone, is_simulated=is_simulated):
            await work.announce([opened(first_on, zone)])
        for programme in documents:
            await publish(work, programme)
        await _ask_for_releases(connection)
        await _ask_for_readable(connection)


async def _ask_for_releases(connection: Connection) -> None:
    """Another edition of the SVI has everybody asked, another release of CDC's rules or another engine too, where a
    programme asks them."""
    cdc = " ".join((*(name for name, _ in released()), *overlays(), f"engine.{ENGINE}"))
    svi_before = await programme_store.exchange_release(connection, "svi", LATEST)
    cdc_before = await programme_store.exchange_release(connection, "cdsi", cdc)
    documents = await _documents(connection)
    asks_cdc = any(isinstance(programme.aim, ForecastRule) for programme in documents)
    if svi_before not in {None, LATEST} or (asks_cdc and cdc_before not in {None, cdc}):
        await decision_store.ask_everybody(connection)


async def _documents(connection: Connection) -> list[Programme]:
    return live(await programme_store.load_documents(connection))


async def _ask_for_readable(connection: Connection) -> None:
    """Tell of published documents that can't be read any more; once they can, everybody is asked what was missed."""
    unread = unreadable(await programme_store.load_documents(connection))
    for entry in unread:
        metrics.SET_ASIDE.labels("programmes").inc()
        about = {"entity_id": entry.programme_id, "version": entry.version, "reason": "unreadable"}
        structlog.get_logger().error("programme can't be read", **about)
    names = " ".join(f"{entry.programme_id}.{entry.version}" for entry in unread)
    if await programme_store.exchange_release(connection, "unreadable", names) not in {None, names}:
        await decision_store.ask_everybody(connection)


async def tell_groups(pool: Pool) -> int:
    """Announce anew the doses whose code has come to be a combination vaccine's since. Gives the number of persons;
    runs once for each set of codes."""
    combined, told = combined_vaccines(), 0
    value = blake2b(" ".join(combined).encode(), digest_size=16).hexdigest()
    while True:
        async with working(pool) as work:
            connection, clock = work.connection, await clock_store.share_clock(work.connection)
            if await programme_store.load_release(connection, COMBINED) == value:
                return told
            tokens = await dose_store.load_untold(connection, combined, PERSONS_PER_BATCH)
            if not tokens:
                await programme_store.exchange_release(connection, COMBINED, value)
                return told
            await ledger.show_doses(work, tokens, clock.business_on)
            await redecide(work, tokens, clock.business_on)
        told += len(tokens)


async def withhold_told(pool: Pool, is_stopping: Callable[[], bool] = lambda: False) -> int:
    """Retract announced doses of protected persons, and doses dated before birth, that went out before these rules were
    there. Gives the number of persons."""
    async with transaction(pool, ALL_TENANTS) as connection:
        if await programme_store.exchange_release(connection, WITHHELD, SINCE_FIRST) is None:
            await dose_store.ask_of_told(connection)
        if await programme_store.exchange_release(connection, BEFORE_BIRTH, SINCE_FIRST) is None:
            await dose_store.ask_of_unborn(connection)
    told = 0
    while not is_stopping():
        async with transaction(pool, ALL_TENANTS) as connection:
            tokens = await dose_store.load_told(connection, PERSONS_PER_BATCH)
        if not tokens:
            return told
        await _Deciding(pool, None, shows=True).decide(tokens)
        async with transaction(pool, ALL_TENANTS) as connection:
            await dose_store.delete_told(connection, tokens)
        told += len(tokens)
    return told


async def redecide_due(
    pool: Pool,
    is_stopping: Callable[[], bool] = lambda: False,
    programmes: Sequence[Programme] | None = None,
) -> int:
    """Show doses that lay ahead, and decide again for everybody for whom the open day, or a change of rules, may change
    something. Gives how many facts the latter were."""
    facts = 0
    while not is_stopping():
        async with transaction(pool, ALL_TENANTS) as connection:
            documents = await _documents(connection) if programmes is None else programmes
            clock = await clock_store.share_clock(connection)
            hidden = await dose_store.load_hidden(connection, clock.business_on, PERSONS_PER_BATCH)
            swept = None if hidden else await decision_store.load_sweep(connection, PERSONS_PER_ROUND)
            ids = [programme.programme_id for programme in documents]
            tokens = swept.tokens if swept else []
            if not hidden and not swept:
                tokens = await decision_store.load_due(connection, clock.business_on, ids, PERSONS_PER_ROUND)
                if not tokens:
                    if await draw_caps(connection, documents, clock.business_on):
                        continue
                    break
        if hidden:
            await _Deciding(pool, programmes, shows=True).decide(hidden)
            continue
        facts += await _redecide_in_lanes(pool, tokens, programmes)
        if swept:
            async with transaction(pool, ALL_TENANTS) as connection:
                await decision_store.advance_sweep(connection, swept)
    return facts


async def _redecide_in_lanes(pool: Pool, tokens: Sequence[UUID], programmes: Sequence[Programme] | None) -> int:
    """While the database works for one batch, another one is decided. A lane that fails lets the others end."""
    batches = deque(tokens[n : n + PERSONS_PER_BATCH] for n in range(0, len(tokens), PERSONS_PER_BATCH))
    lanes = await asyncio.gather(*(_lane(pool, batches, programmes) for _ in range(LANES)), return_exceptions=True)
    for outcome in lanes:
        if isinstance(outcome, BaseException):
            raise outcome
    return sum(outcome for outcome in lanes if isinstance(outcome, int))


async def _lane(pool: Pool, batches: deque[Sequence[UUID]], programmes: Sequence[Programme] | None) -> int:
    facts, deciding = 0, _Deciding(pool, programmes)
    while batches:
        facts += await deciding.decide(batches.popleft())
    return facts


@dataclass(frozen=True, slots=True)
class _Deciding:
    """Decides batches of persons, each in a transaction of its own. Who can't be decided is left out and asked again
    when the next day opens: the answer that stands stays, and the others get theirs. `shows`: doses that lay ahead
    are announced first, also of whom can't be decided."""

    pool: Pool
    programmes: Sequence[Programme] | None
    shows: bool = False

    async def decide(self, tokens: Sequence[UUID]) -> int:
        return sum(await each_or_aside(tokens, self._decide, self._set_aside))

    async def _decide(self, tokens: Sequence[UUID]) -> int:
        async with working(self.pool) as work:
            clock = await clock_store.share_clock(work.connection)
            if self.shows:
                await ledger.show_doses(work, tokens, clock.business_on)
            return await redecide(work, tokens, clock.business_on, self.programmes)

    async def _set_aside(self, member_token: UUID, error: Exception) -> int:
        structlog.get_logger().error("person set aside", count=1, **log.fault_fields(error))
        async with working(self.pool) as work:
            clock = await clock_store.share_clock(work.connection)
            await people_store.lock_persons(work.connection, [member_token])
            if self.shows:
                await ledger.show_doses(work, [member_token], clock.business_on)
            await decision_store.postpone(work.connection, member_token, clock.business_on + ONE_DAY)
        metrics.SET_ASIDE.labels("decisions").inc()
        return 0
