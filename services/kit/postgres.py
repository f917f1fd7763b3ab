"""The pool and the one way to open a transaction. Nobody else opens or commits one."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from inspect import Parameter, signature
from typing import Any

import asyncpg
from asyncpg.pool import PoolConnectionProxy
from pydantic import SecretStr

from services.kit import direct, lost_peer, row_security
from services.kit.grants import Sites
from services.kit.sealed import KeyRing, Seals
from services.kit.settings import Settings
from services.kit.signals import Signals


class OurConnection(asyncpg.Connection):
    """A connection that knows the keys of whoever opened it."""

    seals: Seals | None = None


Connection = asyncpg.Connection | PoolConnectionProxy
DATA_ERRORS = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError)
"""What the database refuses of a row, whoever writes it."""

ALL_TENANTS = "*"
"""What a service uses for its own work on events. A request uses its principal's tenant."""

LOAD_SEALING = "select exists (select from sealing)"
LOAD_TIMELINE = "select left(pg_walfile_name(pg_current_wal_lsn()), 8)"
SET_TENANT = "select set_config('vcc.tenant', $1, true)"
NO_SITE = "-"
"""No site's id begins so."""
SET_SITES = "select set_config('vcc.sites', $1, true)"

RECORD_CLASSES = {
    "21": "a row met twice in one statement",
    "22": "a value out of range, or that can't be converted",
    "23": "a constraint that the row breaks",
    "54": "a value larger than an index or a row takes",
}
"""The SQLSTATE classes that speak of the data at hand: another record would pass where this one fails. All others are
faults: they speak of the connection, the server, the role, the schema or the code, as 42 (a column that is not there, a
right that is lacking) and 0A (a plan that a migration has made stale) do. Nobody's record is set aside for those."""


OUR_CLASSES = ("0A", "26", "34", "3F", "42")
"""Of the faults those that stay until somebody changes the schema, a right or the code."""


STATEMENT_LIFETIME_S = 20
"""How long a plan can stand that was made while its tables were small."""
MOST_LONG = 2
"""Connections of a pool that may be held for minutes."""
SILENCE_S = 5.0
"""How long after its own limit a server may keep silent until the client takes the connection for lost."""


def is_fault(error: BaseException) -> bool:
    """Whether trying again later can help: the database, the network, the disk or the code was at fault, not the
    data."""
    if isinstance(error, asyncpg.PostgresError):
        return (error.sqlstate or "XX")[:2] not in RECORD_CLASSES
    if isinstance(error, ValueError):  # the driver refused an argument before it sent anything
        return False
    driver = asyncpg.InterfaceError | asyncpg.InternalClientError
    return isinstance(error, OSError | TimeoutError | asyncio.TimeoutError | driver)


def is_outage(error: BaseException) -> bool:
    """A fault that passes by itself: whoever asked may ask again. A plan that a migration has made stale is one, for
    the driver makes it anew."""
    is_ours = isinstance(error, asyncpg.PostgresError) and (error.sqlstate or "XX")[:2] in OUR_CLASSES
    return is_fault(error) and (not is_ours or isinstance(error, asyncpg.InvalidCachedStatementError))


def server_settings(settings: Settings) -> dict[str, str]:
    """Limits that the server enforces, because the driver's own cover neither acquire nor reconnect."""
    return {
        "application_name": f"vcc-{settings.service}",
        "statement_timeout": f"{settings.statement_timeout_s * 1000:.0f}",
        "lock_timeout": f"{settings.lock_timeout_s * 1000:.0f}",
        "idle_in_transaction_session_timeout": f"{settings.statement_timeout_s * 2000:.0f}",
        "jit": "off",
        "timezone": "UTC",
        **lost_peer.server_settings(settings.lost_peer_s),
    }


async def prepare(connection: asyncpg.Connection) -> None:
    """Read and write jsonb as Python values."""
    await connection.set_type_codec("jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog")


def text_array(values: Sequence[str]) -> str:
    """The literal of a `text[]`, for a statement that takes it as `$n::text::text[]`: for columns of many rows, as the
    driver asks of each element of an array whether it is an array itself, which takes seven times as long. Only within
    `unnest`: `any` would read the literal anew for each row that it compares. `ValueError` for a text that holds
    U+0000, which Postgres can't store."""
    if not values:
        return "{}"
    joined = "\0".join(values)
    if joined.count("\0") >= len(values):
        raise ValueError("a text of the array holds U+0000, which can't be stored")
    escaped = joined.replace("\\", r"\\").replace('"', r"\"").replace("\0", '","')
    return f'{{"{escaped}"}}'


class ReplacedError(asyncpg.InterfaceError):
    """Another server answers than the one that this process began with: a replica that was promoted, or a restored
    backup. What it has forgotten must be known before anybody works on it."""


async def hold(connection: asyncpg.Connection, seals: Seals) -> None:
    """Let whoever works with the connection seal and open with these keys."""
    assert isinstance(connection, OurConnection), "the pool and `connect` make no others"
    connection.seals = seals
    await look_whether_sealing_began(connection, seals)


async def look_whether_sealing_began(connection: Connection, seals: Seals) -> None:
    """Once it has begun nobody asks again."""
    seals.has_begun = seals.has_begun or await connection.fetchval(LOAD_SEALING)


Prepare = Callable[[asyncpg.Connection], Coroutine[Any, Any, None]]


def _preparing(settings: Settings, *, holds_keys: bool = True) -> Prepare:
    """What every connection of ours gets first, in the pool and outside of it."""

    seals = Seals(_ring(settings.key_ring), topics=_ring(settings.topic_key_ring))

    async def prepare_ours(connection: asyncpg.Connection) -> None:
        lost_peer.notice(connection, settings.lost_peer_s)
        await direct.require(connection, settings.statement_timeout_s)
        await row_security.require(connection)
        await prepare(connection)
        if holds_keys:
            await hold(connection, seals)

    return prepare_ours


