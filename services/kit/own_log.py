"""Whether a service's database still knows what the service itself has said, and what it has acknowledged.

A database that came back from an old backup, or from a replica that lagged, does not. Its next news would carry
versions that everybody has heard already, and be ignored; what it would read meanwhile would be acknowledged for good.
So until it knows the newest facts in the log, nothing is read, published or answered
(docs/runbooks/restore-from-backup.md).
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import structlog
from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError, UnknownTopicOrPartitionError

from schemas.catalog import TOPIC_OF_EVENT
from schemas.envelope import HEADER_SOURCE, Event
from services.kit import acknowledged, dead_letters, floods, inbox, incarnation, truncation
from services.kit.contract import Decoder, Delivery, Reject, event_id_of, source_of, to_record
from services.kit.offsets import offsets, records_at
from services.kit.postgres import ALL_TENANTS, Connection, create_pool, transaction
from services.kit.repeating import Repeating
from services.kit.settings import Settings
from services.kit.subscription import Subscription

SAID_RECORDS, HEARD_RECORDS = 200, 20
"""Looked at of each partition: a database that is behind lacks the newest. Among what was said others' records may
stand, and broken ones."""
ANSWER_WITHIN_S = 15.0
LOOK_AGAIN_S = 5.0
NOT_COMPARED = "not compared with the log yet"
RUNBOOK = "docs/runbooks/restore-from-backup.md"
OLDER = f"the database is older than the log: it lacks what it has said or acknowledged: see {RUNBOOK}"
UNKNOWN_VERSIONS = """
select position from unnest($1::uuid[], $2::numeric[]) with ordinality as said ({key}, said_version, position)
left join {table} using ({key})
where version is null or version < said_version
"""


@dataclass(frozen=True, slots=True)
class Owned:
    """How a service finds facts of one kind in its store. `unknown` is SQL that takes an array of each of `fields` and
    gives the `position`, from 1, of those that the store has never made; a higher version knows the lower ones."""

    fields: tuple[str, ...]
    unknown: str

    @classmethod
    def by_version(cls, table: str, key: str) -> "Owned":
        """What has a UUID and a row that keeps its newest version."""
        return cls((key, "version"), UNKNOWN_VERSIONS.format(table=table, key=key))


class BehindLogError(Exception):
    """The database lacks facts that the service has said: it must be brought to its last commit."""


class OwnLog(Repeating):
    """Compares the database with the end of the service's own topics and of what its groups have acknowledged, and lets
    others begin once it knows them. Without `owned` facts there is nothing to compare: the log tells it all again."""

    def __init__(
        self,
        settings: Settings,
        pool: asyncpg.Pool,
        owned: Mapping[type[Event], Owned],
        subscriptions: Sequence[Subscription] = (),
    ) -> None:
        super().__init__("own-log", KafkaError)
        self._settings, self._pool, self._owned, self._subscriptions = settings, pool, owned, subscriptions
        self._done, self._is_compared = asyncio.Event(), False
        self.trouble: str | None = NOT_COMPARED if owned else None

    def stop(self) -> None:
        """Let nobody wait any longer."""
        super().stop()
        self._done.set()

    async def turn(self) -> float:
        """Compare. Once the database knows what was said, live until stopped, as every background task does. While it
        can't be compared, requests are served on the incarnation that was compared last, and on no other."""
        try:
            await self.compare()
            await self._note_compared()
        except BehindLogError:
            return LOOK_AGAIN_S
        except Exception as error:
            await self._on_not_compared(type(error).__name__)
            raise
        self._is_compared = True
        self._done.set()
        self.faults.forget()
        await self._stopping.wait()
        return 0.0

    async def before(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Do this work once the database is known to be the newest; not at all if it never is."""
        await self._done.wait()
        if self._is_compared:
            await work()

    async def _note_compared(self) -> None:
        if self._owned:
            await incarnation.note_compared(self._pool)

    async def _on_not_compared(self, why: str) -> None:
        """A database that was found older is held back until it is not."""
        if self.trouble == OLDER:
            return
        if not await incarnation.was_compared(self._pool):
            self.trouble = f"{NOT_COMPARED}: {why}"
        elif self.trouble is not None:
            self.trouble = None
            structlog.get_logger().warning("serves on the database that was compared last", reason=why)

    async def compare(self) -> None:
        """Raises `BehindLogError` if the database lacks any of the newest facts, and nobody has accepted that."""
        if not self._owned:
            return
        async with asyncio.timeout(ANSWER_WITHIN_S):
            lost = [fact async for fact in lost_facts(self._settings, self._pool, self._owned, SAID_RECORDS)]
            forgotten = await self._forgotten()
        accepted_before = self._settings.accepts_lost_before or datetime.min.replace(tzinfo=UTC)
        missing = Counter(fact.record.topic for fact in lost if fact.event.occurred_at >= accepted_before)
        missing += Counter(record.topic for record in forgotten if _at(record) >= accepted_before)
        if missing and self.trouble != OLDER:
            for topic, count in missing.items():
                structlog.get_logger().error("database behind its own log", count=count, topic=topic)
        self.trouble = OLDER if missing else None
        if missing:
            raise BehindLogError

    async def _forgotten(self) -> list[ConsumerRecord]:
        """What stands before the offsets that this service's groups have committed, of which the database has neither
        the mark nor the dead letter, and which no operator left out. What is so old that the mark may be gone is not
        asked for."""
        group_of = {subscription.topic.name: subscription.group for subscription in self._subscriptions}
        decoders = {subscription.topic.name: Decoder(subscription.topic) for subscription in self._subscriptions}
        committed, topic_ids = await self._acknowledged(group_of)
        wanted = {place: range(max(0, end - HEARD_RECORDS), end) for place, end in committed.items()}
        oldest = datetime.now(UTC) - timedelta(days=self._settings.inbox_days - 1)
        found: list[ConsumerRecord] = []
        async with aclosing(records_at(self._settings.kafka, wanted)) as batches:
            async for batch in batches:
                young = [record for record in batch if _at(record) > oldest]
                topic_id = topic_ids.get(batch[0].topic)
                heard = decoders[batch[0].topic].decode([to_record(record, topic_id) for record in young])
                async with transaction(self._pool, ALL_TENANTS) as connection:
                    known = await _known(connection, group_of[batch[0].topic], heard)
                found += [record for record, is_known in zip(young, known, strict=True) if not is_known]
        return found

    async def _acknowledged(self, group_of: Mapping[str, str]) -> tuple[dict[TopicPartition, int], dict[str, UUID]]:
        """How far each topic's group has acknowledged what stands there still, nothing for a group that never did; and
        the topics' ids. What the log has lost since, or holds anew, is to be read again and is not forgotten."""
        topic_of = {group: topic for topic, group in group_of.items()}
        async with offsets(self._settings.kafka) as broker:
            back = await truncation.go_back(self._pool, broker.client, topic_of, self._settings.kafka.prefix)
            said = {topic: await broker.committed(group) for topic, group in group_of.items()}
            topic_ids = await broker.topic_ids(group_of)
            ends = await broker.ends(await broker.partitions(group_of))
        limits = {place: min(end, back.get(place, end)) for place, end in ends.items()}
        return {
            place: min(at, limits[place])
            for topic, places in said.items()
            for place, at in places.items()
            if place.topic == topic and place in limits
        }, topic_ids


def _at(record: ConsumerRecord) -> datetime:
    return datetime.fromtimestamp(record.timestamp / 1000, UTC)


async def _known(connection: Connection, group: str, heard: Sequence[Delivery | Reject]) -> list[bool]:
    ids = [event_id_of(result) for result in heard]
    marked = await inbox.load_received(connection, group, [event_id for event_id in ids if event_id is not None])
    records = [result.record for result in heard]
    kept = await dead_letters.load_kept(connection, group, records)
    skips = await floods.load_skips(connection, group, records)
    return [
        not kept.isdisjoint(dead_letters.places_of(result.record))
        or event_id in marked
        or any(skip.covers(result) for skip in skips)
        for result, event_id in zip(heard, ids, strict=True)
    ]


async def lost_facts(
    settings: Settings, pool: asyncpg.Pool, owned: Mapping[type[Event], Owned], newest: int | None = None
) -> AsyncGenerator[Delivery]:
    """What the log says in this service's name, its database does not know and no operator has acknowledged: of so
    many of the newest records of each partition; or of all records of all topics, none of which may be missing then."""
    decoders = {TOPIC_OF_EVENT[event].name: Decoder(TOPIC_OF_EVENT[event]) for event in owned}
    signature = HEADER_SOURCE, source_of(settings.service).encode()
    async with offsets(settings.kafka) as broker:
        ends = await broker.ends(await broker.partitions(decoders.keys()))
        topic_ids = await broker.topic_ids(decoders.keys())
    if newest is None and (gone := decoders.keys() - {place.topic for place in ends}):
        raise UnknownTopicOrPartitionError(", ".join(sorted(gone)))
    wanted = {place: range(0 if newest is None else max(0, end - newest), end) for place, end in ends.items()}
    async with aclosing(records_at(settings.kafka, wanted)) as batches:
        async for batch in batches:
            signed = [record for record in batch if signature in record.headers]
            topic_id = topic_ids.get(batch[0].topic)
            for fact in await _never_made(pool, owned, decoders[batch[0].topic], signed, topic_id):
                yield fact


async def never_said(
    settings: Settings, pool: asyncpg.Pool, owned: Mapping[type[Event], Owned], signed: Sequence[ConsumerRecord],
    topic_ids: Mapping[str, UUID],
) -> list[Delivery]:  # fmt: skip
    """Which of these records of one topic, in this service's name, its database has never made; what an operator has
    accepted as lost, or acknowledged, is none."""
    topics = {TOPIC_OF_EVENT[event].name: TOPIC_OF_EVENT[event] for event in owned}
    if not signed or signed[0].topic not in topics:
        return []
    accepted_before = settings.accepts_lost_before or datetime.min.replace(tzinfo=UTC)
    topic = topics[signed[0].topic]
    facts = await _never_made(pool, owned, Decoder(topic), signed, topic_ids.get(topic.name))
    return [fact for fact in facts if fact.event.occurred_at >= accepted_before]


async def _never_made(
    pool: asyncpg.Pool, owned: Mapping[type[Event], Owned], decoder: Decoder, signed: Sequence[ConsumerRecord],
    topic_id: UUID | None,
) -> list[Delivery]:  # fmt: skip
    """The store is asked after the log was read: what stands there was committed before."""
    decoded = decoder.decode([to_record(record, topic_id) for record in signed])
    said = [result for result in decoded if isinstance(result, Delivery)]
    async with transaction(pool, ALL_TENANTS) as connection:
        places = await unknown(connection, owned, [delivery.event for delivery in said])
        lacking = {said[place].record: said[place] for place in places}
        return [lacking[record] for record in await acknowledged.without(connection, list(lacking))]


async def list_lost(settings: Settings, owned: Mapping[type[Event], Owned]) -> AsyncGenerator[str]:
    """One line for each such fact of the whole log: where it stands, its type, and the fields that name it."""
    pool = await create_pool(settings)
    try:
        async with aclosing(lost_facts(settings, pool, owned)) as lost:
            async for fact in lost:
                yield line_of(fact, owned[type(fact.event)].fields)
    finally:
        await pool.close()


def line_of(one: Delivery, fields: Sequence[str]) -> str:
    """Where it stands, when it was said, its type, and the fields that name it."""
    place = f"{one.record.topic}/{one.record.partition}@{one.record.offset}"
    named = (f"{name}={getattr(one.event, name)}" for name in fields)
    return "\t".join((place, one.event.occurred_at.isoformat(), one.event.event_type, *named))


async def unknown(connection: Connection, owned: Mapping[type[Event], Owned], said: Sequence[Event]) -> list[int]:
    """The places of those that the database does not know."""
    places: defaultdict[type[Event], list[int]] = defaultdict(list)
    for place, event in enumerate(said):
        places[type(event)].append(place)
    found: list[int] = []
    for kind, mine in places.items():
        columns = ([getattr(said[place], name) for place in mine] for name in owned[kind].fields)
        found += [mine[row["position"] - 1] for row in await connection.fetch(owned[kind].unknown, *columns)]
    return sorted(found)
