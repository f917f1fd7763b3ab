"""Plain numbered SQL files, applied once each, in order, under an advisory lock, with their checksums kept.

`0001_name.sql` runs before the new code is rolled out and must leave the old code working; `0002_name.post.sql` runs
after the rollout.
"""

import asyncio
import hashlib
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import asyncpg
import structlog

from services.kit import lost_peer

Stage = Literal["pre", "post"]

KIT_FOLDER = Path(__file__).parent / "migrations"

PAUSE_S = 1.0
LONG_TRANSACTION = "end the long transaction that holds its table (pg_stat_activity, pg_locks)"
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
class Patience:
    """A statement that waits for a lock holds up everybody who comes after it. So it waits for a moment, lets them
    pass, and comes again, up to a deadline."""

    lock_timeout_s: float = 3.0
    deadline_s: float = 300.0
    lost_peer_s: float = 10.0

    def server_settings(self) -> dict[str, str]:
        """`lock_timeout`, and an end for the lock of a migration whose machine has vanished."""
        own = {"lock_timeout": f"{self.lock_timeout_s * 1000:.0f}", "application_name": "vcc-migrate"}
        return own | lost_peer.server_settings(self.lost_peer_s)

    async def outlast(self, attempt: Callable[[], Awaitable[object]], what: str, do: str) -> None:
        """Raises MigrationError when the lock could not be had in time."""
        deadline = time.monotonic() + self.deadline_s
        while True:
            try:
                await attempt()
            except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
                if time.monotonic() > deadline:
                    why = f"{what}: no lock within {self.deadline_s:.0f} s; {do}, then migrate again"
                    raise MigrationError(why) from None
                structlog.get_logger().info("migration waits for a lock", backoff_s=PAUSE_S)
                await asyncio.sleep(PAUSE_S)
            else:
                return


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

    @property
    def file(self) -> str:
        return f"{self.component}/{self.number:04d}_{self.name}.sql"


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


async def migrate(
    dsn: str,
    folders: Sequence[tuple[str, Path]],
    stages: Sequence[Stage] = ("pre", "post"),
    patience: Patience = Patience(),
) -> int:
    """Apply what is not applied yet and return how many were. Two at once: the second waits, then finds nothing."""
    migrations = [migration for component, folder in folders for migration in load_migrations(component, folder)]
    connection = await asyncpg.connect(dsn, timeout=10, server_settings=patience.server_settings())
    try:
        lock = "wait for the other migration that is under way, or end it"
        await patience.outlast(lambda: connection.execute("select pg_advisory_lock($1)", LOCK_ID), "its turn", lock)
        await connection.execute(CREATE_TABLE)
        applied = {(row["component"], row["number"]): row["sha256"] for row in await connection.fetch(LOAD_APPLIED)}
        pending = [
            migration for migration in migrations if migration.stage in stages and not _is_applied(migration, applied)
        ]
        for migration in pending:
            await patience.outlast(partial(_apply, connection, migration), migration.file, LONG_TRANSACTION)
        return len(pending)
    finally:
        await connection.close()


def _is_applied(migration: Migration, applied: dict[tuple[str, int], str]) -> bool:
    known = applied.get((migration.component, migration.number))
    if known is not None and known != migration.sha256:
        raise MigrationError(
            f"{migration.file} was changed after it had been applied; restore the file and write a new one"
        )
    return known is not None


async def _apply(connection: asyncpg.Connection, migration: Migration) -> None:
    async with connection.transaction():
        await connection.execute(migration.sql)
        await connection.execute(SAVE_APPLIED, migration.component, migration.number, migration.name, migration.sha256)
