"""Applying numbered SQL files to a real database."""

import asyncio
from pathlib import Path

import asyncpg
import pytest

from services.kit import migrations
from services.kit.migrations import MigrationError, Patience, migrate
from tests.servers import OpenDatabase

pytestmark = pytest.mark.postgres


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two migrations, one before and one after a rollout."""
    (tmp_path / "0001_penguins.sql").write_text("create table penguin (name text)")
    (tmp_path / "0002_tidy.post.sql").write_text("alter table penguin add column tidy boolean")
    return tmp_path


async def test_each_stage_applies_its_own_files_once(database: OpenDatabase, folder: Path) -> None:
    """`pre` leaves the old code working, `post` finishes, and neither does anything twice."""
    dsn = (await database("kit")).dsn
    assert await migrate(dsn, [("zoo", folder)], ["pre"]) == 1
    assert await migrate(dsn, [("zoo", folder)], ["pre"]) == 0
    assert await migrate(dsn, [("zoo", folder)], ["post"]) == 1
    assert await migrate(dsn, [("zoo", folder)]) == 0


async def test_a_changed_file_is_refused(database: OpenDatabase, folder: Path) -> None:
    """A migration that was applied must stay as it is."""
    dsn = (await database("kit")).dsn
    await migrate(dsn, [("zoo", folder)])
    (folder / "0001_penguins.sql").write_text("create table puffin (name text)")
    with pytest.raises(MigrationError, match=r"zoo/0001_penguins.sql was changed"):
        await migrate(dsn, [("zoo", folder)])


async def test_a_failing_file_leaves_nothing(database: OpenDatabase, folder: Path) -> None:
    """A file is applied whole or not at all."""
    opened = await database("kit")
    (folder / "0003_broken.sql").write_text("create table igloo (name text); select * from nowhere")
    with pytest.raises(asyncpg.UndefinedTableError):
        await migrate(opened.dsn, [("zoo", folder)])
    assert await opened.pool.fetchval("select to_regclass('igloo')") is None
    assert await opened.pool.fetchval("select count(*) from schema_migration where component = 'zoo'") == 2


async def test_a_misnamed_file_is_refused(database: OpenDatabase, folder: Path) -> None:
    """A file whose name says neither number nor stage is named."""
    dsn = (await database("kit")).dsn
    (folder / "penguins.sql").write_text("select 1")
    with pytest.raises(MigrationError, match=r"zoo/penguins.sql: expected a name like"):
        await migrate(dsn, [("zoo", folder)])


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> Patience:
    """Waits a moment for a lock, and for all of them not long."""
    monkeypatch.setattr(migrations, "PAUSE_S", 0.05)
    return Patience(lock_timeout_s=0.1, deadline_s=0.4)


async def test_a_migration_lets_others_pass_while_it_waits(database: OpenDatabase, folder: Path) -> None:
    """Behind a long transaction it gives way after its moment, so that who came after it reads on; when the transaction
    ends it is applied."""
    opened = await database("kit")
    await migrate(opened.dsn, [("zoo", folder)], ["pre"])
    async with opened.pool.acquire() as reader:
        reading = reader.transaction()
        await reading.start()
        await reader.execute("select * from penguin")
        patient = Patience(lock_timeout_s=0.2, deadline_s=30)
        migrating = asyncio.create_task(migrate(opened.dsn, [("zoo", folder)], ["post"], patient))
        async with asyncio.timeout(20):
            while not await _is_waiting(opened.pool):  # noqa: ASYNC110 - the server is asked
                await asyncio.sleep(0.01)
            assert await opened.pool.fetchval("select count(*) from penguin") == 0
        assert not migrating.done()
        await reading.rollback()
    assert await asyncio.wait_for(migrating, 20) == 1


async def _is_waiting(pool: asyncpg.Pool) -> bool:
    waits = "select exists (select from pg_locks where not granted and relation = 'penguin'::regclass)"
    return bool(await pool.fetchval(waits))


async def test_a_lock_that_never_comes_is_named(database: OpenDatabase, folder: Path, hasty: Patience) -> None:
    """At the deadline the file that waits is named, with what to do; nothing of it is applied."""
    opened = await database("kit")
    await migrate(opened.dsn, [("zoo", folder)], ["pre"])
    async with opened.pool.acquire() as reader, reader.transaction():
        await reader.execute("select * from penguin")
        with pytest.raises(MigrationError, match=r"zoo/0002_tidy.sql: no lock within 0 s; end the long transaction"):
            await migrate(opened.dsn, [("zoo", folder)], ["post"], hasty)


async def test_a_migrator_that_hangs_does_not_hold_the_next_for_ever(
    database: OpenDatabase, folder: Path, hasty: Patience
) -> None:
    """Another migration under way is waited for up to the deadline, and named."""
    opened = await database("kit")
    async with opened.pool.acquire() as other:
        await other.execute("select pg_advisory_lock($1)", migrations.LOCK_ID)
        with pytest.raises(MigrationError, match="its turn: no lock within 0 s"):
            await migrate(opened.dsn, [("zoo", folder)], patience=hasty)
        await other.execute("select pg_advisory_unlock_all()")
