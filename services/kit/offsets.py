"""How far the log reaches and how far groups have read it, asked of the broker: true for all processes together."""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from services.kit.kafka import administering, reading
from services.kit.settings import KafkaSettings

TOPIC_LEARNT_MS = 10
"""The client asks for the ends of a topic that it does not know, learns of it, and pauses so long before it asks again;
its 100 ms for each topic were a second of every report."""


class Offsets:
    """Two started clients that answer about topics and groups."""

    def __init__(self, reader: AIOKafkaConsumer, admin: AIOKafkaAdminClient) -> None:
        self._reader, self._admin = reader, admin
        self._coordinators: dict[str, int] = {}

    async def partitions(self, topics: Collection[str]) -> list[TopicPartition]:
        """Those of these topics that there are. All are asked for: one that is asked for by its name may be made."""
        described = [topic for topic in await self._admin.describe_topics() if topic["topic"] in topics]
        return [
            TopicPartition(topic["topic"], partition["partition"])
            for topic in described
            for partition in topic["partitions"]
        ]

    async def ends(self, places: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """The offset that each partition's next record will get."""
        wanted = list(places)
        return dict(await self._reader.end_offsets(wanted)) if wanted else {}

    async def committed(self, group: str) -> dict[TopicPartition, int]:
        """The offset that a group reads next, of each partition of which it has acknowledged anything."""
        if group not in self._coordinators:
            self._coordinators[group] = await self._admin.find_coordinator(group)
        said = await self._admin.list_consumer_group_offsets(group, self._coordinators[group])
        return {place: at.offset for place, at in said.items() if at.offset >= 0}

    async def behind(self, topic_by_group: Mapping[str, str], ends: Mapping[TopicPartition, int]) -> int:
        """Records between what these groups have committed and the ends of their topics."""
        committed = await asyncio.gather(*(self.committed(group) for group in topic_by_group))
        return sum(
            max(0, end - done.get(place, 0))
            for topic, done in zip(topic_by_group.values(), committed, strict=True)
            for place, end in ends.items()
            if place.topic == topic
        )


@asynccontextmanager
async def offsets(settings: KafkaSettings) -> AsyncIterator[Offsets]:
    """Somebody to ask, for the length of this block."""
    async with reading(settings, retry_backoff_ms=TOPIC_LEARNT_MS) as reader, administering(settings) as admin:
        yield Offsets(reader, admin)
