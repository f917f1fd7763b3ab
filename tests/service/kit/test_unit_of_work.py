"""One batch, one transaction, on a real database."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import asyncpg
import pytest

from schemas.catalog import BUSINESS_DAY_OPENED
from schemas.eligibility_v1 import BusinessDayOpenedV1
from services.kit import audit, dead_letters, outbox, redrive, trace
from services.kit.auth import Principal
from services.kit.batches import Outcome, apply_batch
from services.kit.contract import Header, headers_of
from services.kit.ids import new_id
from services.kit.problem import Refusal
from services.kit.redrive import Redriven
from services.kit.subscription import Subscription
from services.kit.unit_of_work import UnitOfWork, working
from tests.builders import a_day, a_record, decoded
from tests.letters import mend
from tests.servers import Database, OpenDatabase

pytestmark = pytest.mark.postgres
GROUP = "calendar.business-day-opened"
CREATE_HEARD = "create table heard (position bigint generated always as identity, business_on date, zone text)"


@pytest.fixture
async def calendar(database: OpenDatabase) -> Database:
    """A database in which a handler writes down each day that it hears."""
    opened = await database("kit")
    await opened.owner.execute(CREATE_HEARD)
    return opened


async def on_day(work: UnitOfWork, events: Sequence[BusinessDayOpenedV1]) -> None:
    """Write down and pass on."""
    days, zones = [event.business_on for event in events], [event.time_zone for event in events]
    await work.connection.execute(
        "insert into heard (business_on, zone) select * from unnest($1::date[], $2::text[])", days, zones
    )
    await work.announce(events)


async def _heard(database: Database) -> list[int]:
    rows = await database.pool.fetch("select extract(day from business_on)::int as day from heard order by position")
    return [row["day"] for row in rows]


async def test_batch_is_applied_and_announced_once(calendar: Database) -> None:
    """Delivered twice, a batch has its effects and its announcements once."""
    batch = decoded(a_record(a_day(0)), a_record(a_day(1)))
    assert await apply_batch(calendar.pool, GROUP, batch, on_day) == Outcome(fresh=2)
    assert await apply_batch(calendar.pool, GROUP, batch, on_day) == Outcome(duplicates=2)
    assert await _heard(calendar) == [1, 2]
    assert await calendar.pool.fetchval("select count(*) from outbox") == 2


async def test_same_event_twice_in_one_batch_counts_once(calendar: Database) -> None:
    """An event published twice under one id is applied once, also inside one batch."""
    event_id = new_id()
    batch = decoded(a_record(a_day(), event_id=event_id), a_record(a_day(), event_id=event_id))
    assert await apply_batch(calendar.pool, GROUP, batch, on_day) == Outcome(fresh=1, duplicates=1)
    assert await _heard(calendar) == [1]


async def test_failed_handler_leaves_nothing(calendar: Database) -> None:
    """When the handler raises, nothing has happened: no effect, no announcement, no mark, no dead letter."""

    async def on_bad_day(work: UnitOfWork, events: Sequence[BusinessDayOpenedV1]) -> None:
        await on_day(work, events)
        raise ZeroDivisionError

    batch = decoded(a_record(a_day(0)), a_record(a_day(1, "Mars/Olympus"), value=b"{"))
    with pytest.raises(ZeroDivisionError):
        await apply_batch(calendar.pool, GROUP, batch, on_bad_day)
    for table in ("heard", "outbox", "inbox", "dead_letter", "parked_key"):
        assert await calendar.pool.fetchval(f"select count(*) from {table}") == 0


async def test_reject_is_kept_whole_and_the_rest_goes_on(calendar: Database) -> None:
    """An unusable record is kept with its original bytes, reason and coordinates, and holds up no other key."""
    headers = [("ce_id", None), ("x", b"\xff")]
    bad = a_record(a_day(0), value=b"\x00garbage", headers=headers)
    batch = decoded(bad, a_record(a_day(1, "Europe/Berlin")))
    assert await apply_batch(calendar.pool, GROUP, batch, on_day) == Outcome(fresh=1, rejected=1)
    async with calendar.pool.acquire() as connection:
        [listed] = await dead_letters.load_waiting(connection, None, 0, 10)
        kept = await dead_letters.load_dead_letter(connection, listed.id)
    assert kept is not None
    assert (kept.record.key, kept.record.value, list(kept.record.headers)) == (bad.key, bad.value, headers)
    assert (kept.reason, kept.record.offset, kept.state) == ("null-header", bad.offset, "dead")


async def test_later_events_of_a_rejected_key_are_parked(calendar: Database) -> None:
    """What follows a reject of its key waits behind it, in the same batch and in later ones; other keys go on."""
    first = decoded(a_record(a_day(0), value=b"{"), a_record(a_day(1)), a_record(a_day(2, "Europe/Berlin")))
    assert await apply_batch(calendar.pool, GROUP, first, on_day) == Outcome(fresh=1, rejected=1, parked=1)
    assert await apply_batch(calendar.pool, GROUP, decoded(a_record(a_day(3))), on_day) == Outcome(parked=1)
    assert await _heard(calendar) == [3]


async def test_record_without_key_parks_nothing(calendar: Database) -> None:
    """A reject without a key holds up nothing."""
    batch = decoded(a_record(a_day(0), key=None), a_record(a_day(1)))
    assert await apply_batch(calendar.pool, GROUP, batch, on_day) == Outcome(fresh=1, rejected=1)
    assert await calendar.pool.fetchval("select count(*) from parked_key") == 0


async def _first_waiting(database: Database) -> int:
    found: int = await database.pool.fetchval("select min(id) from dead_letter where state in ('dead', 'parked')")
    return found


SUBSCRIPTIONS = {GROUP: Subscription(BUSINESS_DAY_OPENED, GROUP, on_day)}


async def _redrive(
    database: Database, how: Callable[..., Awaitable[Redriven | Refusal | None]], letter: int
) -> Redriven | Refusal | None:
    async with working(database.pool) as work:
        return await how(work, SUBSCRIPTIONS, letter, "op-7")


async def test_discard_releases_what_waits_in_order(calendar: Database) -> None:
    """Discarding a dead letter applies what waits behind it in the log's order and lets new arrivals through."""
    batch = decoded(a_record(a_day(0), value=b"{"), *[a_record(a_day(n)) for n in (1, 2, 3)])
    await apply_batch(calendar.pool, GROUP, batch, on_day)
    letter = await _first_waiting(calendar)
    assert await _redrive(calendar, redrive.discard, letter) == Redriven(replayed=3, discarded=1)
    assert await _heard(calendar) == [2, 3, 4]
    assert await apply_batch(calendar.pool, GROUP, decoded(a_record(a_day(4))), on_day) == Outcome(fresh=1)
    assert await _redrive(calendar, redrive.discard, letter) is None


