"""What stands between the broker and a batch: compressions, transactions, and a client whose own tasks end."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

import aiokafka.codec
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from confluent_kafka import Producer

from schemas.eligibility_v1 import BusinessDayOpenedV1
from services.kit import bus, faults
from services.kit.backlog import records_behind
from services.kit.bus import Bus
from services.kit.contract import Record
from services.kit.fetching import unreadable_codecs
from services.kit.ids import new_id
from services.kit.unit_of_work import UnitOfWork
from tests.builders import a_day, a_record
from tests.kafka.calendars import TOPIC, on_day, produce, until
from tests.kafka.test_bus import consuming
from tests.servers import Database

pytestmark = [pytest.mark.postgres, pytest.mark.kafka, pytest.mark.slow]
CODECS = ("gzip", "snappy", "lz4", "zstd")


def _heard(calendar: Database, rows: int) -> Callable[[], Awaitable[bool]]:
    async def enough() -> bool:
        return int(await calendar.pool.fetchval("select count(*) from heard")) == rows

    return enough


async def _produce_compressed(bootstrap: str, codec: str, records: list[Record]) -> None:
    """As a producer of another language does: librdkafka knows every codec."""
    producer = Producer({"bootstrap.servers": bootstrap, "compression.type": codec, "linger.ms": 50})
    for record in records:
        producer.produce(TOPIC, record.value, record.key, headers=list(record.headers))
    assert await asyncio.to_thread(producer.flush, 20) == 0


@pytest.mark.skipif(unreadable_codecs() != [], reason=f"this installation can't read {unreadable_codecs()}")
async def test_every_compression_is_read(calendar: Database, topic: str) -> None:
    """Whatever compression a producer or the cluster's settings choose, the records are applied."""
    for at, codec in enumerate(CODECS):
        batch = [a_record(a_day(10 * at + n, f"Zone/{codec}/{n}/" + 200 * "z")) for n in range(10)]
        await _produce_compressed(topic, codec, batch)
    async with consuming(calendar, topic, on_day):
        await until(_heard(calendar, 40))


@pytest.mark.parametrize("codec", ["snappy", "lz4", "zstd"])
async def test_a_compression_that_cannot_be_read_names_itself(
    calendar: Database, topic: str, codec: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the library the service is not ready and says which codec it lacks; nothing is lost or set aside."""
    monkeypatch.setattr(aiokafka.codec, "cramjam", None)
    logging.getLogger("faststream").setLevel(logging.CRITICAL)
    await produce(topic, [a_record(a_day(0))])
    async with consuming(calendar, topic, on_day) as consumer:
        await until(_heard(calendar, 1))
        await _produce_compressed(topic, codec, [a_record(a_day(1, 200 * "z"))])
        wanted = f"records are compressed with {codec}, which can't be read here"

        async def says_so() -> bool:
            return wanted in str(consumer.troubles())

        await until(says_so)
    assert await calendar.pool.fetchval("select count(*) from dead_letter") == 0


async def _transaction(bootstrap: str, records: list[Record], *, aborts: bool = False) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, transactional_id=f"abacus-{new_id()}")
    await producer.start()
    await producer.begin_transaction()
    for record in records:
        await producer.send_and_wait(TOPIC, record.value, record.key, headers=list(record.headers))
    await (producer.abort_transaction() if aborts else producer.commit_transaction())
    await producer.stop()


async def test_the_marks_of_transactions_are_no_lag(calendar: Database, topic: str) -> None:
    """Behind a transaction's last record stands its mark: once the record is applied nothing is behind, for us and for
    everybody who compares the group's offsets with the topic's ends. What was taken back is not applied."""
    group = f"calendar.{new_id()}"
    settings = calendar.settings(topic)
    async with consuming(calendar, topic, on_day, group):
        await _transaction(topic, [a_record(a_day(n, f"Zone/{n}")) for n in range(6)])
        await until(_heard(calendar, 6))
        await _transaction(topic, [a_record(a_day(9, f"Zone/{n}")) for n in range(6)], aborts=True)

        async def nothing_is_behind() -> bool:
            return await records_behind(settings.kafka, {group: TOPIC}) == 0

        await until(nothing_is_behind)
    assert await calendar.pool.fetchval("select count(*) from heard") == 6
    await _transaction(topic, [a_record(a_day(20))])
    assert await records_behind(settings.kafka, {group: TOPIC}) == 2  # the record and its mark
    async with consuming(calendar, topic, on_day, group):
        await until(_heard(calendar, 7))
        await until(nothing_is_behind)


def _own_tasks(consumer: Bus) -> dict[str, asyncio.Task[None]]:
    subscriber = consumer.subscribers[0]
    client = subscriber.consumer
    assert client is not None
    return {
        "loop": subscriber._loops[-1],
        "coordination": client._coordinator._coordination_task,
        "fetches": client._fetcher._fetch_task,
    }


@pytest.mark.parametrize("which", ["loop", "coordination", "fetches"])
async def test_a_client_whose_task_has_ended_is_made_anew(
    calendar: Database, topic: str, which: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A task of the client's or of the framework's own that is cancelled in silence: the next record is read all the
    same, by a new consumer."""
    monkeypatch.setattr(bus, "SAMPLE_S", 0.1)
    monkeypatch.setattr(faults, "FIRST_PAUSE_S", 0.1)
    await produce(topic, [a_record(a_day(0))])
    async with consuming(calendar, topic, on_day) as consumer:
        await until(_heard(calendar, 1))
        _own_tasks(consumer)[which].cancel()
        await produce(topic, [a_record(a_day(1))])
        await until(_heard(calendar, 2))

        async def is_well() -> bool:
            return consumer.troubles() is None

        await until(is_well)


async def test_the_group_is_where_it_was_after_an_idle_look(calendar: Database, topic: str) -> None:
    """Acknowledging what was passed over never runs ahead of what is applied: a batch that fails comes again."""
    group = f"calendar.{new_id()}"
    fails = True

    async def on_day_later(work: UnitOfWork, events: Sequence[BusinessDayOpenedV1]) -> None:
        if fails:
            raise ConnectionResetError
        await on_day(work, events)

    await _transaction(topic, [a_record(a_day(n)) for n in range(3)])
    async with consuming(calendar, topic, on_day_later, group) as consumer:

        async def has_failed() -> bool:
            return "batches fail" in str(consumer.troubles())

        await until(has_failed)
        admin = AIOKafkaAdminClient(bootstrap_servers=topic)
        await admin.start()
        committed = await admin.list_consumer_group_offsets(group)
        await admin.close()
        assert sum(max(0, one.offset) for one in committed.values()) == 0
        fails = False
        await until(_heard(calendar, 3))
