"""What only a real broker shows: offsets, redelivery, poison, and a relay that neither loses nor reorders."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from aiokafka import AIOKafkaConsumer

from schemas.catalog import BUSINESS_DAY_OPENED
from schemas.eligibility_v1 import BusinessDayOpenedV1
from services.kit.bus import Bus
from services.kit.ids import new_id
from services.kit.relay import Relay
from services.kit.subscription import Subscription
from services.kit.unit_of_work import Handler, UnitOfWork, working
from tests.builders import a_day, a_record
from tests.kafka.calendars import TOPIC, on_day, produce, until
from tests.servers import Database

pytestmark = [pytest.mark.postgres, pytest.mark.kafka, pytest.mark.slow]


@asynccontextmanager
async def consuming(
    database: Database, bootstrap: str, handler: Handler, group: str | None = None
) -> AsyncIterator[Bus]:
    """A bus at work."""
    settings = database.settings(bootstrap)
    subscription = Subscription(BUSINESS_DAY_OPENED, group or f"calendar.{new_id()}", handler)
    bus = Bus(settings, database.pool, [subscription])
    task = asyncio.create_task(bus.run())
    yield bus
    bus.stop()
    await asyncio.wait_for(task, 120)


def _heard(database: Database, rows: int) -> Callable[[], Awaitable[bool]]:
    async def enough() -> bool:
        found: int = await database.pool.fetchval("select count(*) from heard")
        return found >= rows

    return enough


async def test_poison_loses_nothing_else(calendar: Database, topic: str) -> None:
    """Null, binary and missing headers, tombstones, bad JSON and null keys are set aside; every good record between
    them is applied."""
    good = [a_record(a_day(n, f"Zone/{n}")) for n in range(10)]
    poison = [
        a_record(a_day(0, "Bad/1"), headers=[("ce_id", None)]),
        a_record(a_day(0, "Bad/2"), headers=[("ce_id", b"\xff\xfe"), ("content-type", None)]),
        a_record(a_day(0, "Bad/3"), headers=[]),
        a_record(a_day(0, "Bad/4"), value=None),
        a_record(a_day(0, "Bad/5"), value=b"{"),
        a_record(a_day(0, "Bad/6"), key=None),
        a_record(a_day(0, "Bad/7"), value=b" " * 950_000),
    ]
    await produce(topic, [record for pair in zip(good, poison, strict=False) for record in pair] + good[7:])
    async with consuming(calendar, topic, on_day):
        await until(_heard(calendar, 10))

        async def all_set_aside() -> bool:
            return bool(await calendar.pool.fetchval("select count(*) from dead_letter where state = 'dead'") == 7)

        await until(all_set_aside)
    assert await calendar.pool.fetchval("select count(*) from heard") == 10


@pytest.mark.expects_error_log("record set aside|batch failed")
async def test_one_record_that_breaks_the_handler_is_set_aside(calendar: Database, topic: str) -> None:
    """A handler that can't bear one record loses only that one; what follows under its key waits."""

    async def on_most_days(work: UnitOfWork, events: Sequence[BusinessDayOpenedV1]) -> None:
        if any(event.time_zone == "Zone/13" for event in events):
            raise KeyError("superstition")
        await on_day(work, events)

    await produce(topic, [a_record(a_day(n, f"Zone/{n}")) for n in range(40)] + [a_record(a_day(1, "Zone/13"))])
    async with consuming(calendar, topic, on_most_days):
        await until(_heard(calendar, 39))

        async def both_kept() -> bool:
            return bool(await calendar.pool.fetchval("select count(*) from dead_letter") == 2)

        await until(both_kept)
    states = await calendar.pool.fetch("select state, reason from dead_letter order by id")
    assert [tuple(row) for row in states] == [("dead", "handler-error"), ("parked", "key-parked")]


@pytest.mark.expects_error_log("record set aside|batch failed")
async def test_broken_code_does_not_dead_letter_everything(calendar: Database, topic: str) -> None:
    """When every record fails it is the code that is broken: the topic waits, and is read whole once it is mended."""
    broken = True

    async def on_day_maybe(work: UnitOfWork, events: Sequence[BusinessDayOpenedV1]) -> None:
        if broken:
            raise KeyError("typo")
        await on_day(work, events)

    await produce(topic, [a_record(a_day(n % 300, f"Zone/{n}")) for n in range(300)])
    async with consuming(calendar, topic, on_day_maybe) as bus:

        async def not_ready() -> bool:
            return bus.troubles() is not None and "batches fail" in str(bus.troubles())

        await until(not_ready)
        set_aside: int = await calendar.pool.fetchval("select count(*) from dead_letter")
        assert set_aside <= 20
        broken = False
        await until(_heard(calendar, 300 - set_aside))
    assert await calendar.pool.fetchval("select count(*) from heard") == 300 - set_aside


