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

import asyncpg
import structlog
from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError, UnknownTopicOrPartitionError

from schemas.catalog import TOPIC_OF_EVENT
from schemas.envelope import HEADER_SOURCE, Event
from services.kit import dead_letters, floods, inbox
from services.kit.contract import Decoder, Delivery, Reject, source_of, to_record
from services.kit.kafka import reading
from services.kit.offsets import offsets
from services.kit.postgres import ALL_TENANTS, Connection, create_pool, transaction
from services.kit.repeating import Repeating
from services.kit.settings import KafkaSettings, Settings
from services.kit.subscription import Subscription

SAID_RECORDS, HEARD_RECORDS = 200, 20
"""Looked at of each partition: a database that is behind lacks the newest. Among what was said others' records may
stand, and broken ones."""
ANSWER_WITHIN_S = 15.0
LOOK_AGAIN_S = 5.0
NOT_COMPARED = "not compared with the log yet"
OLDER = "the database is older than the log: it lacks what it has said or acknowledged"
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
        self._done = asyncio.Event()
        self.trouble: str | None = NOT_COMPARED if owned else None

    def stop(self) -> None:
        """Let nobody wait any longer."""
        super().stop()
        self._done.set()

    async def turn(self) -> float:
        """Compare. Once the database knows what was said, live until stopped, as every background task does."""
        try:
            await self.compare()
        except BehindLogError:
            return LOOK_AGAIN_S
        except Exception as error:
            self.trouble = f"{NOT_COMPARED}: {type(error).__name__}"
            raise
        self._done.set()
        self.faults.forget()
        await self._stopping.wait()
        return 0.0

    async def before(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Do this work once the database is known to be the newest; not at all if it never is."""
        await self._done.wait()
        if self.trouble is None:
            await work()

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
        committed = await _committed(self._settings.kafka, group_of)
        wanted = {place: range(max(0, end - HEARD_RECORDS), end) for place, end in committed.items()}
        oldest = datetime.now(UTC) - timedelta(days=self._settings.inbox_days - 1)
        found: list[ConsumerRecord] = []
        async with aclosing(_records(self._settings.kafka, wanted)) as batches:
            async for batch in batches:
                young = [record for record in batch if _at(record) > oldest]
                heard = decoders[batch[0].topic].decode([to_record(record) for record in young])
                async with transaction(self._pool, ALL_TENANTS) as connection:
                    known = await _known(connection, group_of[batch[0].topic], heard)
                found += [record for record, is_known in zip(young, known, strict=True) if not is_known]
        return found


def _at(record: ConsumerRecord) -> datetime:
    return datetime.fromtimestamp(record.timestamp / 1000, UTC)


async def _known(connection: Connection, group: str, heard: Sequence[Delivery | Reject]) -> list[bool]:
    ids = [result.event_id for result in heard if isinstance(result, Delivery)]
    marked = await inbox.load_received(connection, group, ids)
    records = [result.record for result in heard]
    kept = await dead_letters.load_kept(connection, group, records)
    skips = await floods.load_skips(connection, group, records)
    return [
        (result.record.partition, result.record.offset) in kept
        or (isinstance(result, Delivery) and result.event_id in marked)
        or any(skip.covers(result) for skip in skips)
        for result in heard
    ]


async def lost_facts(
    settings: Settings, pool: asyncpg.Pool, owned: Mapping[type[Event], Owned], newest: int | None = None
) -> AsyncGenerator[Delivery]:
    """What the log says in this service's name and its database does not know: of so many of the newest records of each
    partition; or of all records of all topics, none of which may be missing then."""
    decoders = {TOPIC_OF_EVENT[event].name: Decoder(TOPIC_OF_EVENT[event]) for event in owned}
    signature = HEADER_SOURCE, source_of(settings.service).encode()
    async with offsets(settings.kafka) as broker:
        ends = await broker.ends(await broker.partitions(decoders.keys()))
    if newest is None and (gone := decoders.keys() - {place.topic for place in ends}):
        raise UnknownTopicOrPartitionError(", ".join(sorted(gone)))
    wanted = {place: range(0 if newest is None else max(0, end - newest), end) for place, end in ends.items()}
    async with aclosing(_records(settings.kafka, wanted)) as batches:
        async for batch in batches:
            signed = [to_record(record) for record in batch if signature in record.headers]
            said = [result for result in decoders[batch[0].topic].decode(signed) if isinstance(result, Delivery)]
            # The store is asked after the log was read: what stands there was committed before.
            async with transaction(pool, ALL_TENANTS) as connection:
                places = await unknown(connection, owned, [delivery.event for delivery in said])
            for place in places:
                yield said[place]


async def _records(
    settings: KafkaSettings, wanted: Mapping[TopicPartition, range]
) -> AsyncGenerator[list[ConsumerRecord]]:
    """The records at these offsets, in batches of one partition; what retention or compaction took is not there."""
    if not any(wanted.values()):
        return
    async with reading(settings, auto_offset_reset="earliest") as reader:
        reader.assign(list(wanted))
        for place, span in wanted.items():
            reader.seek(place, span.start)
        while left := [place for place in wanted if await reader.position(place) < wanted[place].stop]:
            for place, found in (await reader.getmany(*left, timeout_ms=1000)).items():
                if batch := [record for record in found if record.offset in wanted[place]]:
                    yield batch


async def _committed(settings: KafkaSettings, group_of: Mapping[str, str]) -> dict[TopicPartition, int]:
    """How far each topic's group has acknowledged it; nothing for a group that never did."""
    async with offsets(settings) as broker:
        said = {topic: await broker.committed(group) for topic, group in group_of.items()}
    return {place: at for topic, places in said.items() for place, at in places.items() if place.topic == topic}


async def list_lost(settings: Settings, owned: Mapping[type[Event], Owned]) -> list[str]:
    """One line for each such fact of the whole log: where it stands, its type, and the fields that name it."""
    pool = await create_pool(settings)
    try:
        async with aclosing(lost_facts(settings, pool, owned)) as lost:
            return [_line(fact, owned[type(fact.event)].fields) async for fact in lost]
    finally:
        await pool.close()


def _line(one: Delivery, fields: Sequence[str]) -> str:
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
