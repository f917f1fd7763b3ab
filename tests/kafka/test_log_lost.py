"""A broker that loses the end of a partition, or a topic that is made anew, beside stores that know what was said."""

import asyncio
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from schemas.catalog import BUSINESS_DAY_OPENED
from schemas.eligibility_v1 import BusinessDayOpenedV1
from schemas.envelope import HEADER_ID, Event
from services.kit import bus, faults, log_watch, truncation
from services.kit.app import Service, create
from services.kit.own_log import Owned
from services.kit.saying_again import list_lost, say_again
from services.kit.subscriber import Subscriber
from services.kit.subscription import Subscription
from services.kit.unit_of_work import UnitOfWork, working
from tests.builders import a_day, a_record
from tests.kafka.calendars import TOPIC, drop_topic, make_topic, on_day, produce, until
from tests.servers import Database, WatchedKafka, open_folder, running, watched_kafka
from tests.torn_logs import tear

pytestmark = [
    pytest.mark.postgres, pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(400),
    pytest.mark.expects_error_log("the log lacks|the log holds"),
]  # fmt: skip
UNKNOWN_DAYS = """
select position from unnest($1::date[]) with ordinality as wanted (business_on, position)
where not exists (select from said where said.business_on = wanted.business_on)
"""
OWNED: Mapping[type[Event], Owned] = {BusinessDayOpenedV1: Owned(("business_on",), UNKNOWN_DAYS)}
SERVICE = Service(
    name="eligibility",
    title="A calendar",
    subscriptions=(Subscription(BUSINESS_DAY_OPENED, "eligibility.business-day-opened", on_day),),
    routers=(),
    migrations=Path(__file__).parent,
    owned=OWNED,
)
HELD = "log lacks"
SLOW_S = 1.2
"""Two questions, each behind a fetch that waits for half a second, and what else there is to do."""


class Broker:
    """One that may be killed, and started again without the end of its log."""

    def __init__(self, kafka: WatchedKafka, stack: ExitStack) -> None:
        self.kafka, self._stack = kafka, stack
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = self._stack.enter_context(running(self.kafka.prepare()))

    def lose(self, losses: Mapping[int, int]) -> None:
        """It is killed, and each of these partitions is without what stood from an offset on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        for partition, first_lost in losses.items():
            tear(self.kafka.data, TOPIC, partition, first_lost)
        self.start()


@pytest.fixture(scope="module")
def frail() -> Iterator[Broker]:
    """A broker of this module's own."""
    with ExitStack() as stack:
        broker = Broker(watched_kafka(stack.enter_context(open_folder())), stack)
        broker.start()
        yield broker


@pytest.fixture
async def broker(frail: Broker) -> AsyncIterator[Broker]:
    """With an empty topic of one partition."""
    async with _admin(frail) as admin:
        await make_topic(admin, partitions=1)
    yield frail
    async with _admin(frail) as admin:
        await drop_topic(admin)


@asynccontextmanager
async def _admin(broker: Broker) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.kafka.watched)
    await admin.start()
    yield admin
    await admin.close()


@pytest.fixture
async def almanac(calendar: Database, monkeypatch: pytest.MonkeyPatch) -> Database:
    """A service's database that has said nothing yet."""
    monkeypatch.setattr(faults, "LONGEST_PAUSE_S", 0.3)
    monkeypatch.setattr(log_watch, "PERIOD_S", 0.3)
    monkeypatch.setattr(bus, "SAMPLE_S", 0.2)
    await calendar.owner.execute("create table said (business_on date primary key)")
    return replace(calendar, service="eligibility")


@asynccontextmanager
async def _serving(database: Database, broker: Broker, service: Service = SERVICE) -> AsyncIterator[httpx.AsyncClient]:
    app = create(service, database.settings(broker.kafka.watched))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://kit") as client,
    ):
        yield client


async def _say(database: Database, *days: int) -> None:
    for day in days:
        async with working(database.pool) as work:
            await work.connection.execute("insert into said values ($1)", a_day(day).business_on)
            await work.announce([a_day(day)])


async def _say_one_by_one(database: Database, *days: int) -> None:
    for day in days:
        await _say(database, day)
        await _all_published(database)


async def _all_published(database: Database) -> None:
    async def is_empty() -> bool:
        return bool(await database.pool.fetchval("select count(*) = 0 from outbox"))

    await until(is_empty)


async def _all_heard(database: Database, *days: int) -> None:
    """Each once."""
    wanted = [a_day(day).business_on for day in days]

    async def has_heard() -> bool:
        return len(await database.pool.fetch("select from heard")) >= len(wanted)

    await until(has_heard)
    rows = await database.pool.fetch("select business_on from heard order by 1")
    assert [row["business_on"] for row in rows] == wanted


async def _says(client: httpx.AsyncClient, words: str | None) -> None:
    async def it_does() -> bool:
        reason = (await client.get("/ready")).json()["checks"]["log"]["reason"]
        return reason is None if words is None else words in (reason or "")

    await until(it_does)


