"""Plain numbered SQL files, applied once each, in order, under an advisory lock, with their checksums kept.

`0001_name.sql` runs before the new code is rolled out and must leave the old code working; `0002_name.post.sql` runs
after the rollout. Each is a transaction. One whose first line is `-- outside of a transaction` is none: its statements,
with an empty line between, are sent one by one, as `create index concurrently` and a `commit` in a block want it. It
may be cut off anywhere and comes again from its beginning, so each of them must find its work done (`if not exists`);
an index that was left half made is dropped before.
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
from services.kit.rights import Rights, load_emptied

Stage = Literal["pre", "post"]

KIT_FOLDER = Path(__file__).parent / "migrations"

PAUSE_S = 1.0
LONG_TRANSACTION = "end the long transaction that holds its table (pg_stat_activity, pg_locks)"
LOCK_ID = 0x7663635F6D6967  # "vcc_mig"
TAKE_TURN = "select pg_try_advisory_lock($1)"
OUTSIDE = "-- outside of a transaction\n"
IS_HALF_MADE = "select not indisvalid from pg_index where indexrelid = to_regclass($1)"
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
_MADE_BESIDE = re.compile(r"^create (?:unique )?index concurrently if not exists (\w+)", re.MULTILINE)


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

    @property
    def is_outside(self) -> bool:
        """Whether it runs outside of a transaction."""
        return self.sql.startswith(OUTSIDE)

    def statements(self) -> list[str]:
        """Of one that runs outside of a transaction, by the empty lines between. What is but a comment is none."""
        parts = re.split(r"\n[ \t]*\n", self.sql.removeprefix(OUTSIDE))
        return [part for part in parts if any(line and not line.startswith("--") for line in part.splitlines())]


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
    rights: Rights | None = None,
) -> int:
    """Apply what is not applied yet and return how many were; then say what the other roles than the owner may. Two at
    once: the second waits, then finds nothing."""
    migrations = [migration for component, folder in folders for migration in load_migrations(component, folder)]
    emptied = load_emptied([folder for _, folder in folders])
    connection = await asyncpg.connect(dsn, timeout=10, server_settings=patience.server_settings())
    try:
        lock = "wait for the other migration that is under way, or end it"
        await patience.outlast(partial(_take_turn, connection), "its turn", lock)
        await connection.execute(CREATE_TABLE)
        applied = {(row["component"], row["number"]): row["sha256"] for row in await connection.fetch(LOAD_APPLIED)}
        pending = [
            migration for migration in migrations if migration.stage in stages and not _is_applied(migration, applied)
        ]
        for migration in pending:
            apply = (
                partial(_apply_beside, patience=patience) if migration.is_outside else partial(_apply, rights=rights)
            )
            await patience.outlast(partial(apply, connection, migration), migration.file, LONG_TRANSACTION)
        if rights is not None:
            await patience.outlast(partial(rights.grant, connection, emptied), "the roles' rights", LONG_TRANSACTION)
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


async def load_missing(connection: asyncpg.Connection, folders: Sequence[tuple[str, Path]]) -> list[str]:
    """The files that the code at hand needs and that are not applied. What runs after a rollout it does not need."""
    wanted = [migration for component, folder in folders for migration in load_migrations(component, folder)]
    try:
        applied = {(row["component"], row["number"]) for row in await connection.fetch(LOAD_APPLIED)}
    except asyncpg.UndefinedTableError:
        applied = set()
    except asyncpg.InsufficientPrivilegeError:  # the role may work with the tables, and not see how they came to be
        return []
    return [
        migration.file
        for migration in wanted
        if migration.stage == "pre" and (migration.component, migration.number) not in applied
    ]


async def _take_turn(connection: asyncpg.Connection) -> None:
    """Asked for again and again: whoever waits for it within the server has a snapshot, for whose end an index that is
    made beside everybody would wait."""
    if not await connection.fetchval(TAKE_TURN, LOCK_ID):
        raise asyncpg.LockNotAvailableError("another migration is under way")


async def _apply(connection: asyncpg.Connection, migration: Migration, rights: Rights | None) -> None:
    async with connection.transaction():
        await connection.execute(migration.sql)
        if rights is not None:
            await rights.open_new(connection)
        await _save_applied(connection, migration)


async def _apply_beside(connection: asyncpg.Connection, migration: Migration, patience: Patience) -> None:
    """Outside of a transaction. Who waits here holds up nobody, and so may wait for as long as a migration may."""
    await connection.execute(f"set lock_timeout = {patience.deadline_s * 1000:.0f}")
    try:
        for statement in migration.statements():
            made = _MADE_BESIDE.search(statement)
            if made and await connection.fetchval(IS_HALF_MADE, made[1]):
                await connection.execute(f"drop index concurrently {made[1]}")
            await connection.execute(statement)
    finally:
        await connection.execute("reset lock_timeout")
    await _save_applied(connection, migration)


async def _save_applied(connection: asyncpg.Connection, migration: Migration) -> None:
    await connection.execute(SAVE_APPLIED, migration.component, migration.number, migration.name, migration.sha256)
