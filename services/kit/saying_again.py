"""What the store has said and the log has lost: listed, or put back into the outbox, from where it leaves again under
its own ids and in its order. May be done beside a running service: relays say nothing newer before.

No statement and no transaction costs more than a slice, however much is lost. Whoever is cut off between two slices
simply begins again: what is in the outbox is not lost any more, and what waits in `published` still stands beyond the
log's end, so that relays wait with all that is newer.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from datetime import datetime
from uuid import UUID

import asyncpg
from aiokafka import TopicPartition
from aiokafka.errors import UnknownTopicOrPartitionError

from services.kit import compacted, log_loss, published
from services.kit.fencing import LOCK_NAMESPACE, TRY_LOCK
from services.kit.log_loss import Ends
from services.kit.postgres import ALL_TENANTS, connect, create_pool, transaction
from services.kit.published import Fact
from services.kit.settings import Settings

HEALING = 1001
"""Held by who heals. Another would take for lost what the first has put back and a relay has said since."""
KEEP_LOCK = "select 1"
NOW = "select clock_timestamp()"
NEXT_FENCE_S = 0.02
"""Relays take their shards again between two slices."""


class AnotherHealsError(Exception):
    """Somebody else says again what was lost, just now."""


async def list_lost(settings: Settings) -> AsyncGenerator[str]:
    """One line for each fact that the log lacks: where it stood, and its id. The first comes once all is compared."""
    pool = await create_pool(settings)
    try:
        for fact in (await _find(settings, pool))[0]:
            yield _line(fact)
    finally:
        await pool.close()


async def say_again(settings: Settings) -> AsyncGenerator[str]:
    """The same, each told as soon as it is in the outbox: a slice at a time, the oldest first."""
    pool = await create_pool(settings)
    try:
        async with _alone(settings) as lock:
            since = await lock.fetchval(NOW)
            lost, ends = await _find(settings, pool)
            for part in published.in_slices(lost):
                await lock.execute(KEEP_LOCK)
                taken = await take_back(pool, part, ends, since)
                for fact in part:
                    if fact.event_id in taken:
                        yield _line(fact)
            async with transaction(pool, ALL_TENANTS) as connection:
                await published.save_topic_ids(connection, ends.topic_ids, ends.known_ids)
    finally:
        await pool.close()


async def take_back(pool: asyncpg.Pool, part: Sequence[Fact], ends: Ends, since: datetime) -> set[UUID]:
    """Put these into the outbox, without those of compacted topics that have a newer one since then; which those are is
    asked while no relay can send what is newer still. Gives the ids of those that were put there."""
    while True:
        await asyncio.sleep(NEXT_FENCE_S)
        async with transaction(pool, ALL_TENANTS) as connection:
            epochs = await published.fence_all(connection)
        async with transaction(pool, ALL_TENANTS) as connection:
            if await published.hold_all(connection) == epochs:  # else a relay has begun meanwhile
                return await published.take_back(
                    connection, await compacted.without_outdated(connection, part, ends, since)
                )


@asynccontextmanager
async def _alone(settings: Settings) -> AsyncIterator[asyncpg.Connection]:
    """The connection whose session keeps others from healing. AnotherHealsError if one does."""
    connection = await connect(settings, holds_keys=False)
    try:
        if not await connection.fetchval(TRY_LOCK, LOCK_NAMESPACE, HEALING):
            raise AnotherHealsError("another one heals: wait until it has ended")
        yield connection
    finally:
        await connection.close(timeout=2)


async def _find(settings: Settings, pool: asyncpg.Pool) -> tuple[list[Fact], Ends]:
    """What the whole log lacks, in the order in which it was said. Facts that stand elsewhere are written down there;
    what a compacted topic has forgotten of its own is not missed."""
    topics = published.topics_of(settings.service)
    async with transaction(pool, ALL_TENANTS) as connection:
        ends = await log_loss.load_ends(settings, connection)
        if gone := {place.topic for place in ends.lasts} - {place.topic for place in ends.ends}:
            raise UnknownTopicOrPartitionError(", ".join(sorted(gone)))
    holes, elsewhere = await _compared(settings, pool, {place: range(end) for place, end in ends.ends.items()})
    holes += await _out_of_reach(pool, ends)
    missing = {fact.event_id for fact in holes}
    moved = [fact for fact in elsewhere if fact.event_id in missing]
    for part in published.in_slices(moved):
        async with transaction(pool, ALL_TENANTS) as connection:
            await published.move_places(connection, part)
    found = {fact.event_id for fact in moved}
    lost = [fact for fact in holes if fact.event_id not in found]
    for topic in topics:
        if topic.cleanup_policy == "compact":
            lost = await compacted.without_forgotten(pool, topic.name, lost, ends)
    return sorted(lost, key=lambda fact: fact.id), ends


async def _out_of_reach(pool: asyncpg.Pool, ends: Ends) -> list[Fact]:
    """What stands beyond the ends, and what stands nowhere."""
    found: list[Fact] = []
    for place, span in ends.beyond().items():
        for portion in published.slices_of(span):
            async with transaction(pool, ALL_TENANTS) as connection:
                found += await published.load_at(connection, place, portion)
    for place in {*ends.ends, *ends.lasts}:
        async for facts in log_loss.unplaced(pool, place):
            found += facts
    return found


async def _compared(
    settings: Settings, pool: asyncpg.Pool, wanted: Mapping[TopicPartition, range]
) -> tuple[list[Fact], list[Fact]]:
    """The holes, and where facts stand that are held to stand elsewhere."""
    holes: list[Fact] = []
    elsewhere: list[Fact] = []
    async with aclosing(log_loss.compare(settings, pool, wanted)) as parts:
        async for part in parts:
            holes += part.holes
            if part.unheld:
                async with transaction(pool, ALL_TENANTS) as connection:
                    known = await published.load_known(connection, {event_id for event_id, _ in part.unheld})
                elsewhere += [
                    Fact(event_id, TopicPartition(record.topic, record.partition), record.offset)
                    for event_id, record in part.unheld
                    if event_id in known
                ]
    return holes, elsewhere


def _line(fact: Fact) -> str:
    return f"{fact.place.topic}/{fact.place.partition}@{fact.offset}\t{fact.event_id}"
