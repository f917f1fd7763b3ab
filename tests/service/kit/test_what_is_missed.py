"""What is missed of the log: not what a compacted topic may have forgotten, and not what was said again meanwhile."""

import asyncio
from datetime import datetime
from uuid import UUID, uuid4

import pytest
from aiokafka import TopicPartition

from schemas.catalog import TARGET_ZIPS
from services.kit import published
from services.kit.compacted import without_forgotten
from services.kit.fencing import BEGIN_EPOCHS
from services.kit.log_loss import Ends
from services.kit.log_watch import LogWatch
from services.kit.postgres import Connection, transaction
from services.kit.published import Fact
from services.kit.saying_again import take_back
from tests.servers import Database, OpenDatabase

pytestmark = pytest.mark.postgres
TOPIC = TARGET_ZIPS.name
PLACE = TopicPartition(TOPIC, 0)
COLUMNS = "event_id, id, shard, aggregatetype, aggregateid, type, payload, occurred_at"
PUBLISH = f"""
insert into published ({COLUMNS}, "partition", "offset") values ($1, $2, 0, $3, $4, 't', '', now(), 0, $5)
"""
WAIT = f"insert into outbox ({COLUMNS}) overriding system value values ($1, $2, 0, $3, $4, 't', '', now())"


@pytest.fixture
async def store(database: OpenDatabase, monkeypatch: pytest.MonkeyPatch) -> Database:
    """In which a statement is about two facts at most."""
    monkeypatch.setattr(published, "SLICE", 2)
    return await database("kit")


async def _say(store: Database, number: int, key: str, offset: int | None) -> Fact:
    event_id: UUID = uuid4()
    await store.pool.execute(PUBLISH, event_id, number, TOPIC, key, offset)
    return Fact(event_id, PLACE, published.UNPLACED if offset is None else offset, number)


async def _missed(store: Database, lost: list[Fact], ends: Ends) -> list[Fact]:
    return await without_forgotten(store.pool, TOPIC, lost, ends)


def _ends(last: int, end: int, made_anew: frozenset[str] = frozenset()) -> Ends:
    return Ends({PLACE: last}, {PLACE: end}, made_anew=made_anew)


async def test_only_the_newest_fact_of_each_key_is_missed(store: Database) -> None:
    """Of seven facts about three keys the three newest, however many slices lie between them."""
    facts = [await _say(store, number, key, number) for number, key in enumerate("abcabac", 1)]
    assert await _missed(store, facts, _ends(7, 8)) == [facts[4], facts[5], facts[6]]


async def test_what_has_a_newer_one_in_the_log_is_not_missed(store: Database) -> None:
    """A fact of which nobody knows where it stood is older than one that stands there."""
    old = await _say(store, 1, "a", None)
    await _say(store, 2, "a", 5)
    assert await _missed(store, [old], _ends(5, 6)) == []


@pytest.mark.parametrize("offset", [7, None])
async def test_what_has_a_newer_one_since_the_ends_were_loaded_is_not_missed(
    store: Database, offset: int | None
) -> None:
    """It was published while the log was compared, behind the last place known before or nobody knows where."""
    old, other = await _say(store, 1, "a", 1), await _say(store, 2, "b", 2)
    for number, key in enumerate("xya", 3):
        await _say(store, number, key, None if offset is None else offset + number)
    assert await _missed(store, [old, other], _ends(2, 3)) == [other]


async def test_what_has_a_newer_one_waiting_is_not_missed(store: Database) -> None:
    """The newer one is in the outbox already: an older one that was said first would be compacted away again."""
    old, other = await _say(store, 1, "a", 1), await _say(store, 2, "b", 2)
    for number, key in enumerate("xya", 3):
        await store.pool.execute(WAIT, uuid4(), number, TOPIC, key)
    assert await _missed(store, [old, other], _ends(2, 3)) == [other]


async def test_what_relays_wait_for_is_missed_whatever_came_later(store: Database) -> None:
    """Behind a lost end, and in a topic that was made anew, old facts too: until they have left the store nothing newer
    is said."""
    lost = [await _say(store, number, "a", number) for number in (1, 2, 3)]
    assert await _missed(store, lost, _ends(3, 2)) == lost[1:]
    assert await _missed(store, lost, _ends(3, 2, frozenset({TOPIC}))) == lost


