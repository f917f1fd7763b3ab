"""How much of the log is not read yet, asked of the broker: true for all processes of a service together."""

import asyncio
from collections.abc import Mapping

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from services.kit.kafka import client_options
from services.kit.settings import KafkaSettings

ANSWER_WITHIN_S = 5.0


async def records_behind(settings: KafkaSettings, topic_by_group: Mapping[str, str]) -> int:
    """Records between what these groups have committed and the ends of their topics."""
    options = client_options(settings)
    reader = AIOKafkaConsumer(group_id=None, **options)
    admin = AIOKafkaAdminClient(**options)
    try:
        await reader.start()
        await admin.start()
        behind = 0
        for group, topic in topic_by_group.items():
            partitions = [TopicPartition(topic, number) for number in await _partitions(admin, topic)]
            ends = await reader.end_offsets(partitions)
            done = await admin.list_consumer_group_offsets(group, partitions=partitions)
            behind += sum(end - max(0, done[one].offset if one in done else 0) for one, end in ends.items())
        return behind
    finally:
        await reader.stop()
        await admin.close()


async def _partitions(admin: AIOKafkaAdminClient, topic: str) -> list[int]:
    [described] = await admin.describe_topics([topic])
    return [one["partition"] for one in described["partitions"]]


async def try_records_behind(settings: KafkaSettings, topic_by_group: Mapping[str, str]) -> int | None:
    """The same; None when the broker does not answer in time."""
    try:
        async with asyncio.timeout(ANSWER_WITHIN_S):
            return await records_behind(settings, topic_by_group)
    except (KafkaError, OSError, TimeoutError):
        return None
