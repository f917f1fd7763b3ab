"""Which record it is: an offset alone is not for ever."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from aiokafka import TopicPartition

from schemas.catalog import BUSINESS_DAY_OPENED
from services.kit import dead_letters, floods, own_log, positions, redrive
from services.kit.batches import Outcome, apply_batch
from services.kit.contract import Record
from services.kit.floods import Skip
from services.kit.generation import Generation
from services.kit.ids import new_id
from services.kit.positions import Span
from services.kit.postgres import transaction
from services.kit.redrive import Redriven
from services.kit.subscription import Subscription
from services.kit.unit_of_work import UnitOfWork, working
from tests.builders import a_day, a_record, decoded
from tests.servers import Database, OpenDatabase

pytestmark = pytest.mark.postgres
GROUP, TOPIC = "calendar.business-day-opened", BUSINESS_DAY_OPENED.name
OLD, NEW = UUID(int=7), UUID(int=8)
PLACES = {GROUP: TOPIC}


async def on_day(_work: UnitOfWork, _events: Sequence[Any]) -> None:
    """Nothing is to be done."""


@pytest.fixture
async def calendar(database: OpenDatabase) -> Database:
    return await database("kit")


async def _discard(database: Database, record: Record) -> None:
    await apply_batch(database.pool, GROUP, decoded(record), on_day)
    [letter] = await database.pool.fetch("select id from dead_letter where state = 'dead'")
    subscriptions = {GROUP: Subscription(BUSINESS_DAY_OPENED, GROUP, on_day)}
    async with working(database.pool) as work:
        assert await redrive.discard(work, subscriptions, letter["id"], "olga") == Redriven(discarded=1)


async def test_an_offset_that_is_given_again_is_another_record(calendar: Database) -> None:
    """Where a record was discarded another one stands by now, in a topic made anew or behind a lost end: it is applied,
    and a bad one is kept as a dead letter of its own. The discarded one, delivered again, stays discarded."""
    given_up = replace(a_record(a_day(0), offset=3, value=b"{"), written_ms=1000)
    await _discard(calendar, given_up)
    assert await apply_batch(calendar.pool, GROUP, decoded(given_up), on_day) == Outcome()
    other = replace(a_record(a_day(1), offset=3), written_ms=2000)
    assert await apply_batch(calendar.pool, GROUP, decoded(other), on_day) == Outcome(fresh=1)
    bad = replace(a_record(a_day(2), offset=3, value=b"["), written_ms=3000)
    assert await apply_batch(calendar.pool, GROUP, decoded(bad), on_day) == Outcome(rejected=1)
    rows = await calendar.pool.fetch("select written_ms, state from dead_letter order by written_ms")
    assert [tuple(row) for row in rows] == [(1000, "discarded"), (3000, "dead")]


async def test_what_was_discarded_before_times_were_kept_stays_so(calendar: Database) -> None:
    """A row without a time is believed, as it always was."""
    given_up = replace(a_record(a_day(0), offset=3, value=b"{"), written_ms=1000)
    await _discard(calendar, given_up)
    await calendar.pool.execute("update dead_letter set written_ms = default")
    assert await apply_batch(calendar.pool, GROUP, decoded(given_up), on_day) == Outcome()
    async with transaction(calendar.pool, "*") as connection:
        kept = await dead_letters.load_kept(connection, GROUP, [given_up])
    assert not kept.isdisjoint(dead_letters.places_of(given_up))


async def test_a_letter_from_before_times_were_kept_is_not_doubled(calendar: Database) -> None:
    """The same record, delivered again after the upgrade, is the letter that waits already."""
    bad = replace(a_record(a_day(0), offset=3, value=b"{"), written_ms=1000)
    await apply_batch(calendar.pool, GROUP, decoded(bad), on_day)
    await calendar.pool.execute("update dead_letter set written_ms = default")
    await apply_batch(calendar.pool, GROUP, decoded(bad), on_day)
    rows = await calendar.pool.fetch("select written_ms, state from dead_letter")
    assert [tuple(row) for row in rows] == [(-1, "dead")]


async def test_a_skipped_range_is_of_one_topic(calendar: Database) -> None:
    """A range leaves out records of the topic that it was said of. One from before ids were kept is of the topic that
    is there when they are first learnt."""
    record = a_record(a_day(0), offset=3)
    async with transaction(calendar.pool, "*") as connection:
        await floods.save_skip(connection, GROUP, TOPIC, Skip(0, 0, 9, only_unreadable=False), "olga")
        await floods.adopt_skips(connection, {TOPIC: OLD})
        await floods.adopt_skips(connection, {TOPIC: NEW})
    of_old, of_new = replace(record, topic_id=OLD), replace(record, topic_id=NEW)
    assert await apply_batch(calendar.pool, GROUP, decoded(of_old), on_day) == Outcome()
    assert await apply_batch(calendar.pool, GROUP, decoded(of_new), on_day) == Outcome(fresh=1)


async def test_how_far_the_log_was_read_is_of_one_topic(calendar: Database) -> None:
    """Positions never go back but in a topic made anew, of which nothing was read yet."""
    place = GROUP, TopicPartition(TOPIC, 0)
    async with transaction(calendar.pool, "*") as connection:
        await positions.save(connection, GROUP, {0: Span(0, 9)}, OLD)
        await positions.save(connection, GROUP, {0: Span(0, 4)}, OLD)
        assert await positions.load(connection, PLACES, {TOPIC: OLD}) == {place: 9}
        assert await positions.load(connection, PLACES, {}) == {place: 9}
        assert await positions.load(connection, PLACES, {TOPIC: NEW}) == {}
        await positions.save(connection, GROUP, {0: Span(0, 2)}, NEW)
        assert await positions.load(connection, PLACES, {TOPIC: NEW}) == {place: 2}


def test_caught_up_means_that_the_store_has_read_it() -> None:
    """Behind is what the store has not read, whoever has acknowledged it; more acknowledged than read is a loss."""
    one, two = TopicPartition(TOPIC, 0), TopicPartition(TOPIC, 1)
    assert positions.behind({}, {one: 5, two: 3}, PLACES) == 8
    assert positions.behind({(GROUP, one): 5, (GROUP, two): 3}, {one: 5, two: 3}, PLACES) == 0
    assert positions.lacks({(GROUP, one): 4}, {(GROUP, one): 5})
    assert not positions.lacks({(GROUP, one): 5}, {(GROUP, one): 5})
    assert Generation(2, "0a1b2c3d") != Generation(2, "0a1b2c3e")


async def test_what_was_applied_before_sources_were_asked_for_is_known(calendar: Database) -> None:
    """A record without its producer's source that the version before has applied and acknowledged holds nobody back
    after the upgrade; one that was never applied does."""
    applied, never = new_id(), new_id()
    async with transaction(calendar.pool, "*") as connection:
        await connection.execute("insert into inbox (consumer, event_id) values ($1, $2)", GROUP, applied)
        heard = decoded(*(a_record(a_day(0), event_id=event_id, service="outreach") for event_id in (applied, never)))
        assert await own_log._known(connection, GROUP, heard) == [True, False]
