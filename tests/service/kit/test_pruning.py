"""What is over age is removed in batches, whatever its number."""

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import asyncpg
import pytest

from services.kit import pruning
from services.kit.postgres import transaction
from services.kit.pruning import DELETE, START, all_kept, prune
from tests.servers import Database, OpenDatabase

pytestmark = pytest.mark.postgres
BATCH = 10
SAVE_MARKS = """
insert into inbox (consumer, event_id, received_at)
select 'kit.' || n % 3, gen_random_uuid(), clock_timestamp() - make_interval(days => $2, secs => n)
from generate_series(1, $1) as n
"""
SAVE_LETTERS = """
insert into dead_letter (consumer, topic, "partition", "offset", headers, reason, detail, state, ended_at)
select 'kit.a', 'a', 0, n, '[]', 'r', 'd', $2, clock_timestamp() - make_interval(days => 91)
from generate_series($3::int, $3::int + $1 - 1) as n
"""
SAVE_KEYS = """
insert into idempotency_key (tenant_id, principal, key, method_path, request_sha256, created_at)
select 'kew', 'ann', 'key-' || n, 'POST /', '', clock_timestamp() - make_interval(days => 8)
from generate_series(1, $1) as n
"""
REFUSE_ONE = """
create function refuse() returns trigger language plpgsql as $$
begin raise exception 'full' using errcode = 'disk_full'; end
$$;
create trigger refuse_one before delete on inbox for each row
    when (old.received_at = '{at}') execute function refuse();
"""


@pytest.fixture
async def aged(database: OpenDatabase, monkeypatch: pytest.MonkeyPatch) -> Database:
    """37 marks over age and 5 that are not; 23 letters that were replayed long ago, and 4 that were discarded; 12
    keys."""
    monkeypatch.setattr(pruning, "BATCH_ROWS", BATCH)
    opened = await database("kit")
    await opened.owner.execute("alter table idempotency_key no force row level security")
    for sql, *values in (
        (SAVE_MARKS, 37, 31), (SAVE_MARKS, 5, 29), (SAVE_KEYS, 12),
        (SAVE_LETTERS, 23, "replayed", 0), (SAVE_LETTERS, 4, "discarded", 50),
    ):  # fmt: skip
        await opened.owner.execute(sql, *values)
    return opened


async def _left(aged: Database) -> tuple[int, ...]:
    tables = ("inbox", "dead_letter", "idempotency_key")
    return tuple([await aged.owner.fetchval(f"select count(*) from {table}") for table in tables])


async def _marks(aged: Database) -> list[datetime]:
    return [row[0] for row in await aged.pool.fetch("select received_at from inbox order by 1")]


async def test_all_that_is_over_age_goes_and_nothing_else(aged: Database) -> None:
    """Marks after their days, replayed letters and keys after theirs; what was discarded stays, for it stays given
    up."""
    assert await prune(aged.pool, all_kept(30)) == {"inbox": 37, "dead_letter": 23, "idempotency_key": 12}
    assert await _left(aged) == (5, 4, 0)


async def test_a_batch_takes_the_oldest_and_is_committed(aged: Database) -> None:
    """Whoever is stopped after one batch has removed that many rows of the table, the oldest, for good."""
    marks = await _marks(aged)
    before = await _left(aged)
    for kept in all_kept(30):
        await prune(aged.pool, [kept], has_time=_once())
    assert await _left(aged) == tuple(rows - BATCH for rows in before)
    assert await _marks(aged) == marks[BATCH:]
    assert (
        await aged.pool.fetchval("select count(*) from inbox where received_at < now() - interval '31 days 28 s'") == 0
    )


def _once() -> Callable[[], bool]:
    turns = iter((True, False))
    return lambda: next(turns)


async def test_a_statement_touches_a_batch_of_rows_only(aged: Database) -> None:
    """Of 30,000 rows over age no step of the plan of any statement sees more than a batch: its cost does not grow with
    what there is to do."""
    await aged.owner.execute("truncate inbox, dead_letter, idempotency_key")
    await aged.owner.execute(SAVE_MARKS, 30_000, 31)
    await aged.owner.execute(SAVE_LETTERS, 30_000, "replayed", 0)
    await aged.owner.execute(SAVE_KEYS, 30_000)
    await aged.owner.execute("analyze inbox, dead_letter, idempotency_key")
    for kept in all_kept(30):
        statement = DELETE.format(table=kept.table, over_age=kept.over_age)
        explain = f"explain (analyze, format json) {statement}"
        async with transaction(aged.pool, "*") as connection:
            plan = json.loads(await connection.fetchval(explain, kept.days, START, BATCH))
        assert max(_rows_seen(plan[0]["Plan"])) <= BATCH, kept.table


def _rows_seen(step: dict[str, Any]) -> Iterator[int]:
    times = step["Actual Loops"]
    yield (step["Actual Rows"] + step.get("Rows Removed by Filter", 0)) * times
    for inner in step.get("Plans", ()):
        yield from _rows_seen(inner)


async def test_a_table_that_fails_holds_up_no_other(aged: Database) -> None:
    """While somebody holds the dead letters, marks and keys go, and stay gone; the fault is told."""
    impatient = await asyncpg.create_pool(aged.dsn, min_size=1, server_settings={"lock_timeout": "200"})
    async with aged.owner.acquire() as holder, holder.transaction():
        await holder.execute("lock table dead_letter")
        with pytest.raises(asyncpg.LockNotAvailableError):
            await prune(impatient, all_kept(30))
    assert await _left(aged) == (5, 27, 0)
    impatient.terminate()


async def test_a_batch_that_fails_takes_back_no_other(aged: Database) -> None:
    """What was removed before a fault stays removed."""
    await aged.owner.execute(REFUSE_ONE.format(at=(await _marks(aged))[3 * BATCH + 3]))
    with pytest.raises(asyncpg.InsufficientResourcesError):
        await prune(aged.pool, all_kept(30)[:1])
    assert (await _left(aged))[0] == 42 - 3 * BATCH
