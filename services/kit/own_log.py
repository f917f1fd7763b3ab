"""Whether a service's database still knows what the service itself has said.

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
from typing import Any

import asyncpg
import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from schemas.catalog import TOPIC_OF_EVENT
from schemas.envelope import HEADER_SOURCE, Event
from services.kit import log
from services.kit.contract import Decoder, Delivery, Record, source_of, to_record
from services.kit.kafka import client_options
from services.kit.postgres import ALL_TENANTS, Connection, create_pool, is_fault, transaction
from services.kit.settings import KafkaSettings, Settings
from services.kit.waiting import wait

TAIL_RECORDS = 200
"""Looked at of each partition: a database that is behind lacks the newest. Others than the service's own (a broken
record, one that was sent twice) may stand among them."""
ANSWER_WITHIN_S = 30.0
RETRY_S = 1.0
LOOK_AGAIN_S = 5.0
OLDER = "the database is older than the log: it lacks facts that it has said"


@dataclass(frozen=True, slots=True)
class Owned:
    """How a service finds facts of one kind in its store. `unknown` is SQL that takes an array of each of `fields` and
    gives the `position`, from 1, of those that the store has never made; a higher version knows the lower ones."""

    fields: tuple[str, ...]
    unknown: str


class BehindLogError(Exception):
    """The database lacks facts that the service has said: it must be brought to its last commit."""


class OwnLog:
    """Compares the database with the end of the service's own topics, and lets others begin once it knows them."""

    def __init__(self, settings: Settings, pool: asyncpg.Pool, owned: Mapping[type[Event], Owned]) -> None:
        self._settings, self._pool, self._owned = settings, pool, owned
        self._stopping, self._done = asyncio.Event(), asyncio.Event()
        self.trouble: str | None = "not compared yet" if owned else None

    def stop(self) -> None:
        """Let nobody wait any longer."""
        self._stopping.set()
        self._done.set()

    async def run(self) -> None:
        """Compare until the database knows what was said; outlive a broker or a database that is away."""
        while self.trouble is not None and not self._stopping.is_set():
            try:
                await self.compare()
            except BehindLogError:
                await wait(self._stopping, LOOK_AGAIN_S)
            except Exception as error:
                if not (is_fault(error) or isinstance(error, KafkaError)):
                    raise
                structlog.get_logger().warning("own log not compared", **log.fault_fields(error))
                await wait(self._stopping, RETRY_S)
        self._done.set()

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
            lost = [one async for one in lost_facts(self._settings, self._pool, self._owned, TAIL_RECORDS)]
        for topic, facts in Counter(one.record.topic for one in lost).items() if self.trouble != OLDER else ():
            structlog.get_logger().error("database behind its own log", count=facts, topic=topic)
        self.trouble = OLDER if lost and not self._settings.accepts_lost_facts else None
        if self.trouble is not None:
            raise BehindLogError


async def lost_facts(
    settings: Settings, pool: asyncpg.Pool, owned: Mapping[type[Event], Owned], newest: int | None = None
) -> AsyncGenerator[Delivery]:
    """What the log says in this service's name and its database does not know: of all records, or of so many of the
    newest of each partition."""
    decoders = {TOPIC_OF_EVENT[event].name: Decoder(TOPIC_OF_EVENT[event]) for event in owned}
    signature = HEADER_SOURCE, source_of(settings.service).encode()
    async with aclosing(_batches(settings.kafka, list(decoders), newest)) as batches:
        async for batch in batches:
            signed = [one for one in batch if signature in one.headers]
            said = [one for one in decoders[batch[0].topic].decode(signed) if isinstance(one, Delivery)]
            # The store is asked after the log was read: what stands there was committed before.
            async with transaction(pool, ALL_TENANTS) as connection:
                places = await unknown(connection, owned, [one.event for one in said])
            for place in places:
                yield said[place]


async def _batches(settings: KafkaSettings, topics: Sequence[str], newest: int | None) -> AsyncGenerator[list[Record]]:
    """The records that are there now, of one partition each."""
    places = await _partitions(settings, topics)
    if not places:
        return
    reader = AIOKafkaConsumer(group_id=None, auto_offset_reset="earliest", **client_options(settings))
    try:
        await reader.start()
        ends, begins = await reader.end_offsets(places), await reader.beginning_offsets(places)
        reader.assign(places)
        for place, end in ends.items():
            reader.seek(place, begins[place] if newest is None else max(begins[place], end - newest))
        while left := [place for place in places if await reader.position(place) < ends[place]]:
            for found in (await reader.getmany(*left, timeout_ms=1000)).values():
                yield [to_record(one) for one in found]
    finally:
        await reader.stop()


async def _partitions(settings: KafkaSettings, topics: Sequence[str]) -> list[TopicPartition]:
    """Of all topics that there are, because a topic that is asked for by its name may be made."""
    admin = AIOKafkaAdminClient(**client_options(settings))
    try:
        await admin.start()
        described = [one for one in await admin.describe_topics() if one["topic"] in topics]
    finally:
        await admin.close()
    return [TopicPartition(topic["topic"], one["partition"]) for topic in described for one in topic["partitions"]]


async def list_lost(settings: Settings, owned: Mapping[type[Event], Owned]) -> list[str]:
    """One line for each such fact of the whole log: where it stands, its type, and the fields that name it."""
    pool = await create_pool(settings)
    try:
        async with aclosing(lost_facts(settings, pool, owned)) as lost:
            return [_line(one, owned[type(one.event)].fields) async for one in lost]
    finally:
        await pool.close()


def _line(one: Delivery, fields: Sequence[str]) -> str:
    place = f"{one.record.topic}/{one.record.partition}@{one.record.offset}"
    return "\t".join((place, one.event.event_type, *(f"{name}={getattr(one.event, name)}" for name in fields)))


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
