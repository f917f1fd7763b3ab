"""How much of the log is not read yet, asked of the broker: true for all processes of a service together."""

import asyncio
from collections.abc import Collection, Mapping

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from services.kit.kafka import administering, reading
from services.kit.settings import KafkaSettings

ANSWER_WITHIN_S = 5.0
TOPIC_LEARNT_MS = 10
"""The client asks for the ends of a topic that it does not know, learns of it, and pauses so long before it asks again;
its 100 ms for each topic were a second of every report."""


async def records_behind(settings: KafkaSettings, topic_by_group: Mapping[str, str]) -> int:
    """Records between what these groups have committed and the ends of their topics."""
    async with reading(settings, retry_backoff_ms=TOPIC_LEARNT_MS) as reader, administering(settings) as admin:
        ends = await reader.end_offsets(await _partitions(admin, set(topic_by_group.values())))
        each = (_behind(admin, group, topic, ends) for group, topic in topic_by_group.items())
        return sum(await asyncio.gather(*each))


async def _partitions(admin: AIOKafkaAdminClient, topics: Collection[str]) -> list[TopicPartition]:
    described = await admin.describe_topics(sorted(topics))
    return [TopicPartition(topic["topic"], one["partition"]) for topic in described for one in topic["partitions"]]


async def _behind(admin: AIOKafkaAdminClient, group: str, topic: str, ends: Mapping[TopicPartition, int]) -> int:
    mine = {one: end for one, end in ends.items() if one.topic == topic}
    done = await admin.list_consumer_group_offsets(group, partitions=list(mine))
    return sum(end - max(0, done[one].offset if one in done else 0) for one, end in mine.items())


async def try_records_behind(settings: KafkaSettings, topic_by_group: Mapping[str, str]) -> int | None:
    """The same; None when the broker does not answer in time."""
    try:
        async with asyncio.timeout(ANSWER_WITHIN_S):
            return await records_behind(settings, topic_by_group)
    except (KafkaError, OSError, TimeoutError):
        return None


async def end_of(settings: KafkaSettings, place: TopicPartition) -> int | None:
    """The offset that the partition's next record will get; None if there is no such partition. Raises when the broker
    does not answer."""
    async with (
        asyncio.timeout(ANSWER_WITHIN_S),
        reading(settings, retry_backoff_ms=TOPIC_LEARNT_MS) as reader,
        administering(settings) as admin,
    ):
        if place not in await _partitions(admin, [place.topic]):
            return None
        end: int = (await reader.end_offsets([place]))[place]
        return end