async def test_replay_takes_effect_once(calendar: Database) -> None:
    """A dead letter that has become usable is applied by the first replay and by no further one."""
    await apply_batch(calendar.pool, GROUP, decoded(a_record(a_day(0), value=b"{")), on_day)
    letter = await _first_waiting(calendar)
    await mend(calendar.pool, letter, a_record(a_day(0)).value or b"")
    assert await _redrive(calendar, redrive.replay, letter) == Redriven(replayed=1)
    assert await _redrive(calendar, redrive.replay, letter) is None
    assert await _heard(calendar) == [1]


async def test_replay_of_what_is_still_unusable_changes_nothing(calendar: Database) -> None:
    """A replay says why the record is still unusable, and it goes on waiting."""
    await apply_batch(calendar.pool, GROUP, decoded(a_record(a_day(0), value=b"{")), on_day)
    letter = await _first_waiting(calendar)
    assert await _redrive(calendar, redrive.replay, letter) == Redriven(still_dead="bad-json")
    assert await _first_waiting(calendar) == letter


async def _waiting(database: Database) -> list[tuple[str, str]]:
    rows = await database.pool.fetch(
        "select state, reason from dead_letter where state in ('dead', 'parked') order by id"
    )
    return [tuple(row) for row in rows]


async def test_only_what_is_unreadable_stays_and_holds_its_own_key(calendar: Database) -> None:
    """Of what waits, all before an unreadable record is applied; that one stays, told, and only what comes after it in
    its key goes on waiting, until it is given up."""
    batch = decoded(
        a_record(a_day(0), value=b"{"), a_record(a_day(1)), a_record(a_day(2), value=b"["), a_record(a_day(3))
    )
    await apply_batch(calendar.pool, GROUP, batch, on_day)
    letter = await _first_waiting(calendar)
    await mend(calendar.pool, letter, a_record(a_day(0)).value or b"")
    done = await _redrive(calendar, redrive.replay, letter)
    assert done == Redriven(replayed=2, still_dead="bad-json")
    assert (done.replayed_ids, done.still_dead_id) == ((letter, letter + 1), letter + 2)
    assert await _heard(calendar) == [1, 2]
    assert await _waiting(calendar) == [("dead", "bad-json"), ("parked", "key-parked")]
    assert await apply_batch(calendar.pool, GROUP, decoded(a_record(a_day(4))), on_day) == Outcome(parked=1)
    assert await _redrive(calendar, redrive.discard, letter + 2) == Redriven(replayed=2, discarded=1)
    assert await _heard(calendar) == [1, 2, 4, 5]