async def test_what_was_said_again_meanwhile_stays_where_it_stands(store: Database) -> None:
    """Somebody else healed after this one had looked: a fact that stands in another place by now is not taken back."""
    lost = [await _say(store, number, "a", number) for number in (1, 2)]
    await store.pool.execute('update published set "offset" = 9 where id = 1')
    async with transaction(store.pool, "*") as connection:
        assert await published.take_back(connection, lost) == {lost[1].event_id}
    assert await store.pool.fetchval("select array_agg(id) from outbox") == [2]
    assert await store.pool.fetchval("select array_agg(id) from published") == [1]


@pytest.mark.parametrize("is_waiting", [True, False])
async def test_what_got_a_newer_one_since_it_was_missed_is_not_said_again(store: Database, is_waiting: bool) -> None:
    """It would come to stand behind the newer one, and be the one that later readers get."""
    now = await _now(store)
    lost = [await _say(store, number, key, number) for number, key in enumerate("ab", 1)]
    assert await _missed(store, lost, _ends(2, 3)) == lost
    if is_waiting:
        await store.pool.execute(WAIT, uuid4(), 3, TOPIC, "a")
    else:
        await _say(store, 3, "a", 3)
    assert await take_back(store.pool, lost, _ends(2, 3), now) == {lost[1].event_id}


async def test_what_relays_wait_for_is_said_again_before_newer_ones(store: Database) -> None:
    """Behind a lost end nothing newer has left, so all of it goes back, though a newer one waits."""
    lost = [await _say(store, number, "a", number) for number in (1, 2)]
    await store.pool.execute(WAIT, uuid4(), 3, TOPIC, "a")
    assert len(await take_back(store.pool, lost, _ends(2, 1), await _now(store))) == 2


async def test_no_relay_begins_while_facts_go_back(store: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that has taken a shard since the others were fenced is fenced in its turn, and another waits for the end: so
    none can have sent what was not seen."""
    await store.pool.execute(BEGIN_EPOCHS, [0], "a relay")
    lost, hold_all, seen = [await _say(store, 1, "a", 1)], published.hold_all, list[published.Epochs]()

    async def held(connection: Connection) -> published.Epochs:
        if not seen:
            await store.pool.execute(BEGIN_EPOCHS, [0], "another relay")
        seen.append(await hold_all(connection))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(store.pool.execute(BEGIN_EPOCHS, [0], "a third relay"), 0.3)
        return seen[-1]

    monkeypatch.setattr(published, "hold_all", held)
    assert await take_back(store.pool, lost, _ends(1, 2), await _now(store)) == {lost[0].event_id}
    assert seen == [{0: 3}, {0: 4}]


async def test_whoever_asked_for_the_topics_before_overwrites_nobody(store: Database) -> None:
    """Two looked for the topic's id at once: what the slower one had found before another was saved is not kept."""
    first, second, third = uuid4(), uuid4(), uuid4()
    async with transaction(store.pool, "*") as connection:
        await published.save_topic_ids(connection, {TOPIC: first}, {})
        await published.save_topic_ids(connection, {TOPIC: second}, {TOPIC: first})
        for known in ({}, {TOPIC: first}):
            await published.save_topic_ids(connection, {TOPIC: third}, known)
        assert await published.load_topic_ids(connection) == {TOPIC: second}


@pytest.mark.expects_error_log("the log lacks")
@pytest.mark.parametrize(("said", "words"), [(2, "lacks 2 facts"), (3, "lacks at least 3"), (5, "lacks at least 3")])
async def test_a_long_loss_is_counted_so_far_only(
    store: Database, monkeypatch: pytest.MonkeyPatch, said: int, words: str
) -> None:
    """Whether a topic was made anew, has lost its end, or has holes: no more is counted, named or kept than that, and
    the reason says that it is at least so much."""
    monkeypatch.setattr(published, "COUNTED", 3)
    facts = [await _say(store, number, "a", number) for number in range(said)]
    for ends in (_ends(said - 1, said, frozenset({TOPIC})), _ends(said - 1, 0), _ends(said - 1, said)):
        watch = LogWatch(store.settings(), store.pool, {})
        for fact in facts if ends.ends[PLACE] and not ends.made_anew else ():
            watch._miss([fact])
        watch._tell(await watch._count_lacking(ends), {})
        assert words in (watch.trouble() or ""), ends


async def test_holes_that_are_looked_at_again_go_by_slices(store: Database) -> None:
    """No statement names more than a slice of them, and those that were mended are forgotten."""
    facts = [await _say(store, number, "a", number) for number in range(5)]
    await store.pool.execute('update published set "offset" = 9 where id = 3')
    watch = LogWatch(store.settings(), store.pool, {})
    assert await watch._still(facts) == {*facts[:3], facts[4]}


async def _now(store: Database) -> datetime:
    now: datetime = await store.pool.fetchval("select clock_timestamp()")
    return now
