"""A topic of business days, and a handler that writes down what it hears."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError

from schemas.catalog import BUSINESS_DAY_OPENED
from schemas.eligibility_v1 import BusinessDayOpenedV1
from services.kit.contract import Record
from services.kit.unit_of_work import UnitOfWork

TOPIC = BUSINESS_DAY_OPENED.name


async def until(condition: Callable[[], Awaitable[bool]], timeout_s: float = 120) -> None:
    """Poll until the condition holds; fail at the deadline."""
    deadline = time.monotonic() + timeout_s
    while not await condition():
        assert time.monotonic() < deadline, "the condition did not come to hold in time"
        await asyncio.sleep(0.02)


async def make_topic(admin: AIOKafkaAdminClient, name: str = TOPIC, partitions: int = 3) -> None:
    """As soon as the broker has forgotten the one before. One that stands is a try's that the broker answered too late,
    or that of a test which has failed: it goes."""

    async def is_made() -> bool:
        answer = await admin.create_topics([NewTopic(name, partitions, 1)])
        codes = {code for _, code, *_ in answer.topic_errors}
        if codes == {TopicAlreadyExistsError.errno}:
            await admin.delete_topics([name])
        return codes == {0}

    await until(is_made)


async def drop_topic(admin: AIOKafkaAdminClient, name: str = TOPIC) -> None:
    """And wait until the broker says so."""
    await admin.delete_topics([name])

    async def is_gone() -> bool:
        return name not in await admin.list_topics()

    await until(is_gone)


async def on_day(work: UnitOfWork, events: Sequence[BusinessDayOpenedV1]) -> None:
    """Write down."""
    days, zones = [event.business_on for event in events], [event.time_zone for event in events]
    await work.connection.execute(
        "insert into heard (business_on, zone) select * from unnest($1::date[], $2::text[])", days, zones
    )


async def produce(bootstrap: str, records: Sequence[Record]) -> None:
    """Write raw records, as any producer could."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, max_request_size=4_000_000)
    await producer.start()
    for record in records:
        await producer.send_and_wait(record.topic, record.value, record.key, headers=list(record.headers))
    await producer.stop()