async def test_a_handler_that_still_fails_keeps_one_record(calendar: Database) -> None:
    """A waiting record that its handler can't bear stays as a handler error and leaves no mark and no effect; what
    stood before it is applied."""

    async def superstitious(work: UnitOfWork, events: Sequence[BusinessDayOpenedV1]) -> None:
        await on_day(work, events)
        if any(event.business_on.day == 13 for event in events):
            raise KeyError("superstition")

    batch = decoded(a_record(a_day(0), value=b"{"), a_record(a_day(11)), a_record(a_day(12)))
    await apply_batch(calendar.pool, GROUP, batch, on_day)
    subscriptions = {GROUP: Subscription(BUSINESS_DAY_OPENED, GROUP, superstitious)}
    async with working(calendar.pool) as work:
        letter = await _first_waiting(calendar)
        done = await redrive.discard(work, subscriptions, letter, "op-7")
    assert done == Redriven(replayed=1, discarded=1, still_dead="handler-error")
    assert await _heard(calendar) == [12]
    assert await _waiting(calendar) == [("dead", "handler-error")]
    assert await _redrive(calendar, redrive.replay, letter + 2) == Redriven(replayed=1)
    assert await _heard(calendar) == [12, 13]


async def test_what_was_discarded_stays_discarded(calendar: Database) -> None:
    """A record that an operator gave up is not applied when the log is delivered again, although it can be read."""
    bad, good = a_record(a_day(0), value=b"{"), a_record(a_day(1))
    await apply_batch(calendar.pool, GROUP, decoded(bad, good), on_day)
    first, second = await calendar.pool.fetch("select id from dead_letter order by id")
    await _redrive(calendar, redrive.discard, second["id"])
    await _redrive(calendar, redrive.discard, first["id"])
    assert await apply_batch(calendar.pool, GROUP, decoded(bad, good), on_day) == Outcome()
    assert await _heard(calendar) == []


async def test_new_arrival_waits_for_a_release_under_way(calendar: Database) -> None:
    """An event that arrives while its key is being released is applied after what waited before it."""
    batch = decoded(a_record(a_day(0), value=b"{"), a_record(a_day(1)))
    await apply_batch(calendar.pool, GROUP, batch, on_day)
    async with working(calendar.pool) as work:
        await redrive.discard(work, SUBSCRIPTIONS, await _first_waiting(calendar), "op-7")
        arrival = asyncio.create_task(apply_batch(calendar.pool, GROUP, decoded(a_record(a_day(2))), on_day))
        done, _ = await asyncio.wait([arrival], timeout=0.3)
        assert not done
    assert await arrival == Outcome(fresh=1)
    assert await _heard(calendar) == [2, 3]


async def test_an_announcement_carries_its_records_trace(calendar: Database) -> None:
    """What a record brings forth goes on under the record's trace id with a new span id; what the next one, of no
    trace, brings forth does not; nor does what is redriven lose its own."""
    one = a_record(a_day(0, "Zone/traced"), headers=_traced("4bf92f3577b34da6a3ce929d0e0e4736"))
    await apply_batch(calendar.pool, GROUP, decoded(one, a_record(a_day(0, "Zone/plain"))), on_day)
    await apply_batch(calendar.pool, GROUP, decoded(a_record(a_day(1))), on_day)
    waits = a_record(a_day(0, "Zone/late"), value=b"{", headers=_traced("0af7651916cd43dd8448eb211c80319c"))
    await apply_batch(calendar.pool, GROUP, decoded(waits), on_day)
    await mend(calendar.pool, await _first_waiting(calendar), a_record(a_day(0, "Zone/late")).value or b"")
    assert await _redrive(calendar, redrive.replay, await _first_waiting(calendar)) == Redriven(replayed=1)
    sent = [row["traceparent"] for row in await calendar.pool.fetch("select traceparent from outbox order by id")]
    assert [each and each.split("-")[1] for each in sent] == [
        "4bf92f3577b34da6a3ce929d0e0e4736", None, None, "0af7651916cd43dd8448eb211c80319c",
    ]  # fmt: skip
    assert not {each.split("-")[2] for each in sent if each} & {SPAN}


