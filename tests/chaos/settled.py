"""Whether anything is still under way, asked from outside: files, outboxes, and how far each group has read the log."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from deploy.groups import services, topic_by_group
from schemas.catalog import TOPICS
from services.kit.generation import Generation, group_of, load
from services.kit.outbox import WAITING as OUTBOX_WAITING

POLL_S = 0.2


@dataclass(frozen=True, slots=True)
class Under:
    """Counts of what is under way, and the log's length."""

    files: int
    outbox: int
    lag: int
    log_end: int

    @property
    def is_nothing(self) -> bool:
        return not (self.files or self.outbox or self.lag)


class NotSettledError(AssertionError):
    """The deadline passed and something is still under way."""


async def until_settled(bootstrap: str, dsns: Mapping[str, str], deadline_s: float) -> Under:
    """Two looks that find nothing and the same length of the log. Raises NotSettledError."""
    deadline, before = time.monotonic() + deadline_s, -1
    while True:
        try:
            async with asyncio.timeout(20):
                seen = await look(bootstrap, dsns)
        except (OSError, TimeoutError, asyncpg.PostgresError) as error:
            seen = Under(-1, -1, -1, -1)
            said = type(error).__name__
        else:
            said = str(seen)
            if seen.is_nothing and seen.log_end == before:
                return seen
        before = seen.log_end if seen.is_nothing else -1
        if time.monotonic() > deadline:
            raise NotSettledError(f"after {deadline_s:.0f} s still under way: {said}")
        await asyncio.sleep(POLL_S)


async def look(bootstrap: str, dsns: Mapping[str, str]) -> Under:
    counts = [(service.name, count) for service in services() for count in service.waiting.values()]
    files = sum([await _count(dsns[name], count) for name, count in counts])
    outbox = sum([await _count(dsn, OUTBOX_WAITING) for dsn in dsns.values()])
    generation = await _generation(dsns["reporting"])
    lag, log_end = await _lag(bootstrap, generation)
    return Under(files, outbox, lag, log_end)


async def _count(dsn: str, query: str) -> int:
    database = await asyncpg.connect(dsn, timeout=5, server_settings={"vcc.tenant": "*"})
    try:
        return int(await database.fetchval(query) or 0)
    finally:
        await database.close()


async def _generation(dsn: str) -> Generation:
    database = await asyncpg.connect(dsn, timeout=5)
    try:
        return await load(database)
    finally:
        await database.close()


async def _lag(bootstrap: str, generation: Generation) -> tuple[int, int]:
    groups = {
        group_of(group, generation if group.startswith("reporting.") else None): topic
        for group, topic in topic_by_group().items()
    }
    partitions = [TopicPartition(topic.name, number) for topic in TOPICS for number in range(topic.partitions)]
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        async with AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=None) as consumer:
            ends = await consumer.end_offsets(partitions)
        lag = 0
        for group, topic in groups.items():
            done = await admin.list_consumer_group_offsets(group)
            lag += sum(
                end - max(0, done[one].offset if one in done else 0) for one, end in ends.items() if one.topic == topic
            )
    finally:
        await admin.close()
    return lag, sum(ends.values())
