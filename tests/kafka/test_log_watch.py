"""In the store if and only if in the log: what the standing check says when one of them has a fact more."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace

import pytest

from schemas.eligibility_v1 import BusinessDayOpenedV1
from schemas.envelope import Event
from services.kit import log_watch, metrics
from services.kit.log_watch import LogWatch
from services.kit.own_log import Owned
from services.kit.relay import Relay
from services.kit.unit_of_work import working
from tests.builders import a_day, a_record
from tests.kafka.calendars import TOPIC, produce, until
from tests.servers import Database

pytestmark = [
    pytest.mark.postgres, pytest.mark.kafka, pytest.mark.slow,
    pytest.mark.expects_error_log("the log lacks|the log holds"),
]  # fmt: skip
# Days up to the third were made.
UNKNOWN = """
select position from unnest($1::date[]) with ordinality as day (business_on, position) where business_on > '{last}'
"""
ALIENATE = """
update published set event_id = gen_random_uuid() where "offset" is not null and event_id = (
    select event_id from published order by id offset $1 limit 1
)
"""


@pytest.fixture
async def almanac(calendar: Database, topic: str) -> Database:
    """Four days were said and stand in the log."""
    database = replace(calendar, service="eligibility")
    relay = Relay(database.settings(topic), database.pool.signals)
    relaying = asyncio.create_task(relay.run())
    for day in range(4):
        async with working(database.pool) as work:
            await work.announce([a_day(day)])

    async def is_published() -> bool:
        return bool(await database.pool.fetchval("select count(*) = 4 from published"))

    await until(is_published)
    relay.stop()
    await asyncio.wait_for(relaying, 120)
    return database


def _watch(database: Database, bootstrap: str) -> LogWatch:
    known = UNKNOWN.format(last=a_day(3).business_on)
    owned: Mapping[type[Event], Owned] = {BusinessDayOpenedV1: Owned(("business_on",), known)}
    return LogWatch(database.settings(bootstrap), database.pool, owned)


def _told() -> tuple[float, float]:
    """By the metrics: what the log lacks and what the store lacks."""
    return (
        metrics.LOG_LACKS.labels(TOPIC)._value.get(),
        metrics.STORE_LACKS.labels(TOPIC)._value.get(),
    )


async def test_both_have_the_same(almanac: Database, topic: str) -> None:
    """Nothing is said while nothing is lacking; a record that the relay has sent twice is no fact more."""
    row = await almanac.pool.fetchrow("select event_id from published order by id limit 1")
    assert row is not None
    await produce(topic, [a_record(a_day(0), event_id=row["event_id"])])
    watch = _watch(almanac, topic)
    await watch.turn()
    assert (watch.trouble(), _told()) == (None, (0, 0))


@pytest.mark.parametrize("newest", [200, 0])
async def test_a_fact_that_is_gone_from_the_log_is_missed(
    almanac: Database, topic: str, monkeypatch: pytest.MonkeyPatch, newest: int
) -> None:
    """Another record stands in its place: found among the newest, and among the older ones by and by. It stays found
    until it is said again."""
    monkeypatch.setattr(log_watch, "NEWEST", newest)
    watch = _watch(almanac, topic)
    await watch.turn()
    await almanac.pool.execute(ALIENATE, 1)
    for _ in range(3):
        await watch.turn()
    assert "the log lacks 1 facts" in (watch.trouble() or "")
    assert _told() == (1, 0)
    await almanac.pool.execute("delete from published where event_id in (select event_id from published offset 0)")
    await watch.turn()
    assert watch.trouble() is None


async def test_a_fact_that_was_never_made_is_noticed(almanac: Database, topic: str) -> None:
    """Somebody says something in the service's name; what another says in his own is not looked at."""
    await produce(topic, [a_record(a_day(7)), a_record(a_day(8), service="outreach")])
    watch = _watch(almanac, topic)
    await watch.turn()
    assert "holds 1 facts in its name that it never made" in (watch.trouble() or "")
    assert _told() == (0, 1)
