"""What the store has said and the log has lost: listed, or put back into the outbox, from where it leaves again under
its own ids and in its order. May be done beside a running service: relays say nothing newer before."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import aclosing
from uuid import UUID

import asyncpg
from aiokafka import TopicPartition
from aiokafka.errors import UnknownTopicOrPartitionError

from services.kit import log_loss, published
from services.kit.log_loss import Ends
from services.kit.postgres import ALL_TENANTS, Connection, create_pool, transaction
from services.kit.published import Fact
from services.kit.settings import Settings

CHUNK = 2_000
"""Facts that go back in one transaction, the oldest first. Those that wait in `published` still stand beyond the log's
end, so that relays wait with all that is newer."""


async def list_lost(settings: Settings) -> list[str]:
    """One line for each fact that the log lacks: where it stood, and its id."""
    pool = await create_pool(settings)
    try:
        return [_line(fact) for fact in (await _find(settings, pool))[0]]
    finally:
        await pool.close()


async def say_again(settings: Settings) -> list[str]:
    """The same, and all of it is in the outbox then."""
    pool = await create_pool(settings)
    try:
        lost, ends = await _find(settings, pool)
        for start in range(0, len(lost), CHUNK):
            async with transaction(pool, ALL_TENANTS) as connection:
                await published.take_back(connection, [fact.event_id for fact in lost[start : start + CHUNK]])
        async with transaction(pool, ALL_TENANTS) as connection:
            await published.save_topic_ids(connection, ends.topic_ids)
        return [_line(fact) for fact in lost]
    finally:
        await pool.close()


async def _find(settings: Settings, pool: asyncpg.Pool) -> tuple[list[Fact], Ends]:
    """What the whole log lacks, in the order in which it was said. Facts that stand elsewhere are written down there;
    what a compacted topic has forgotten of its own is not missed."""
    topics = published.topics_of(settings.service)
    async with transaction(pool, ALL_TENANTS) as connection:
        ends = await log_loss.load_ends(settings, connection)
        if gone := {place.topic for place in ends.lasts} - {place.topic for place in ends.ends}:
            raise UnknownTopicOrPartitionError(", ".join(sorted(gone)))
    holes, strays = await _compared(settings, pool, {place: range(end) for place, end in ends.ends.items()})
    async with transaction(pool, ALL_TENANTS) as connection:
        holes += await _out_of_reach(connection, ends)
        missing = {fact.event_id for fact in holes}
        moved = [fact for fact in strays if fact.event_id in missing]
        await published.move_places(connection, moved)
        found = {fact.event_id for fact in moved}
        lost = [fact for fact in holes if fact.event_id not in found]
        for topic in topics:
            if topic.cleanup_policy == "compact":
                newest = await published.load_newest(connection, topic.name)
                lost = [fact for fact in lost if fact.place.topic != topic.name or _must_stand(fact, newest, ends)]
    return sorted(lost, key=lambda fact: fact.id), ends


def _must_stand(fact: Fact, newest: Collection[UUID], ends: Ends) -> bool:
    """In a compacted topic: the newest fact of each key, and whatever it lost by ending too soon or being made anew. As
    long as that is held to stand there nothing newer is said."""
    is_beyond = fact.offset >= ends.ends.get(fact.place, fact.offset + 1)
    return fact.event_id in newest or is_beyond or fact.place.topic in ends.made_anew


async def _out_of_reach(connection: Connection, ends: Ends) -> Sequence[Fact]:
    """What stands beyond the ends, and what stands nowhere."""
    facts = [fact for place, span in ends.beyond().items() for fact in await published.load_at(connection, place, span)]
    for topic in {place.topic for place in ends.ends}:
        facts += await published.load_unplaced(connection, topic)
    return facts


async def _compared(
    settings: Settings, pool: asyncpg.Pool, wanted: Mapping[TopicPartition, range]
) -> tuple[list[Fact], list[Fact]]:
    """The holes, and where facts stand that are held to stand elsewhere."""
    holes: list[Fact] = []
    elsewhere: list[Fact] = []
    async with aclosing(log_loss.compare(settings, pool, wanted)) as parts:
        async for part in parts:
            holes += part.holes
            if part.strays:
                async with transaction(pool, ALL_TENANTS) as connection:
                    known = await published.load_known(connection, part.strays)
                elsewhere += [
                    Fact(event_id, TopicPartition(record.topic, record.partition), record.offset)
                    for event_id, record in part.strays.items()
                    if event_id in known
                ]
    return holes, elsewhere


def _line(fact: Fact) -> str:
    return f"{fact.place.topic}/{fact.place.partition}@{fact.offset}\t{fact.event_id}"
