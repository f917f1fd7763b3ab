"""The trail is sealed afterwards, so that no commit waits for it: closed batches of rows, each with a SHA-256 over them
and the seal before. To change or remove a sealed row, or to put one between, shows from there on. What does not show
from within: that the newest seals were removed together with all of their rows, or that all was sealed anew. For that
the head of the chain is written to the log each time, and `./vcc audit verify --head` compares."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from hashlib import sha256

from services.kit.postgres import Connection

BATCH_ROWS = 10_000
LOCK_ID = 0x7663635F7365616C
"""vcc_seal"""
BEGINNING = bytes(32)
FORMAT = 1
"""What is digested, and how: LOAD_ROWS and `digest`. Whoever changes them counts on, and goes on to know this one."""

LOAD_NEWEST = "select coalesce(max(audit_id), 0) from audit"
LOAD_WRITERS = """
select virtualtransaction from pg_locks
where relation = 'audit'::regclass and mode = 'RowExclusiveLock'
    and database = (select oid from pg_database where datname = current_database())
"""
TAKE_TURN = "select pg_try_advisory_xact_lock($1)"
LOAD_LAST = "select number, through_id, row_count, sha256, format from audit_seal order by number desc limit 1"
LOAD_BATCH_END = """
select max(audit_id) from (
    select audit_id from audit where audit_id > $1 and audit_id <= $2 order by audit_id limit $3
) as batch
"""
LOAD_ROWS = """
select jsonb_build_array(
    audit_id, tenant_id, principal, roles, action, kind, subjects, reason, correlation_id,
    (extract(epoch from recorded_at) * 1000000)::bigint, purpose, route, outcome
)::text as said
from audit where audit_id > $1 and audit_id <= $2 order by audit_id
"""
LOAD_WAITING_S = """
select coalesce(extract(epoch from clock_timestamp() - (
    select recorded_at from audit
    where audit_id > (select coalesce(max(through_id), 0) from audit_seal) order by audit_id limit 1
)), 0)::float
"""
SAVE_SEAL = "insert into audit_seal (number, through_id, row_count, sha256, format) values ($1, $2, $3, $4, $5)"


@dataclass(frozen=True, slots=True)
class Seal:
    """Of the rows after the seal before, up to `through_id`."""

    number: int
    through_id: int
    row_count: int
    sha256: bytes
    format: int = FORMAT


NONE = Seal(0, 0, 0, BEGINNING)
"""Before the first."""


@dataclass(frozen=True, slots=True)
class Mark:
    """The newest row at a moment, and the transactions that wrote then: rows of theirs may still come before it."""

    through_id: int
    writers: frozenset[str]


async def mark(connection: Connection) -> Mark:
    """First the row, then who writes: whoever has an older number and is not done is among them, for the table is
    locked before a number is taken."""
    newest: int = await connection.fetchval(LOAD_NEWEST)
    return Mark(newest, await _writers(connection))


async def is_closed(connection: Connection, marked: Mark) -> bool:
    """Whether no row up to the mark can come any more."""
    return not marked.writers & await _writers(connection)


async def _writers(connection: Connection) -> frozenset[str]:
    return frozenset(row["virtualtransaction"] for row in await connection.fetch(LOAD_WRITERS))


async def load_last(connection: Connection) -> Seal:
    """The newest, or `NONE`."""
    row = await connection.fetchrow(LOAD_LAST)
    return Seal(**dict(row)) if row else NONE


async def load_waiting_s(connection: Connection) -> float:
    """How old the oldest row is that no seal covers; 0: there is none."""
    waiting_s: float = await connection.fetchval(LOAD_WAITING_S)
    return waiting_s


async def seal_next(connection: Connection, through_id: int) -> Seal | None:
    """Seal the next batch of what is not sealed yet up to this row, which is closed. None: there is nothing, or another
    instance is at it. In a transaction of its own that sees every tenant."""
    if not await connection.fetchval(TAKE_TURN, LOCK_ID):
        return None
    last = await load_last(connection)
    end: int | None = await connection.fetchval(LOAD_BATCH_END, last.through_id, through_id, BATCH_ROWS)
    if end is None:
        return None
    made = await digest(connection, last, last.number + 1, end)
    await connection.execute(SAVE_SEAL, made.number, made.through_id, made.row_count, made.sha256, made.format)
    return made


async def digest(connection: Connection, before: Seal, number: int, through_id: int) -> Seal:
    """What the seal of these rows is, as they are."""
    digested, rows = sha256(before.sha256), 0
    digested.update(f"{FORMAT} {number} {through_id}\n".encode())
    async for row in _rows(connection, before.through_id, through_id):
        digested.update(f"{row}\n".encode())
        rows += 1
    return Seal(number, through_id, rows, digested.digest())


async def _rows(connection: Connection, after: int, through: int) -> AsyncIterator[str]:
    async for row in connection.cursor(LOAD_ROWS, after, through, prefetch=500):
        yield row["said"]
