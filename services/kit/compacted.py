"""A compacted topic keeps the newest fact of each key: that it holds no older one is no loss."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime

import asyncpg
from aiokafka import TopicPartition

from schemas.catalog import TOPICS
from services.kit import log_loss, outbox, published
from services.kit.log_loss import Ends
from services.kit.postgres import ALL_TENANTS, Connection, transaction
from services.kit.published import Fact

COMPACTED = frozenset(topic.name for topic in TOPICS if topic.cleanup_policy == "compact")


async def without_forgotten(pool: asyncpg.Pool, topic: str, lost: Sequence[Fact], ends: Ends) -> list[Fact]:
    """These facts without those that the topic, which is compacted, may have forgotten. It must hold the newest of each
    key, unless a newer one waits in the outbox, and whatever it lost by ending too soon or being made anew: as long as
    that is held to stand there nothing newer is said."""
    doubtful = [fact for fact in lost if fact.place.topic == topic and not _must_stand(fact, ends)]
    if not doubtful:
        return list(lost)
    newest: dict[str, int] = {}
    async for key, number in _numbers(pool, topic, doubtful, ends):
        newest[key] = max(number, newest.get(key, number))
    forgotten = {fact.id for fact in doubtful} - set(newest.values())
    return [fact for fact in lost if fact.id not in forgotten]


async def without_outdated(
    connection: Connection, facts: Sequence[Fact], ends: Ends, since: datetime
) -> Sequence[Fact]:
    """These facts without those of compacted topics that got a newer one since: said again now they would come to stand
    behind it. No relay may send meanwhile."""
    doubtful = [fact for fact in facts if fact.place.topic in COMPACTED and not _must_stand(fact, ends)]
    outdated = await published.load_outdated(connection, doubtful, since)
    return [fact for fact in facts if fact.event_id not in outdated]


def _must_stand(fact: Fact, ends: Ends) -> bool:
    return fact.place.topic in ends.made_anew or fact.offset >= ends.ends.get(fact.place, fact.offset + 1)


async def _numbers(
    pool: asyncpg.Pool, topic: str, doubtful: Sequence[Fact], ends: Ends
) -> AsyncIterator[tuple[str, int]]:
    """Keys with the numbers of their facts: of the doubtful ones, of what waits, of what was published by now. What is
    published meanwhile leaves the outbox, so that is read first."""
    async for pair in _numbers_of(pool, doubtful):
        yield pair
    async for pair in _waiting(pool, topic):
        yield pair
    async for pair in _published(pool, [place for place in {*ends.ends, *ends.lasts} if place.topic == topic]):
        yield pair


async def _numbers_of(pool: asyncpg.Pool, facts: Sequence[Fact]) -> AsyncIterator[tuple[str, int]]:
    for part in published.in_slices(facts):
        async with transaction(pool, ALL_TENANTS) as connection:
            pairs = await published.load_numbers(connection, part)
        for pair in pairs:
            yield pair


async def _waiting(pool: asyncpg.Pool, topic: str) -> AsyncIterator[tuple[str, int]]:
    after = 0
    while True:
        async with transaction(pool, ALL_TENANTS) as connection:
            waiting = await outbox.load_keys(connection, after, published.SLICE)
        if not waiting:
            return
        for row in waiting:
            if row["aggregatetype"] == topic:
                yield row["aggregateid"], row["id"]
        after = waiting[-1]["id"]


async def _published(pool: asyncpg.Pool, places: Sequence[TopicPartition]) -> AsyncIterator[tuple[str, int]]:
    async with transaction(pool, ALL_TENANTS) as connection:
        lasts = await published.load_lasts(connection, places)
    for place, last in lasts.items():
        for span in published.slices_of(range(last + 1)):
            async with transaction(pool, ALL_TENANTS) as connection:
                pairs = await published.load_newest_at(connection, place, span)
            for pair in pairs:
                yield pair
    for place in places:
        async for unplaced in log_loss.unplaced(pool, place):
            async for pair in _numbers_of(pool, unplaced):
                yield pair
