"""Applying numbered SQL files to a real database."""

from pathlib import Path

import asyncpg
import pytest

from services.kit.migrations import MigrationError, migrate
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
