"""A flood of bad records on a real broker, and the ways past it that the runbook names."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import httpx
import pytest
from aiokafka import AIOKafkaProducer
from confluent_kafka import ConsumerGroupTopicPartitions
from confluent_kafka import TopicPartition as Place
from confluent_kafka.admin import AdminClient

from schemas.catalog import BUSINESS_DAY_OPENED
from services.kit import own_log
from services.kit.app import create
from services.kit.auth import Principal, authenticate
from services.kit.ids import new_id
from services.kit.subscription import Subscription
from tests.builders import a_day, a_record
from tests.kafka.calendars import TOPIC, on_day, produce, until
from tests.kafka.test_own_log import SERVICE
from tests.servers import Database

pytestmark = [pytest.mark.postgres, pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(400)]
FLOOD, PARTITION = 700, 1
GROUP = "dam.business-day-opened"
DAM = replace(SERVICE, subscriptions=(Subscription(BUSINESS_DAY_OPENED, GROUP, on_day),))
PLACE = re.compile(r"partition (\d+), offsets (\d+) to (\d+)")


@pytest.fixture
async def flooded(calendar: Database, topic: str, monkeypatch: pytest.MonkeyPatch) -> Database:
    """700 bad records stand in one partition, a good one before them and good ones behind."""
    monkeypatch.setattr(own_log, "LOOK_AGAIN_S", 0.1)
    await calendar.owner.execute("create table said (business_on date primary key)")
    producer = AIOKafkaProducer(bootstrap_servers=topic)
    await producer.start()
    good = a_record(a_day(0))
    for value in (good.value, *(b"{" for _ in range(FLOOD)), good.value):
        await producer.send(TOPIC, value, good.key, headers=_named(good.headers), partition=PARTITION)
    await producer.stop()
    await produce(topic, [a_record(a_day(n, f"Zone/{n}")) for n in range(10)])
    return calendar


def _named(headers: tuple[tuple[str, bytes | None], ...]) -> list[tuple[str, bytes | None]]:
    """The same with an id of its own."""
    return [(name, str(new_id()).encode() if name == "ce_id" else value) for name, value in headers]


@asynccontextmanager
async def serving(database: Database, bootstrap: str) -> AsyncIterator[httpx.AsyncClient]:
    """The service, asked by an operator."""
    app = create(DAM, database.settings(bootstrap))
    app.dependency_overrides[authenticate] = lambda: Principal("olga", frozenset({"operator"}), frozenset("*"), "*")
    transport = httpx.ASGITransport(app)
    async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport, base_url="http://k") as client:
        yield client


async def _say(client: httpx.AsyncClient, path: str, **body: object) -> None:
    answer = await client.post(path, json=body, headers={"Idempotency-Key": str(new_id()), "X-Reason": "ticket 7"})
    assert answer.status_code in {200, 201}, answer.text


async def _reason(client: httpx.AsyncClient, check: str) -> str:
    return str((await client.get("/ready")).json()["checks"][check]["reason"])


def _has(database: Database, heard: int, dead: int) -> Callable[[], Awaitable[bool]]:
    async def holds() -> bool:
        counts = [await database.pool.fetchval(f"select count(*) from {table}") for table in ("heard", "dead_letter")]
        return counts == [heard, dead]

    return holds


def _is_well(client: httpx.AsyncClient) -> Callable[[], Awaitable[bool]]:
    async def well() -> bool:
        return (await client.get("/ready")).status_code == 200

    return well


async def _until_it_stands_still(client: httpx.AsyncClient) -> tuple[int, int, int]:
    """The place that `/ready` names."""

    async def named() -> bool:
        return PLACE.search(await _reason(client, "bus")) is not None

    await until(named)
    found = PLACE.search(await _reason(client, "bus"))
    assert found is not None
    return int(found[1]), int(found[2]), int(found[3])


@pytest.mark.expects_error_log("batch failed")
async def test_a_flood_is_skipped_and_the_next_start_knows(flooded: Database, topic: str) -> None:
    """What is named at `/ready` is skipped, step by step; the good records around it are applied, no dead letter is
    left, and the service starts again without taking its database for an older one."""
    async with serving(flooded, topic) as client:
        partition, first, last = await _until_it_stands_still(client)
        assert (partition, await flooded.pool.fetchval("select count(*) from dead_letter")) == (PARTITION, 0)
        assert 1 <= first <= last <= FLOOD
        wanted = {"group": GROUP, "partition": partition, "first_offset": first, "last_offset": FLOOD + 100}
        said = {"Idempotency-Key": str(new_id()), "X-Reason": "ticket 7"}
        beyond = await client.post("/skips", json=wanted, headers=said)
        assert beyond.json()["type"] == "urn:vcc:problem:beyond-the-end"
        await _say(client, "/skips", **{**wanted, "last_offset": FLOOD})
        await until(_has(flooded, 12, 0))
        await until(_is_well(client))
    async with serving(flooded, topic) as client:
        await until(_is_well(client))


@pytest.mark.expects_error_log("batch failed")
async def test_a_flood_is_set_aside_when_the_limit_is_lifted(flooded: Database, topic: str) -> None:
    """Each bad record becomes a dead letter with its bytes; what came behind under the same key waits for an operator's
    word, all else is applied."""
    async with serving(flooded, topic) as client:
        await _until_it_stands_still(client)
        await _say(client, f"/dead-letter-limits/{GROUP}/lift", minutes=5)
        await until(_has(flooded, 10 + 1, FLOOD + 1))
        await until(_is_well(client))
    async with serving(flooded, topic) as client:
        await until(_is_well(client))


@pytest.mark.expects_error_log("database behind its own log")
async def test_a_group_that_was_moved_past_a_flood_is_believed_once_it_is_said(flooded: Database, topic: str) -> None:
    """Moved by Kafka's own tool the service takes its database for older than the log; the operator says that the range
    was skipped, and it begins, with the record behind the flood."""
    admin = AdminClient({"bootstrap.servers": topic})
    moved = ConsumerGroupTopicPartitions(GROUP, [Place(TOPIC, PARTITION, FLOOD + 1)])
    for future in admin.alter_consumer_group_offsets([moved]).values():
        future.result()
    async with serving(flooded, topic) as client:

        async def says_older() -> bool:
            return "older than the log" in await _reason(client, "own-log")

        await until(says_older)
        await _say(client, "/skips", group=GROUP, partition=PARTITION, first_offset=1, last_offset=FLOOD)
        await until(_has(flooded, 11, 0))
        await until(_is_well(client))
