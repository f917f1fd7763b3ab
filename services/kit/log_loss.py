"""Whether the log still holds what the broker has acknowledged: a partition may have lost its end (a power loss before
the disk had it), a topic may have been made anew, a single record may be gone.

The store is asked before the log's ends and after the log's records: what it held by then is to stand there.
"""

from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from uuid import UUID

import asyncpg
from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.client import AIOKafkaClient, ConnectionGroup
from aiokafka.conn import AIOKafkaConnection
from aiokafka.errors import KafkaError

from schemas.envelope import HEADER_ID, HEADER_SOURCE
from services.kit import published, topic_ids
from services.kit.contract import source_of
from services.kit.kafka import ALL_RECORDS
from services.kit.offsets import offsets, records_at
from services.kit.postgres import ALL_TENANTS, Connection, transaction
from services.kit.published import Fact
from services.kit.settings import Settings
from services.kit.slices import BEFORE_ALL
from services.kit.topic_ids import Described

RUNBOOK = "docs/runbooks/log-lost-its-tail.md"


class LogLostError(KafkaError):  # type: ignore[misc]  # the client has no types
    """The log lacks what was said before: nothing newer may be said until it holds that again. Not retriable: what the
    client still holds must be read again."""

    retriable = False


@dataclass(frozen=True, slots=True)
class Ends:
    """Of the service's own topics: where the newest acknowledged facts stand, where the partitions end, which topics
    are other ones by now. `known_ids`: the topics that the store held its facts to stand in."""

    lasts: Mapping[TopicPartition, int]
    ends: Mapping[TopicPartition, int]
    topic_ids: Mapping[str, UUID] = field(default_factory=dict)
    made_anew: frozenset[str] = frozenset()
    known_ids: Mapping[str, UUID] = field(default_factory=dict)

    def beyond(self) -> dict[TopicPartition, range]:
        """The offsets that were acknowledged and that the partitions do not reach."""
        return {
            place: range(self.ends.get(place, 0), last + 1)
            for place, last in self.lasts.items()
            if last >= self.ends.get(place, 0)
        }


async def load_ends(settings: Settings, connection: Connection) -> Ends:
    """Of the service's own topics. A topic that nothing was said in is taken as it is, and a partition without a leader
    is asked when it has one: until then nothing can be said in it."""
    topics = published.topics_of(settings.service)
    names = [topic.name for topic in topics]
    known = await published.load_topic_ids(connection)
    async with offsets(settings.kafka, ALL_RECORDS) as broker:
        described = await topic_ids.describe(broker.client, names, settings.kafka.prefix)
        there = set(await broker.partitions(names))
        silent = {place for place in there if place.topic in described} - {
            TopicPartition(name, number) for name, one in described.items() for number in one.leaders
        }
        lasts = await published.load_lasts(connection, {*there, *published.places_of(topics)} - silent)
        ends = await broker.ends(there - silent)
    ids, said_in = {name: one.topic_id for name, one in described.items()}, {place.topic for place in lasts}
    made_anew = frozenset(name for name, one in ids.items() if name in said_in and known.get(name, one) != one)
    if new := {name: one for name, one in ids.items() if known.get(name) != one and name not in made_anew}:
        await published.save_topic_ids(connection, new, known)
    return Ends(lasts, ends, ids, made_anew, known)


class LogGuard:
    """Lets nothing newer into a log that lacks what was said before. Asked before each record leaves: it looks at the
    ends when the connection, a topic's id or a partition's leader is another one than at the last look."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._names = [topic.name for topic in published.topics_of(settings.service)]
        self._seen: dict[int, tuple[AIOKafkaConnection | None, Mapping[str, Described]]] = {}

    async def require(self, client: AIOKafkaClient, node: int, connection: Connection) -> None:
        """Raises LogLostError if the log ends before what was said in it, or is another one."""
        if not self._names:
            return
        by = client._conns.get((node, ConnectionGroup.DEFAULT))
        now = by, await topic_ids.describe(client, self._names, self._settings.kafka.prefix, node)
        if self._seen.get(node) != now:
            found = await load_ends(self._settings, connection)
            if found.made_anew or found.beyond():
                raise LogLostError(RUNBOOK)
            self._seen[node] = now


Said = tuple[UUID, ConsumerRecord]
"""A record with its event's id."""


@dataclass(frozen=True, slots=True)
class Part:
    """Of the log. `holes`: facts that are to stand there and do not; `unheld`: records in the service's name, with
    their event's id, where no such fact is held to stand. One may stand there more than once."""

    holes: list[Fact]
    unheld: list[Said]


async def compare(
    settings: Settings, pool: asyncpg.Pool, wanted: Mapping[TopicPartition, range]
) -> AsyncGenerator[Part]:
    """Record by record, of these offsets. No part has more than a slice."""
    upto = {place: span.start for place, span in wanted.items()}
    async with aclosing(records_at(settings.kafka, wanted, ALL_RECORDS)) as batches:
        async for batch in batches:
            place = TopicPartition(batch[0].topic, batch[0].partition)
            span = range(upto[place], batch[-1].offset + 1)
            if not span:  # read again, after the partition had lost its end
                continue
            upto[place] = span.stop
            said = _said([record for record in batch if record.offset in span], settings.service)
            async for part in _compare(pool, place, span, said):
                yield part
    for place, span in wanted.items():
        async for part in _compare(pool, place, range(upto[place], span.stop), []):
            yield part


async def _compare(
    pool: asyncpg.Pool, place: TopicPartition, span: range, said: Sequence[Said]
) -> AsyncGenerator[Part]:
    unheld = said
    ids = {event_id for event_id, _ in said}
    for portion in published.slices_of(span):
        async with transaction(pool, ALL_TENANTS) as connection:
            held = await published.load_at(connection, place, portion)
        known = {fact.event_id for fact in held}
        unheld = [one for one in unheld if one[0] not in known]
        yield Part([fact for fact in held if fact.event_id not in ids], [])
    for start in range(0, len(unheld), published.SLICE):
        yield Part([], list(unheld[start : start + published.SLICE]))


async def unplaced(pool: asyncpg.Pool, place: TopicPartition) -> AsyncGenerator[list[Fact]]:
    """The facts of a partition of which it is not known where they stand, a slice at a time."""
    after = BEFORE_ALL
    while True:
        async with transaction(pool, ALL_TENANTS) as connection:
            facts = await published.load_unplaced(connection, place, after)
        if not facts:
            return
        yield facts
        after = facts[-1].event_id


def _said(batch: Collection[ConsumerRecord], service: str) -> list[Said]:
    signature = HEADER_SOURCE, source_of(service).encode()
    signed = ((_event_id(record), record) for record in batch if signature in record.headers)
    return [(event_id, record) for event_id, record in signed if event_id is not None]


def _event_id(record: ConsumerRecord) -> UUID | None:
    try:
        return UUID(dict(record.headers)[HEADER_ID].decode())
    except (KeyError, ValueError, AttributeError):
        return None
