"""Plain numbered SQL files, applied once each, in order, under an advisory lock, with their checksums kept.

`0001_name.sql` runs before the new code is rolled out and must leave the old code working; `0002_name.post.sql` runs
after the rollout.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import asyncpg

Stage = Literal["pre", "post"]

KIT_FOLDER = Path(__file__).parent / "migrations"

LOCK_ID = 0x7663635F6D6967  # "vcc_mig"
CREATE_TABLE = """
create table if not exists schema_migration (
    component text not null,
    number integer not null,
    name text not null,
    sha256 text not null,
    applied_at timestamptz not null default clock_timestamp(),
    primary key (component, number)
)
"""
LOAD_APPLIED = "select component, number, sha256 from schema_migration"
SAVE_APPLIED = "insert into schema_migration (component, number, name, sha256) values ($1, $2, $3, $4)"

_FILE_NAME = re.compile(r"^(\d{4})_([a-z0-9_]+)(\.post)?\.sql$")


class MigrationError(Exception):
    """A migration file is misnamed, out of order, or was changed after it had been applied."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file. `component` is the folder's owner: "kit" or a service."""

    component: str
    number: int
    name: str
    stage: Stage
    sql: str

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


def load_migrations(component: str, folder: Path) -> list[Migration]:
    """The folder's migrations in order. Raises MigrationError for a misnamed file or a number used twice."""
    migrations: list[Migration] = []
    for path in sorted(folder.glob("*.sql")):
        match = _FILE_NAME.match(path.name)
        if match is None:
            raise MigrationError(f"{component}/{path.name}: expected a name like 0001_name.sql or 0002_name.post.sql")
        number, name, post = int(match[1]), match[2], match[3]
        if migrations and migrations[-1].number == number:
            raise MigrationError(f"{component}/{path.name}: number {number:04d} is used twice")
        migrations.append(Migration(component, number, name, "post" if post else "pre", path.read_text("utf-8")))
    return migrations


async def migrate(dsn: str, folders: Sequence[tuple[str, Path]], stages: Sequence[Stage] = ("pre", "post")) -> int:
    """Apply what is not applied yet and return how many were. Two at once: the second waits, then finds nothing."""
    migrations = [migration for component, folder in folders for migration in load_migrations(component, folder)]
    connection = await asyncpg.connect(dsn, timeout=10)
    try:
        await connection.execute("select pg_advisory_lock($1)", LOCK_ID)
        await connection.execute(CREATE_TABLE)
        applied = {(row["component"], row["number"]): row["sha256"] for row in await connection.fetch(LOAD_APPLIED)}
        pending = [m for m in migrations if m.stage in stages and not _is_applied(m, applied)]
        for migration in pending:
            await _apply(connection, migration)
        return len(pending)
    finally:
        await connection.close()


def _is_applied(migration: Migration, applied: dict[tuple[str, int], str]) -> bool:
    known = applied.get((migration.component, migration.number))
    if known is not None and known != migration.sha256:
        raise MigrationError(
            f"{migration.component}/{migration.number:04d}_{migration.name}.sql was changed after it had been applied; "
            "restore the file and write a new one"
        )
    return known is not None


async def _apply(connection: asyncpg.Connection, migration: Migration) -> None:
    async with connection.transaction():
        await connection.execute(migration.sql)
        await connection.execute(SAVE_APPLIED, migration.component, migration.number, migration.name, migration.sha256)
