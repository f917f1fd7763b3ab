"""What the metrics say of feed files, without anybody asking for one."""

import asyncio

import httpx
import pytest

from services.eligibility.app import build
from services.eligibility.intake import habits
from services.eligibility.intake.store import files as file_store
from services.eligibility.intake.store import queue as queue_store
from services.kit.app import create
from services.kit.postgres import transaction
from tests.servers import Database, OpenDatabase

pytestmark = pytest.mark.postgres
SAVE_FILES = """
insert into feed_file (file_id, tenant_id, sha256, size_bytes, state, kind, sender, rows_accepted, rows_rejected,
    received_at, processed_at)
select gen_random_uuid(), 'kew', gen_random_uuid()::text, 1, $3, 'x12-834', $1, 75, 25,
    clock_timestamp() - make_interval(hours => hours), clock_timestamp() - make_interval(hours => hours)
from unnest($2::int[]) as hours order by hours desc
"""
CANARY = "canary-lovelace-18151210"
DAY = 24


@pytest.fixture
async def files(database: OpenDatabase) -> Database:
    return await database("eligibility")


async def _came(files: Database, *rows: tuple[str | None, list[int], str]) -> None:
    async with transaction(files.pool, "*") as connection:
        for sender, hours, state in rows:
            await connection.execute(SAVE_FILES, sender, hours, state)


async def _overdue(files: Database) -> dict[str, float]:
    async with transaction(files.pool, "*") as connection:
        rows = [dict(row) for row in await connection.fetch(file_store.DAYS_OF_SENDERS)]
    return {row["sender"]: row["value"] for row in habits.overdue_senders(rows)}


async def _shares(files: Database) -> dict[tuple[str, str], float]:
    async with transaction(files.pool, "*") as connection:
        rows = [dict(row) for row in await connection.fetch(file_store.REJECTED)]
    return {(row["sender"], row["kind"]): row["value"] for row in habits.reject_shares(rows)}


async def test_a_sender_is_overdue_by_its_own_habit(files: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A week of silence is late for a daily sender and not for a weekly one; a quarter's is neither late nor forgotten
    for who sends quarterly; two days are no habit, however many files came on them. What was stopped or held has come,
    what was cancelled has not."""
    monkeypatch.setattr(habits, "told_sender", lambda sender: sender)
    await _came(
        files,
        ("daily", [DAY * n for n in range(7, 15)], "processed"),
        ("weekly", [DAY * 7 * n for n in range(1, 6)], "processed"),
        ("quarterly", [DAY * 91 * n + DAY * 80 for n in range(4)], "processed"),
        ("quarterly-late", [DAY * 91 * n + DAY * 150 for n in range(4)], "processed"),
        ("new", [DAY * 31] * 3 + [DAY * 30] * 3, "processed"),
        ("troubled", [DAY * n for n in range(7, 15)], "processed"),
        ("troubled", [DAY], "stopped"),
        ("cancelled", [DAY * n for n in range(7, 15)], "processed"),
        ("cancelled", [DAY], "cancelled"),
    )
    assert await _overdue(files) == {
        "daily": 1, "weekly": 0, "quarterly": 0, "quarterly-late": 1, "new": 0, "troubled": 0, "cancelled": 1,
    }  # fmt: skip


async def test_the_share_of_rejects_is_that_of_a_day(files: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who sent within 24 hours has one, of all rows of those files together: also of those that were stopped because
    too much was rejected, or refused; a file whose sender could not be read is somebody's."""
    monkeypatch.setattr(habits, "told_sender", lambda sender: sender)
    await _came(
        files,
        ("punctual", [1, 2, 48], "processed"),
        ("stopped", [1], "stopped"),
        ("refused", [1], "refused"),
        ("cancelled", [1], "cancelled"),
        (None, [1], "refused"),
    )
    assert {sender for sender, _ in await _shares(files)} == {"punctual", "stopped", "refused", None}
    assert set((await _shares(files)).values()) == {0.25}


async def test_a_sender_that_no_profile_knows_is_not_named(files: Database) -> None:
    """What a file calls its sender is anybody's text: many names are one row, with all their rows together, and no word
    of them reaches the metrics; what somebody's habit is stays his."""
    await _came(
        files,
        *((f"{CANARY}-{n}", [DAY * day for day in range(7, 15)], "processed") for n in range(3)),
        *((f"{CANARY}-{n}", [1], "processed") for n in range(3, 30)),
    )
    assert await _shares(files) == {("other", "x12-834"): 0.25}
    assert await _overdue(files) == {"other": 1}
    app = create(build(), files.settings())
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://kit") as client,
    ):
        async with asyncio.timeout(60):
            while "vcc_sender_overdue{" not in (found := (await client.get("/metrics")).text):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    assert 'vcc_feed_reject_share{kind="x12-834",sender="other"} 0.25' in found
    assert CANARY not in found


async def test_the_oldest_file_that_waits_has_its_age(files: Database) -> None:
    """From its arrival, whether it is read already or not; none that waits is 0."""
    await _came(files, (None, [2], "received"), ("daily", [1], "processing"))
    async with transaction(files.pool, "*") as connection:
        age_s = await connection.fetchval(queue_store.OLDEST_WAITING)
        assert round(age_s, -2) == 7200
        await connection.execute("update feed_file set state = 'processed'")
        assert await connection.fetchval(queue_store.OLDEST_WAITING) == 0
