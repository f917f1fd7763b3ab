"""Applying numbered SQL files to a real database."""

import asyncio
import re
from pathlib import Path

import asyncpg
import pytest

from services.kit import migrations
from services.kit.migrations import KIT_FOLDER, MigrationError, Patience, migrate
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
    dsn = (await database("kit")).owner_dsn
    assert await migrate(dsn, [("zoo", folder)], ["pre"]) == 1
    assert await migrate(dsn, [("zoo", folder)], ["pre"]) == 0
    assert await migrate(dsn, [("zoo", folder)], ["post"]) == 1
    assert await migrate(dsn, [("zoo", folder)]) == 0


async def test_a_changed_file_is_refused(database: OpenDatabase, folder: Path) -> None:
    """A migration that was applied must stay as it is."""
    dsn = (await database("kit")).owner_dsn
    await migrate(dsn, [("zoo", folder)])
    (folder / "0001_penguins.sql").write_text("create table puffin (name text)")
    with pytest.raises(MigrationError, match=r"zoo/0001_penguins.sql was changed"):
        await migrate(dsn, [("zoo", folder)])


async def test_a_failing_file_leaves_nothing(database: OpenDatabase, folder: Path) -> None:
    """A file is applied whole or not at all."""
    opened = await database("kit")
    (folder / "0003_broken.sql").write_text("create table igloo (name text); select * from nowhere")
    with pytest.raises(asyncpg.UndefinedTableError):
        await migrate(opened.owner_dsn, [("zoo", folder)])
    assert await opened.pool.fetchval("select to_regclass('igloo')") is None
    assert await opened.pool.fetchval("select count(*) from schema_migration where component = 'zoo'") == 2


async def test_a_misnamed_file_is_refused(database: OpenDatabase, folder: Path) -> None:
    """A file whose name says neither number nor stage is named."""
    dsn = (await database("kit")).owner_dsn
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
    await migrate(opened.owner_dsn, [("zoo", folder)], ["pre"])
    async with opened.pool.acquire() as reader:
        reading = reader.transaction()
        await reading.start()
        await reader.execute("select * from penguin")
        patient = Patience(lock_timeout_s=0.2, deadline_s=30)
        migrating = asyncio.create_task(migrate(opened.owner_dsn, [("zoo", folder)], ["post"], patient))
        async with asyncio.timeout(60):
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
    await migrate(opened.owner_dsn, [("zoo", folder)], ["pre"])
    async with opened.pool.acquire() as reader, reader.transaction():
        await reader.execute("select * from penguin")
        with pytest.raises(MigrationError, match=r"zoo/0002_tidy.sql: no lock within 0 s; end the long transaction"):
            await migrate(opened.owner_dsn, [("zoo", folder)], ["post"], hasty)


async def test_a_migrator_that_hangs_does_not_hold_the_next_for_ever(
    database: OpenDatabase, folder: Path, hasty: Patience
) -> None:
    """Another migration under way is waited for up to the deadline, and named."""
    opened = await database("kit")
    async with opened.pool.acquire() as other:
        await other.execute("select pg_advisory_lock($1)", migrations.LOCK_ID)
        with pytest.raises(MigrationError, match="its turn: no lock within 0 s"):
            await migrate(opened.owner_dsn, [("zoo", folder)], patience=hasty)
        await other.execute("select pg_advisory_unlock_all()")


async def test_what_stands_in_the_trail_is_checked_apart(database: OpenDatabase) -> None:
    """The new columns of the trail, which every request writes, come without a look at its rows; the second phase looks
    at them, without an index for which nobody asks."""
    sql = (KIT_FOLDER / "0006_audit_of_everything.sql").read_text()
    assert (sql.count("check ("), sql.count(") not valid"), "create index" in sql) == (2, 2, False)
    kit = await database("kit")
    checks = "select convalidated from pg_constraint where conname in ('audit_purpose_check', 'audit_outcome_check')"
    assert [row["convalidated"] for row in await kit.pool.fetch(checks)] == [True, True]


HALF_MADE = "select not indisvalid from pg_index where indexrelid = to_regclass('penguin_name')"
BESIDE = """-- outside of a transaction
-- Makes an index while everybody writes.

create index concurrently if not exists penguin_name on penguin (name);

do $$
begin
    insert into penguin (name) values ('pingu');
    commit;
end
$$;
"""


async def test_an_index_is_made_beside_everybody(database: OpenDatabase, folder: Path) -> None:
    """Outside of a transaction it waits for who wrote before, longer than for any lock, and others write meanwhile."""
    opened = await database("kit")
    await migrate(opened.owner_dsn, [("zoo", folder)])
    await opened.owner.execute("grant all on penguin to kit")
    (folder / "0003_names.sql").write_text(BESIDE)
    async with opened.pool.acquire() as writer:
        writing = writer.transaction()
        await writing.start()
        await writer.execute("insert into penguin (name) values ('pinga')")
        patient = Patience(lock_timeout_s=0.1, deadline_s=30)
        migrating = asyncio.create_task(migrate(opened.owner_dsn, [("zoo", folder)], patience=patient))
        async with asyncio.timeout(60):
            while not await opened.owner.fetchval(HALF_MADE):  # noqa: ASYNC110 - the server is asked
                await asyncio.sleep(0.01)
        await opened.pool.execute("insert into penguin (name) values ('robby')", timeout=5)
        assert not migrating.done()
        await writing.commit()
    assert await asyncio.wait_for(migrating, 20) == 1
    assert await opened.owner.fetchval(HALF_MADE) is False
    assert await opened.pool.fetchval("select count(*) from penguin") == 3


async def test_a_half_made_index_is_made_anew(database: OpenDatabase, folder: Path) -> None:
    """What a run that was cut off left half made is dropped and made again."""
    opened = await database("kit")
    await migrate(opened.owner_dsn, [("zoo", folder)])
    await opened.owner.execute("insert into penguin (name) values ('pingu'), ('pingu')")
    with pytest.raises(asyncpg.UniqueViolationError):
        await opened.owner.execute("create unique index concurrently penguin_name on penguin (name)")
    assert await opened.owner.fetchval(HALF_MADE) is True
    (folder / "0003_names.sql").write_text(BESIDE)
    assert await migrate(opened.owner_dsn, [("zoo", folder)]) == 1
    assert await opened.owner.fetchval(HALF_MADE) is False


async def test_the_trails_indexes_lock_nobody_out(database: OpenDatabase) -> None:
    """An index on the trail, into which every request writes, is made beside it, and never in a migration's
    transaction; all are there and whole."""
    kit = await database("kit")
    plain = re.compile(r"create (?:unique )?index (?!concurrently)\w+ on audit\b")
    files = [file for file in sorted(KIT_FOLDER.glob("*.sql")) if file.name > "0006"]
    assert [file.name for file in files if plain.search(file.read_text())] == []
    indexes = await kit.owner.fetch(
        "select indexrelid::regclass::text as name, indisvalid from pg_index where indrelid = 'audit'::regclass"
    )
    assert {row["name"]: row["indisvalid"] for row in indexes} == dict.fromkeys(
        ["audit_pkey", "audit_recorded_at", "audit_principal", "audit_action"], True
    )
