"""A look at the outbox begins where rows can be, and misses none."""

import json
import time
from dataclasses import replace
from typing import Any

import asyncpg
import pytest

from services.kit.horizon import Horizon, go_back
from services.kit.relay import LOAD_UNPUBLISHED
from tests.servers import Database, OpenDatabase

pytestmark = pytest.mark.postgres
SHARDS = [0, 1, 2, 3]
SAVE = """
insert into outbox (event_id, shard, aggregatetype, aggregateid, type, payload, occurred_at)
select gen_random_uuid(), n % 4, 't', 'k', 'e', '', now() from generate_series(1, $1) as n returning id
"""

SAVE_AS = """
insert into outbox (id, event_id, shard, aggregatetype, aggregateid, type, payload, occurred_at)
overriding system value values ($1, gen_random_uuid(), 1, 't', 'k', 'e', '', now())
"""


@pytest.fixture
async def outbox(database: OpenDatabase) -> Database:
    opened = await database("kit")
    await opened.owner.execute("alter table outbox set (autovacuum_enabled = false)")
    return opened


async def _moved(horizon: Horizon, connection: Any, steps: int = 9) -> int:
    for _ in range(steps):
        await horizon.move(connection)
    return horizon.at


async def _begun(connection: Any) -> int:
    return (await Horizon.begun(connection)).at


async def _arrives(horizon: Horizon, connection: Any, at: int) -> bool:
    """Others of the server may have something under way for a moment."""
    deadline = time.monotonic() + 120
    while (found := await _moved(horizon, connection, 1)) != at and time.monotonic() < deadline:
        pass
    return found == at


async def _pages(connection: Any, above: int) -> int:
    sql = f"explain (analyze, buffers, format json) {LOAD_UNPUBLISHED}"
    plan = json.loads(await connection.fetchval(sql, SHARDS, 1000, above))[0]["Plan"]
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


async def test_a_held_snapshot_does_not_make_each_look_dearer(outbox: Database) -> None:
    """While somebody reads in an old snapshot nothing dead can go: a look from 0 walks through all that was published
    meanwhile, one from the horizon through none of it."""
    backup = await asyncpg.connect(outbox.dsn)
    held = backup.transaction(isolation="repeatable_read", readonly=True)
    await held.start()
    await backup.fetchval("select count(*) from outbox")
    horizon = Horizon(step_s=0)
    for _ in range(10):
        ids = [row["id"] for row in await outbox.pool.fetch(SAVE, 1000)]
        await outbox.pool.execute("delete from outbox")
    await outbox.owner.execute("analyze outbox")
    assert await _arrives(horizon, outbox.pool, ids[-1])
    assert await _pages(outbox.pool, 0) > 100
    assert await _pages(outbox.pool, horizon.at) < 10
    await backup.close()


async def test_a_row_that_is_committed_late_is_not_passed(outbox: Database) -> None:
    """The horizon waits for every transaction that may hold a lower id, and then stands before what that left."""
    late = await asyncpg.connect(outbox.dsn)
    writing = late.transaction()
    await writing.start()
    first = await late.fetchval(SAVE, 1)
    second = await outbox.pool.fetchval(SAVE, 1)
    horizon = Horizon(step_s=0)
    await outbox.pool.execute("delete from outbox where id = $1", second)
    assert await _moved(horizon, outbox.pool) < first
    await writing.commit()
    assert await _moved(horizon, outbox.pool) == first - 1
    rows = await outbox.pool.fetch(LOAD_UNPUBLISHED, SHARDS, 10, horizon.at)
    assert [row["id"] for row in rows] == [first]
    await outbox.pool.execute("delete from outbox")
    assert await _arrives(horizon, outbox.pool, second)
    await late.close()


async def test_the_steps_are_apart(outbox: Database) -> None:
    """Between the id that was seen and the transaction's number lies some time: without it the horizon stays."""
    await outbox.pool.execute(SAVE, 1)
    await outbox.pool.execute("delete from outbox")
    assert await _moved(Horizon(), outbox.pool) == 0


async def test_whoever_comes_begins_where_others_were(outbox: Database) -> None:
    """A new process's first look walks through nothing that others have passed, and who has no shard moves the horizon
    as well as who publishes; where an outbox has begun its ids anew, it begins before them."""
    assert await _begun(outbox.pool) == 0
    last = (await outbox.pool.fetch(SAVE, 500))[-1]["id"]
    await outbox.pool.execute("delete from outbox where id < $1", last)
    assert await _arrives(Horizon(step_s=0), outbox.pool, last - 1)
    assert await _begun(outbox.pool) == last - 1
    await outbox.owner.execute("truncate outbox restart identity")
    assert await _begun(outbox.pool) == 0


async def test_what_goes_back_into_the_outbox_is_looked_for(outbox: Database) -> None:
    """Whoever had passed it begins before it, whoever comes does too, and no relay that has not noticed yet keeps a
    horizon beyond it."""
    pool: Any = outbox.pool
    ids = [row["id"] for row in await pool.fetch(SAVE, 9)]
    await pool.execute("delete from outbox")
    passed, unaware = Horizon(step_s=0), Horizon(step_s=0)
    assert await _arrives(passed, pool, ids[-1])
    await go_back(pool, ids[3])
    await pool.execute(SAVE_AS, ids[3])
    assert await _arrives(unaware, pool, ids[3] - 1)
    await passed.follow(pool)
    assert passed.at == await _begun(pool) == ids[3] - 1
    await pool.fetch(SAVE, 9)
    await pool.execute("delete from outbox where id > $1", ids[-1])
    await _moved(replace(unaware, at=ids[-1]), pool)
    assert await _begun(pool) == ids[3] - 1
    await passed.follow(pool)
    assert passed.at == ids[3] - 1


async def test_an_id_that_was_never_drawn_is_not_passed(outbox: Database) -> None:
    """Of an outbox that never had a row the first one is found."""
    horizon = Horizon(step_s=0)
    await _moved(horizon, outbox.pool)
    first = await outbox.pool.fetchval(SAVE, 1)
    assert horizon.at < first