SPAN = "00f067aa0ba902b7"


def _traced(trace_id: str) -> list[Header]:
    headers = headers_of(new_id(), "/vcc/eligibility", BusinessDayOpenedV1.event_type, "", f"00-{trace_id}-{SPAN}-01")
    return [*headers]


async def _announce_and(database: Database, go_on: Callable[[UnitOfWork], Awaitable[None]]) -> None:
    async with working(database.pool) as work:
        await work.announce([a_day(0)])
        await go_on(work)


async def _fail(_work: UnitOfWork) -> None:
    raise ZeroDivisionError


async def _cut(work: UnitOfWork) -> None:
    await work.connection.execute("select pg_terminate_backend(pg_backend_pid())")


async def test_who_waits_is_woken_by_a_commit_and_by_nothing_else(calendar: Database) -> None:
    """An announcement wakes who waits for news once it is committed: not before, not for nothing, and not if it was
    rolled back."""
    news, signals = asyncio.Event(), calendar.pool.signals
    with signals.waking(news, outbox.NEWS):
        async with working(calendar.pool) as work:
            await work.announce([])
        with pytest.raises(ZeroDivisionError):
            await _announce_and(calendar, _fail)
        assert not news.is_set()
        async with working(calendar.pool) as work:
            await work.announce([a_day(1)])
            assert not news.is_set()
        assert news.is_set()
        assert await calendar.pool.fetchval("select count(*) from outbox") == 1
    news.clear()
    async with working(calendar.pool) as work:
        await work.announce([a_day(2)])
    assert not news.is_set()


async def test_a_batch_and_a_redrive_wake_the_relay(calendar: Database) -> None:
    """What a handler announces, and what a redriven record brings forth under a trace of its own, wakes too."""
    news = asyncio.Event()
    with calendar.pool.signals.waking(news, outbox.NEWS):
        await apply_batch(calendar.pool, GROUP, decoded(a_record(a_day(0))), on_day)
        assert news.is_set()
        await apply_batch(calendar.pool, GROUP, decoded(a_record(a_day(1), value=b"{")), on_day)
        await mend(calendar.pool, await _first_waiting(calendar), a_record(a_day(1)).value or b"")
        news.clear()
        assert await _redrive(calendar, redrive.replay, await _first_waiting(calendar)) == Redriven(replayed=1)
        assert news.is_set()


async def test_a_lost_connection_wakes_nobody(calendar: Database) -> None:
    """When the connection is cut before the commit, nothing is announced and nobody woken."""
    news = asyncio.Event()
    with calendar.pool.signals.waking(news, outbox.NEWS):
        with pytest.raises((OSError, asyncpg.PostgresError, asyncpg.InterfaceError)):
            await _announce_and(calendar, _cut)
        assert not news.is_set()
    assert await calendar.pool.fetchval("select count(*) from outbox") == 0


async def test_works_at_once_keep_their_looks_and_traces_apart(calendar: Database) -> None:
    """Two units of work in one task, one within the other: each look and each trace stays with its own."""
    principal = Principal("ann", frozenset({"sexton"}), frozenset({"kew"}), "kew")
    traced = trace.of_request(f"00-4bf92f3577b34da6a3ce929d0e0e4736-{SPAN}-01")
    async with working(calendar.pool, "kew", traces=traced) as outer, working(calendar.pool, "kew") as inner:
        await audit.record(inner, principal, "read", "sundial", [1])
        await audit.record(outer, principal, "withdrawn", "sundial", [2])
        for work, zone in ((outer, "Zone/outer"), (inner, "Zone/inner")):
            await work.announce([a_day(0, zone)])
    assert ([look.subjects for look in inner.looks], outer.looks) == ([["1"]], [])
    rows = await calendar.pool.fetch("select aggregateid, traceparent is null as is_bare from outbox")
    assert {row["is_bare"] for row in rows if "outer" in row["aggregateid"]} == {False}
    assert {row["is_bare"] for row in rows if "inner" in row["aggregateid"]} == {True}
