"""How much of the log is not read yet, asked of the broker: true for all processes of a service together."""

import asyncio
from collections.abc import Mapping

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from services.kit.offsets import offsets
from services.kit.settings import KafkaSettings

ANSWER_WITHIN_S = 5.0


async def records_behind(settings: KafkaSettings, topic_by_group: Mapping[str, str]) -> int:
    """Records between what these groups have committed and the ends of their topics."""
    async with offsets(settings) as broker:
        ends = await broker.ends(await broker.partitions(set(topic_by_group.values())))
        return await broker.behind(topic_by_group, ends)


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
    async with asyncio.timeout(ANSWER_WITHIN_S), offsets(settings) as broker:
        known = place in await broker.partitions({place.topic})
        return (await broker.ends([place]))[place] if known else None