def _ring(text: SecretStr | None) -> KeyRing | None:
    return None if text is None else KeyRing.parse(text.get_secret_value())


def _unless_replaced(prepare_ours: Prepare, on_replaced: Callable[[], None]) -> Prepare:
    """The same, on the timeline of the first connection only: a promotion and a recovery begin another one."""
    first: list[str] = []

    async def prepare_same(connection: asyncpg.Connection) -> None:
        await prepare_ours(connection)
        try:
            timeline = await connection.fetchval(LOAD_TIMELINE)
        except (asyncpg.InsufficientPrivilegeError, asyncpg.FeatureNotSupportedError):
            return  # a managed server that does not tell
        first[:] = first or [timeline]
        if first != [timeline]:
            on_replaced()
            raise ReplacedError("the server is on another timeline")

    return prepare_same


class NoPlaceError(Exception):
    """As many connections as may be are held for long already."""


@dataclass(slots=True)
class Places:
    """For those who hold a connection for minutes: so many at once, that the others are left for everybody else."""

    free: int

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Raises NoPlaceError where none is free: whoever waited would hold a request as long."""
        if self.free == 0:
            raise NoPlaceError
        self.free -= 1
        try:
            yield
        finally:
            self.free += 1


class Pool(asyncpg.Pool):
    """The connections of one process to one database, opened when they are needed, with the signals of what is
    committed over them. A quarter of them, at most two, may be held for long."""

    def __init__(self, dsn: str, *, max_size: int, **options: Any) -> None:
        super().__init__(
            dsn, **_POOL_DEFAULTS | {"min_size": 0, "max_size": max_size, "connection_class": OurConnection} | options
        )
        self.signals = Signals()
        self.long = Places(max(1, min(MOST_LONG, max_size // 4)))


_POOL_DEFAULTS = {
    parameter.name: parameter.default
    for parameter in signature(asyncpg.create_pool).parameters.values()
    if parameter.kind is Parameter.KEYWORD_ONLY
}
"""asyncpg keeps them in the function that makes its own class, and has its class ask for all of them."""


async def create_pool(
    settings: Settings, on_replaced: Callable[[], None] | None = None, *, holds_keys: bool = True
) -> Pool:
    """A pool whose every connection carries the server-side limits. It opens connections when they are needed, so a
    service starts while its database is still away. With `on_replaced`, which is called then, it gives no connection
    to another server than the first. Without `holds_keys` nobody seals or opens anything with it: the role that reads
    the trail may not even look whether sealing has begun."""
    prepare_ours = _preparing(settings, holds_keys=holds_keys)
    pool = Pool(
        settings.dsn.get_secret_value(),
        max_size=settings.pool_size,
        timeout=settings.acquire_timeout_s,
        command_timeout=settings.statement_timeout_s + SILENCE_S,
        server_settings=server_settings(settings),
        init=_unless_replaced(prepare_ours, on_replaced) if on_replaced else prepare_ours,
        reset=_keep_session,
        max_cached_statement_lifetime=STATEMENT_LIFETIME_S,
    )
    await pool
    return pool


async def connect(settings: Settings, *, holds_keys: bool = True) -> asyncpg.Connection:
    """A connection outside the pool, for whoever holds a session lock on it."""
    connection = await asyncpg.connect(
        settings.dsn.get_secret_value(),
        connection_class=OurConnection,
        timeout=settings.acquire_timeout_s,
        command_timeout=settings.statement_timeout_s + SILENCE_S,
        server_settings=server_settings(settings),
    )
    try:
        await _preparing(settings, holds_keys=holds_keys)(connection)
    except BaseException:
        connection.terminate()
        raise
    return connection


@asynccontextmanager
async def transaction(
    pool: asyncpg.Pool, tenant: str, acquire_timeout_s: float = 5.0, *, sites: Sites = None,
    over_within_s: float | None = None,
) -> AsyncIterator[Connection]:  # fmt: skip
    """One transaction that sees `tenant`'s rows only (`ALL_TENANTS`: every row), of a table of sites' rows those of
    `sites`. Commits on leaving without error. If it is not over within so many seconds its connection ends, which is
    a fault: a cancelled one would wait for the end of its statement and of the rollback, which a lost server never
    tells."""
    async with (
        pool.acquire(timeout=acquire_timeout_s) as connection,
        _ending(connection, over_within_s),
        connection.transaction(),
    ):
        try:
            await connection.execute(SET_TENANT, tenant)
            if sites is not None:
                await connection.execute(SET_SITES, ",".join(sorted(sites)) or NO_SITE)
            yield connection
        except TimeoutError:
            connection.terminate()  # whoever kept silent this long would not answer the rollback either
            raise


@asynccontextmanager
async def _ending(connection: Connection, after_s: float | None) -> AsyncIterator[None]:
    if after_s is None:
        yield
        return
    end = asyncio.get_running_loop().call_later(after_s, connection.terminate)
    try:
        yield
    finally:
        end.cancel()


@asynccontextmanager
async def seeing(connection: Connection, tenant: str) -> AsyncIterator[None]:
    """Within a transaction, see another tenant's rows for a while: for an effect that reaches beyond the rows of who
    asked for it. An error inside ends the transaction, and what it saw with it."""
    before = await connection.fetchval("select current_setting('vcc.tenant')")
    await connection.execute(SET_TENANT, tenant)
    yield
    await connection.execute(SET_TENANT, before)


async def _keep_session(connection: Connection) -> None:
    """What asyncpg would ask the server to reset on each return to the pool is never set: tenants and locks of pooled
    connections end with their transaction."""