async def _log(broker: Broker) -> list[UUID]:
    async with AIOKafkaConsumer(TOPIC, bootstrap_servers=broker.kafka.watched, group_id=None,
                                auto_offset_reset="earliest") as reader:  # fmt: skip
        [end] = (await reader.end_offsets(reader.assignment())).values()
        found: list[UUID] = []
        while len(found) < end:
            for records in (await reader.getmany(timeout_ms=200)).values():
                found += [UUID(dict(record.headers)[HEADER_ID].decode()) for record in records]
        return found


async def _said(database: Database) -> list[UUID]:
    rows = await database.pool.fetch("select event_id from published order by id")
    return [row["event_id"] for row in rows]


async def _heal(database: Database, broker: Broker) -> list[str]:
    settings = database.settings(broker.kafka.watched)
    listed = [line async for line in list_lost(settings)]
    assert [line async for line in say_again(settings)] == listed
    return listed


@pytest.mark.parametrize("runs_on", [True, False])
async def test_what_the_log_has_lost_is_said_again_in_its_order(
    almanac: Database, broker: Broker, runs_on: bool
) -> None:
    """The broker comes back without the last three of six facts. Nothing newer is said before those; the service says
    how many are lacking and works on; said again they stand under their own ids in their own order, before what was
    decided meanwhile, and nobody applies one twice."""
    async with _serving(almanac, broker):
        await _say_one_by_one(almanac, *range(6))
        await _all_heard(almanac, *range(6))
        said = await _said(almanac)
        if runs_on:
            broker.lose({0: 3})
            await _loss_is_healed(almanac, broker, said)
    if not runs_on:
        broker.lose({0: 3})
        async with _serving(almanac, broker):
            await _loss_is_healed(almanac, broker, said)


async def _loss_is_healed(almanac: Database, broker: Broker, said: list[UUID]) -> None:
    await _say(almanac, 6)
    async with _serving(almanac, broker) as client:
        await _says(client, f"{HELD} 3 facts")
        assert await _log(broker) == said[:3]
        assert await almanac.pool.fetchval("select count(*) from outbox") == 1
        assert (await client.get("/ready/serves")).status_code == 200
        lines = await _heal(almanac, broker)
        assert lines == [f"{TOPIC}/0@{offset}\t{said[offset]}" for offset in (3, 4, 5)]
        await _all_published(almanac)
        assert (await _log(broker))[:6] == said
        assert await _log(broker) == await _said(almanac)
        await _all_heard(almanac, *range(7))
        await _says(client, None)
        assert await _heal(almanac, broker) == []


@pytest.mark.parametrize(("runs_on", "answers_after_s"), [(True, 0.0), (True, SLOW_S), (False, 0.0)])
async def test_readers_go_back_to_where_the_log_ended(
    almanac: Database, broker: Broker, monkeypatch: pytest.MonkeyPatch, runs_on: bool, answers_after_s: float
) -> None:
    """Somebody went on producing before anybody looked: what stands on the offsets that were read before is read,
    once, and what stood there comes again without being applied again; also by a broker whose answers wait behind
    fetches."""
    _slow_down(monkeypatch, answers_after_s)
    async with _serving(almanac, broker):
        await _say_one_by_one(almanac, *range(6))
        await _all_heard(almanac, *range(6))
        if runs_on:
            await _go_on_elsewhere(almanac, broker)
            await _all_heard(almanac, *range(6), 10, 11, 12)
    if not runs_on:
        await _go_on_elsewhere(almanac, broker)
    async with _serving(almanac, broker) as client:
        await _all_heard(almanac, *range(6), 10, 11, 12)
        await _says(client, f"{HELD} 3 facts")
        assert len(await _heal(almanac, broker)) == 3
        await _all_published(almanac)
        await _says(client, None)
    assert set(await _said(almanac)) <= set(await _log(broker))
    await _all_heard(almanac, *range(6), 10, 11, 12)


def _slow_down(monkeypatch: pytest.MonkeyPatch, answers_after_s: float) -> None:
    go_back = truncation.go_back

    async def late(*arguments: Any) -> dict[TopicPartition, int]:
        await asyncio.sleep(answers_after_s)
        return await go_back(*arguments)

    monkeypatch.setattr(truncation, "go_back", late)


async def _go_on_elsewhere(almanac: Database, broker: Broker, first_lost: int = 3) -> None:
    """While nobody here gets to look."""
    for day in (10, 11, 12):
        await almanac.pool.execute("insert into said values ($1)", a_day(day).business_on)
    broker.lose({0: first_lost})
    records = [a_record(a_day(day)) for day in (10, 11, 12)]
    with ThreadPoolExecutor() as others:
        others.submit(asyncio.run, produce(broker.kafka.watched, records)).result()


