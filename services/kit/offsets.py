"""How far the log reaches and how far groups have read it, asked of the broker: true for all processes together."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from uuid import UUID

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import GroupIdNotFound, KafkaError, NoError, NonEmptyGroup, for_code
from aiokafka.protocol.admin import DeleteGroupsRequest

from services.kit import topic_ids
from services.kit.broker_names import in_catalog, on_broker
from services.kit.kafka import ISOLATION, Isolation, administering, reading
from services.kit.settings import KafkaSettings

TOPIC_LEARNT_MS = 10
"""The client asks for the ends of a topic that it does not know, learns of it, and pauses so long before it asks again;
its 100 ms for each topic were a second of every report."""


class Offsets:
    """Two started clients that answer about topics and groups, by the catalog's names."""

    def __init__(self, reader: AIOKafkaConsumer, admin: AIOKafkaAdminClient, prefix: str = "") -> None:
        self._reader, self._admin, self._prefix = reader, admin, prefix
        self._coordinators: dict[str, int] = {}

    async def partitions(self, topics: Collection[str]) -> list[TopicPartition]:
        """Those of these topics that there are. All are asked for: one that is asked for by its name may be made."""
        wanted = {self._prefix + topic: topic for topic in topics}
        described = [topic for topic in await self._admin.describe_topics() if topic["topic"] in wanted]
        return [
            TopicPartition(wanted[topic["topic"]], partition["partition"])
            for topic in described
            for partition in topic["partitions"]
        ]

    async def ends(self, places: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """The offset that each partition's next record will get."""
        wanted = [on_broker(self._prefix, place) for place in places]
        ends = await self._reader.end_offsets(wanted) if wanted else {}
        return {in_catalog(self._prefix, place): end for place, end in ends.items()}

    async def committed(self, group: str) -> dict[TopicPartition, int]:
        """The offset that a group reads next, of each partition of which it has acknowledged anything."""
        name = self._prefix + group
        if group not in self._coordinators:
            self._coordinators[group] = await self._admin.find_coordinator(name)
        said = await self._admin.list_consumer_group_offsets(name, self._coordinators[group])
        return {in_catalog(self._prefix, place): at.offset for place, at in said.items() if at.offset >= 0}

    async def topic_ids(self, topics: Collection[str]) -> dict[str, UUID]:
        """Which topics these are; nothing where the broker does not tell."""
        return await topic_ids.load(self.client, topics, self._prefix)

    @property
    def client(self) -> AIOKafkaClient:
        """For a question that only the client can carry."""
        return self._reader._client

    async def groups(self) -> list[str]:
        """All consumer groups of this environment that there are."""
        found = [name for name, *_ in await self._admin.list_consumer_groups()]
        return [name.removeprefix(self._prefix) for name in found if name.startswith(self._prefix)]

    async def delete_groups(self, names: Iterable[str]) -> dict[str, type[KafkaError] | None]:
        """Delete those of these groups that have no members. Why not, if the broker refused; one that has members or is
        gone already is no refusal."""
        refused: dict[str, type[KafkaError] | None] = {}
        for name in names:
            called = self._prefix + name
            node = await self._admin.find_coordinator(called)
            answer = await self._admin._send_request(DeleteGroupsRequest([called]), node)
            for _, code in answer.results:
                error = for_code(code)
                refused[name] = None if error in {NoError, NonEmptyGroup, GroupIdNotFound} else error
        return refused

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
async def offsets(settings: KafkaSettings, isolation: Isolation = ISOLATION) -> AsyncIterator[Offsets]:
    """Somebody to ask, for the length of this block. `isolation`: what counts as the end of a partition."""
    async with (
        reading(settings, isolation=isolation, retry_backoff_ms=TOPIC_LEARNT_MS) as reader,
        administering(settings) as admin,
    ):
        yield Offsets(reader, admin, settings.prefix)


async def records_at(
    settings: KafkaSettings, wanted: Mapping[TopicPartition, range], isolation: Isolation = ISOLATION
) -> AsyncGenerator[list[ConsumerRecord]]:
    """The records at these offsets, in batches of one partition, under the catalog's names; what retention or
    compaction took is not there, nor is what the partition does not reach, now or by the time that it is read: it may
    lose its end meanwhile, or be another topic's."""
    if not any(wanted.values()):
        return
    async with reading(settings, isolation=isolation, auto_offset_reset="earliest") as reader:
        asked = {on_broker(settings.prefix, place): span for place, span in wanted.items()}
        spans = _reached(asked, await reader.end_offsets(list(asked)))
        reader.assign(list(spans))
        for place, span in spans.items():
            reader.seek(place, span.start)
        while left := [place for place in spans if await reader.position(place) < spans[place].stop]:
            batches = await reader.getmany(*left, timeout_ms=1000)
            if not batches:
                spans |= _reached({place: spans[place] for place in left}, await reader.end_offsets(left))
            for place, found in batches.items():
                topic = place.topic.removeprefix(settings.prefix)
                if batch := [replace(record, topic=topic) for record in found if record.offset in spans[place]]:
                    yield batch


def _reached(spans: Mapping[TopicPartition, range], ends: Mapping[TopicPartition, int]) -> dict[TopicPartition, range]:
    return {place: range(span.start, min(span.stop, ends[place])) for place, span in spans.items()}
