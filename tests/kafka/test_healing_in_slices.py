"""A long loss is healed a slice at a time, and goes on where it was cut off."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient

from schemas.envelope import HEADER_ID
from services.kit import faults, postgres, published
from services.kit.command_line import log_lost
from services.kit.postgres import OurConnection
from services.kit.relay import Relay
from services.kit.saying_again import AnotherHealsError, list_lost, say_again
from services.kit.unit_of_work import working
from tests.builders import a_day
from tests.kafka.calendars import TOPIC, drop_topic, make_topic, until
from tests.servers import Database

pytestmark = [pytest.mark.postgres, pytest.mark.kafka, pytest.mark.slow]
FACTS, SLICE = 1_800, 500


class Counting(OurConnection):
    """Knows the largest number of rows that a statement gave or named."""

    most = 0

    async def fetch(self, query: str, *args: Any, **options: Any) -> list[asyncpg.Record]:  # type: ignore[override]
        rows: list[asyncpg.Record] = await super().fetch(query, *args, **options)
        self._count(len(rows), *args)
        return rows

    async def execute(self, query: str, *args: Any, **options: Any) -> str:
        status: str = await super().execute(query, *args, **options)
        self._count(0, *args)
        return status

    async def fetchrow(self, query: str, *args: Any, **options: Any) -> asyncpg.Record | None:  # type: ignore[override]
        row: asyncpg.Record | None = await super().fetchrow(query, *args, **options)
        self._count(0, *args)
        return row

    async def fetchval(self, query: str, *args: Any, **options: Any) -> Any:
        value = await super().fetchval(query, *args, **options)
        self._count(0, *args)
        return value

    @classmethod
    def _count(cls, rows: int, *args: Any) -> None:
        cls.most = max(cls.most, rows, *(len(arg) for arg in args if isinstance(arg, list)))


@pytest.fixture
def counting(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Counting]]:
    """Every connection that is opened from now on counts."""
    monkeypatch.setattr(postgres, "OurConnection", Counting)
    yield Counting
    Counting.most = 0


@pytest.fixture
async def forgotten(calendar: Database, topic: str, monkeypatch: pytest.MonkeyPatch) -> Database:
    """All that was said stood in a topic that was made anew since."""
    monkeypatch.setattr(published, "SLICE", SLICE)
    monkeypatch.setattr(faults, "LONGEST_PAUSE_S", 0.3)
    database = replace(calendar, service="eligibility")
    async with working(database.pool) as work:
        await work.announce([a_day(day) for day in range(FACTS)])
    async with _relaying(database, topic):
        await _all_published(database)
    admin = AIOKafkaAdminClient(bootstrap_servers=topic)
    await admin.start()
    await drop_topic(admin)
    await make_topic(admin)

    async def is_led() -> bool:
        [described] = await admin.describe_topics([TOPIC])
        return [one["leader"] >= 0 for one in described["partitions"]] == [True] * 3

    await until(is_led)
    await admin.close()
    return database


@asynccontextmanager
async def _relaying(database: Database, bootstrap: str) -> AsyncIterator[Relay]:
    relay = Relay(database.settings(bootstrap), database.pool.signals)
    relaying = asyncio.create_task(relay.run())
    yield relay
    relay.stop()
    await asyncio.wait_for(relaying, 120)


async def _all_published(database: Database) -> None:
    async def is_empty() -> bool:
        return bool(await database.pool.fetchval("select count(*) = 0 from outbox"))

    await until(is_empty)


async def _said(database: Database) -> list[UUID]:
    rows = await database.pool.fetch("select event_id from published order by id")
    return [row["event_id"] for row in rows]


async def _log(bootstrap: str) -> list[UUID]:
    """All facts have one key."""
    async with AIOKafkaConsumer(TOPIC, bootstrap_servers=bootstrap, group_id=None,
                                auto_offset_reset="earliest") as reader:  # fmt: skip
        end = sum((await reader.end_offsets(reader.assignment())).values())
        found: list[UUID] = []
        while len(found) < end:
            for records in (await reader.getmany(timeout_ms=200)).values():
                found += [UUID(dict(record.headers)[HEADER_ID].decode()) for record in records]
        return found


async def test_no_statement_of_healing_costs_more_than_a_slice(
    forgotten: Database, topic: str, counting: type[Counting]
) -> None:
    """Neither listing nor saying again gives or names more rows at once than a slice has, and both tell all."""
    settings = forgotten.settings(topic)
    listed = [line async for line in list_lost(settings)]
    assert (len(listed), counting.most) == (FACTS, SLICE)
    counting.most = 0
    assert [line async for line in say_again(settings)] == listed
    assert counting.most == SLICE
    assert await forgotten.pool.fetchval("select count(*) from published") == 0


async def test_healing_goes_on_where_it_was_cut_off(forgotten: Database, topic: str) -> None:
    """Stopped after its first slice, it has put that and no more into the outbox, and nothing leaves from there; run
    again it puts the rest there, and all of it stands in the log under its own ids in its own order."""
    settings, said = forgotten.settings(topic), await _said(forgotten)
    listed = [line async for line in list_lost(settings)]
    async with aclosing(say_again(settings)) as lines:
        async for _ in lines:
            break
    waiting = "select array_agg(event_id order by id) from outbox"
    assert await forgotten.pool.fetchval(waiting) == said[:SLICE]
    async with _relaying(forgotten, topic) as relay:

        async def is_held() -> bool:
            return relay.faults.reason == "relay: LogLostError"

        await until(is_held)
        assert await _log(topic) == []
        assert [line async for line in say_again(settings)] == listed[SLICE:]
        await _all_published(forgotten)
    assert await _log(topic) == await _said(forgotten) == said
    assert [line async for line in list_lost(settings)] == []


async def test_no_two_heal_at_once(forgotten: Database, topic: str, capsys: pytest.CaptureFixture[str]) -> None:
    """While one heals another takes nothing back and says why, by exit code 3 too; once the first has ended it may."""
    settings, waiting = forgotten.settings(topic), "select count(*) from outbox"
    async with aclosing(say_again(settings)) as lines:
        async for _ in lines:
            break
        with pytest.raises(AnotherHealsError):
            [line async for line in say_again(settings)]
        assert await asyncio.to_thread(log_lost, settings, "republish-lost") == 3
        assert "another" in capsys.readouterr().err
        assert await forgotten.pool.fetchval(waiting) == SLICE
    assert len([line async for line in say_again(settings)]) == FACTS - SLICE
    assert await forgotten.pool.fetchval(waiting) == FACTS