async def test_a_topic_made_anew_gets_all_that_was_said(almanac: Database, broker: Broker) -> None:
    """Nothing is said into another topic of that name before an operator has looked; then all of it stands there."""
    async with _serving(almanac, broker) as client:
        await _say_one_by_one(almanac, *range(3))
        await _all_heard(almanac, *range(3))
        async with _admin(broker) as admin:
            await drop_topic(admin)
            await make_topic(admin, partitions=1)
        await _says(client, f"{HELD} 3 facts")
        await _say(almanac, 3)
        assert len(await _heal(almanac, broker)) == 3
        await _all_published(almanac)
        assert await _log(broker) == await _said(almanac)
        await _all_heard(almanac, *range(4))
        await _says(client, None)


class Readers:
    """Whoever reads is looked at once in a turn of the bus."""

    def __init__(self) -> None:
        self.started, self.looks = 0, 0
        self.subscriber: Subscriber | None = None

    async def leader_changes(self, broker: Broker) -> None:
        """The broker is killed and comes back with all that it had, and whatever they do about it is done."""
        before = self.leader()
        broker.lose({})
        await self.hear_of_a_leader_after(before)

    def leader(self) -> int:
        """The epoch of the leader whom they have heard of last."""
        assert self.subscriber is not None
        return self.subscriber.leader_epochs.get(0, -1)

    async def hear_of_a_leader_after(self, before: int) -> None:
        """And do whatever they do about it."""

        async def is_heard_of() -> bool:
            return self.leader() > before

        await until(is_heard_of, 60)
        await self.go_on()

    async def is_busy(self) -> bool:
        """Whether a batch is being applied."""
        return self.subscriber is not None and bool(self.subscriber._at_hand)

    async def has_more_at_hand(self) -> bool:
        """Whether the client has fetched what nobody has asked it for yet."""
        assert self.subscriber is not None
        assert self.subscriber.consumer is not None
        return bool(self.subscriber.consumer._fetcher._records)

    async def go_on(self) -> None:
        """They are looked at again, and begin before that if they were to."""
        looks = self.looks

        async def goes_on() -> bool:
            return self.looks > looks + 1

        await until(goes_on, 60)


@pytest.fixture
def readers(monkeypatch: pytest.MonkeyPatch) -> Readers:
    """How often they have begun to read."""
    readers = Readers()
    connect, sample = Subscriber.connect, Subscriber.sample

    def noted(subscriber: Subscriber, *reader: Any) -> None:
        readers.started += 1
        readers.subscriber = subscriber
        connect(subscriber, *reader)

    async def looked_at(subscriber: Subscriber) -> None:
        readers.looks += 1
        await sample(subscriber)

    monkeypatch.setattr(Subscriber, "connect", noted)
    monkeypatch.setattr(Subscriber, "sample", looked_at)
    return readers


async def test_another_leader_of_the_same_log_restarts_no_reader(
    almanac: Database, broker: Broker, readers: Readers
) -> None:
    """Twice the partition has another leader, and has lost nothing: whoever reads it reads on."""
    async with _serving(almanac, broker):
        await _say_one_by_one(almanac, *range(3))
        await _all_heard(almanac, *range(3))
        for day in (3, 4):
            await readers.leader_changes(broker)
            await _say_one_by_one(almanac, day)
            await _all_heard(almanac, *range(day + 1))
        assert readers.started == 1


async def test_who_waits_where_he_was_sent_back_to_reads_on(
    almanac: Database, broker: Broker, readers: Readers
) -> None:
    """Nothing has come yet behind the place to which an earlier loss has sent the reader: he is there, so the next
    leader restarts nobody, and what comes is read."""
    async with _serving(almanac, broker):
        await _say_one_by_one(almanac, *range(3))
        await _all_heard(almanac, *range(3))
        await almanac.pool.execute("update reading_position set goes_back = true")
        for _ in range(2):
            await readers.leader_changes(broker)
        assert readers.started == 1
        await _say_one_by_one(almanac, 3)
        await _all_heard(almanac, *range(4))
        assert not await almanac.pool.fetchval("select bool_or(goes_back) from reading_position")


async def test_what_was_at_hand_before_another_leader_is_held_against_his_log(
    almanac: Database, broker: Broker, readers: Readers
) -> None:
    """A reader has fetched records and not applied them yet when the log loses them and another leader is heard of:
    what stands on their offsets since then is read, too."""
    gate = asyncio.Event()
    async with _serving(almanac, broker, _behind(gate)):
        await _say_one_by_one(almanac, 0)
        await until(readers.is_busy)
        await _say(almanac, 1, 2, 3)
        await until(readers.has_more_at_hand)
        before = readers.leader()
        await _go_on_elsewhere(almanac, broker, first_lost=1)
        await readers.hear_of_a_leader_after(before)
        gate.set()
        await _all_heard(almanac, 0, 1, 2, 3, 10, 11, 12)


def _behind(gate: asyncio.Event) -> Service:
    """Who applies nothing before it is opened."""

    async def handle(work: UnitOfWork, events: Sequence[BusinessDayOpenedV1]) -> None:
        await gate.wait()
        await on_day(work, events)

    return replace(SERVICE, subscriptions=(replace(SERVICE.subscriptions[0], handler=handle),))