@pytest.mark.expects_error_log("batch failed")
async def test_fault_is_retried_until_it_passes(calendar: Database, topic: str) -> None:
    """A batch that fails with a fault comes again, and no record is set aside."""
    attempts = 0

    async def on_day_later(work: UnitOfWork, events: Sequence[BusinessDayOpenedV1]) -> None:
        nonlocal attempts
        attempts += 1
        if attempts < 4:
            raise ConnectionResetError
        await on_day(work, events)

    await produce(topic, [a_record(a_day(n)) for n in range(20)])
    async with consuming(calendar, topic, on_day_later):
        await until(_heard(calendar, 20))
    rows = await calendar.pool.fetch("select extract(doy from business_on)::int as day from heard order by position")
    assert [row["day"] for row in rows] == sorted(row["day"] for row in rows)
    assert await calendar.pool.fetchval("select count(*) from dead_letter") == 0


async def test_a_process_without_partitions_stands_by(calendar: Database, topic: str) -> None:
    """A process is ready once it has its place in the group; of four for three partitions one has none and is ready
    too, and measuring all the while that partitions change hands harms nobody."""
    group = f"calendar.{new_id()}"
    async with AsyncExitStack() as stack:
        buses = [await stack.enter_async_context(consuming(calendar, topic, on_day, group)) for _ in range(4)]
        assert {bus.troubles() for bus in buses} == {f"{group}: not connected"}

        async def placed() -> bool:
            for bus in buses:
                await bus.subscribers[0].sample()
            return [bus.troubles() for bus in buses] == [None] * 4 and shares() == [0, 1, 1, 1]

        def shares() -> list[int]:
            consumers = [bus.subscribers[0].consumer for bus in buses]
            return sorted(len(one.assignment()) for one in consumers if one is not None)

        await until(placed)


async def test_a_commit_wakes_the_relay(calendar: Database, topic: str) -> None:
    """A relay that looks but every ten minutes publishes what its own process commits at once, again and again."""
    relay = Relay(calendar.settings(topic, relay_poll_s=600), calendar.pool.signals)
    task = asyncio.create_task(relay.run())

    async def all_published() -> bool:
        return bool(await calendar.pool.fetchval("select count(*) from outbox") == 0)

    for day in range(3):
        async with working(calendar.pool) as work:
            await work.announce([a_day(day)])
        await until(all_published)
    relay.stop()
    await asyncio.wait_for(task, 120)


async def test_relays_publish_every_commit_in_order(calendar: Database, topic: str) -> None:
    """Eight writers, two competing relays: the log holds every committed event, none rolled back, each key in
    the order of its commits."""
    relays = [Relay(calendar.settings(topic), calendar.pool.signals) for _ in range(2)]
    tasks = [asyncio.create_task(relay.run()) for relay in relays]
    await calendar.owner.execute("create table zone (name text primary key, days int not null)")
    await calendar.pool.execute("insert into zone select 'Zone/' || n, 0 from generate_series(0, 9) n")

    async def write_days(writer: int) -> None:
        for turn in range(25):
            async with working(calendar.pool) as work:
                zone = f"Zone/{(writer + turn) % 10}"
                next_day = "update zone set days = days + 1 where name = $1 returning days"
                await work.announce([a_day(await work.connection.fetchval(next_day, zone), zone)])

    async def write_and_roll_back() -> None:
        for _ in range(10):
            try:
                async with working(calendar.pool) as work:
                    await work.announce([a_day(999, "Zone/never")])
                    raise ArithmeticError
            except ArithmeticError:
                continue

    await asyncio.gather(*(write_days(n) for n in range(8)), write_and_roll_back())

    async def all_published() -> bool:
        return bool(await calendar.pool.fetchval("select count(*) from outbox") == 0)

    await until(all_published)
    for relay in relays:
        relay.stop()
    await asyncio.gather(*tasks)
    log = await _read_all(topic, 200)
    by_zone: dict[str, list[BusinessDayOpenedV1]] = {}
    for event in log:
        by_zone.setdefault(event.time_zone, []).append(event)
    expected = await calendar.pool.fetch("select name, days from zone")
    assert {zone: len(days) for zone, days in by_zone.items()} == {row["name"]: row["days"] for row in expected}
    for days in by_zone.values():
        assert days == [a_day(n + 1, days[0].time_zone) for n in range(len(days))]


async def _read_all(bootstrap: str, expected: int) -> list[BusinessDayOpenedV1]:
    consumer = AIOKafkaConsumer(TOPIC, bootstrap_servers=bootstrap, auto_offset_reset="earliest", group_id=None)
    await consumer.start()
    events: list[BusinessDayOpenedV1] = []
    deadline = time.monotonic() + 120
    while len(events) < expected and time.monotonic() < deadline:
        for records in (await consumer.getmany(timeout_ms=200)).values():
            events.extend(BusinessDayOpenedV1.model_validate_json(record.value or b"") for record in records)
    await consumer.stop()
    return events
