"""The bytes of files are forgotten after some time, and nobody waits for that."""

import time
from uuid import UUID

import pytest

from services.eligibility.decisions.flow import days
from services.eligibility.intake.flow.worker import Intake
from services.eligibility.intake.store import chunks
from services.eligibility.settings import OwnSettings
from services.kit.postgres import transaction
from tests.servers import Database, OpenDatabase

pytestmark = pytest.mark.postgres
SAVE_FILES = """
insert into feed_file (file_id, tenant_id, sha256, size_bytes, state, received_at, processed_at)
select gen_random_uuid(), 'kew', gen_random_uuid()::text, 1, 'processed', at, at
from generate_series(1, $1) as n
cross join lateral (select clock_timestamp() - make_interval(days => $2, secs => n)) as ended (at)
returning file_id
"""
SAVE_CHUNKS = """
insert into feed_chunk (file_id, position, bytes)
select file_id, n, '' from unnest($1::uuid[]) as file_id cross join generate_series(0, $2 - 1) as n
"""


@pytest.fixture
async def old(database: OpenDatabase, monkeypatch: pytest.MonkeyPatch) -> Database:
    """Twelve files over age, three of them with five chunks each, the others emptied long ago; one that is younger."""
    monkeypatch.setattr(chunks, "AT_ONCE", 4)
    monkeypatch.setattr(chunks, "FILES_AT_ONCE", 3)
    opened = await database("eligibility")
    async with transaction(opened.pool, "*") as connection:
        ids = [row["file_id"] for row in await connection.fetch(SAVE_FILES, 12, 91)]
        await connection.execute(SAVE_CHUNKS, ids[::4], 5)
        await connection.execute(SAVE_CHUNKS, [row["file_id"] for row in await connection.fetch(SAVE_FILES, 1, 89)], 5)
    return opened


async def _left(opened: Database) -> int:
    async with transaction(opened.pool, "*") as connection:
        left: int = await connection.fetchval("select count(*) from feed_chunk")
    return left


async def _prune(opened: Database, since: chunks.Place) -> tuple[chunks.Place, bool]:
    async with transaction(opened.pool, "*") as connection:
        return await chunks.delete_chunks(connection, 90, since)


async def test_a_look_takes_some_and_the_next_one_begins_there(old: Database) -> None:
    """No statement takes more than its chunks or looks at more than its files, all that is over age goes, and what was
    emptied is not walked through again."""
    since, has_more, left = chunks.Place(), True, await _left(old)
    while has_more:
        before = left
        since, has_more = await _prune(old, since)
        left = await _left(old)
        assert before - left <= 4
    assert left == 5
    async with transaction(old.pool, "*") as connection:
        walked = await connection.fetch(chunks.DELETE_CHUNKS, 90, *since, 500, 500)
    assert len(walked) == 1
    assert isinstance(since.file_id, UUID)


async def test_the_intake_takes_one_batch_a_turn(old: Database) -> None:
    """Between two of them a file that waits has its turn; once all is gone it looks again in an hour only."""
    await days.begin(old.pool, None)
    intake = Intake(old.settings(), old.pool, OwnSettings())
    lefts = []
    for _ in range(12):
        await intake.work_once()
        lefts.append(await _left(old))
    assert max(before - after for before, after in zip([20, *lefts], lefts, strict=False)) == 4
    assert lefts[-1] == 5
    assert intake._prune_at > time.monotonic() + 3000
