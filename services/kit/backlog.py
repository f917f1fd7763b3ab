"""How much of the log is not read yet, asked of the broker: true for all processes of a service together."""

import asyncio
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

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


async def answer_of(asking: Coroutine[Any, Any, int]) -> int | None:
    """What the broker says; None when it does not answer in time."""
    try:
        async with asyncio.timeout(ANSWER_WITHIN_S):
            return await asking
    except (KafkaError, OSError, TimeoutError):
        return None


@dataclass(frozen=True, slots=True)
class End:
    """Of a partition: the offset that the next record will get, and in which topic."""

    offset: int
    topic_id: UUID | None = None


async def end_of(settings: KafkaSettings, place: TopicPartition) -> End | None:
    """Where the partition ends; None if there is no such partition. Raises when the broker does not answer."""
    async with asyncio.timeout(ANSWER_WITHIN_S), offsets(settings) as broker:
        if place not in await broker.partitions({place.topic}):
            return None
        topic_ids = await broker.topic_ids({place.topic})
        return End((await broker.ends([place]))[place], topic_ids.get(place.topic))
