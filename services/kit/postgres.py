"""The pool and the one way to open a transaction. Nobody else opens or commits one."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from services.kit.grants import Sites
from services.kit.settings import Settings

Connection = asyncpg.Connection | PoolConnectionProxy

ALL_TENANTS = "*"
"""What a service uses for its own work on events. A request uses its principal's tenant."""

LOAD_TIMELINE = "select left(pg_walfile_name(pg_current_wal_lsn()), 8)"
SET_TENANT = "select set_config('vcc.tenant', $1, true)"
NO_SITE = "-"
"""No site's id begins so."""
SET_SITES = "select set_config('vcc.sites', $1, true)"

_after_commit: dict[int, list[Callable[[], None]]] = {}
"""What to call, by the id of the connection whose transaction is open."""

_FAULT_CLASSES = ("08", "25", "40", "53", "55", "57", "58", "F0", "XX")
"""SQLSTATE classes that speak of the server's condition and not of the data: connection, transaction state, rollback,
resources, lock, operator, system."""


STATEMENT_LIFETIME_S = 20
"""How long a plan can stand that was made while its tables were small."""
SILENCE_S = 5.0
"""How long after its own limit a server may keep silent until the client takes the connection for lost."""


def is_fault(error: BaseException) -> bool:
    """Whether trying again later can help: the database or the network was at fault, not the data."""
    if isinstance(error, asyncpg.PostgresError):
        return (error.sqlstate or "XX")[:2] in _FAULT_CLASSES
    if isinstance(error, ValueError):  # the driver refused an argument before it sent anything
        return False
    driver = asyncpg.InterfaceError | asyncpg.InternalClientError
    return isinstance(error, OSError | TimeoutError | asyncio.TimeoutError | driver)


def server_settings(settings: Settings) -> dict[str, str]:
    """Limits that the server enforces, because the driver's own cover neither acquire nor reconnect."""
    return {
        "application_name": f"vcc-{settings.service}",
        "statement_timeout": f"{settings.statement_timeout_s * 1000:.0f}",
        "lock_timeout": f"{settings.lock_timeout_s * 1000:.0f}",
        "idle_in_transaction_session_timeout": f"{settings.statement_timeout_s * 2000:.0f}",
        "jit": "off",
        "timezone": "UTC",
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


def _prepare_unless_replaced(
    on_replaced: Callable[[], None],
) -> Callable[[asyncpg.Connection], Coroutine[Any, Any, None]]:
    """`prepare`, on the timeline of the first connection only: a promotion and a recovery begin another one."""
    first: list[str] = []

    async def prepare_same(connection: asyncpg.Connection) -> None:
        await prepare(connection)
        try:
            timeline = await connection.fetchval(LOAD_TIMELINE)
        except (asyncpg.InsufficientPrivilegeError, asyncpg.FeatureNotSupportedError):
            return  # a managed server that does not tell
        first[:] = first or [timeline]
        if first != [timeline]:
            on_replaced()
            raise ReplacedError("the server is on another timeline")

    return prepare_same


async def create_pool(settings: Settings, on_replaced: Callable[[], None] | None = None) -> asyncpg.Pool:
    """A pool whose every connection carries the server-side limits. It opens connections when they are needed, so a
    service starts while its database is still away. With `on_replaced`, which is called then, it gives no connection
    to another server than the first."""
    return await asyncpg.create_pool(
        settings.dsn.get_secret_value(),
        min_size=0,
        max_size=settings.pool_size,
        timeout=settings.acquire_timeout_s,
        command_timeout=settings.statement_timeout_s + SILENCE_S,
        server_settings=server_settings(settings),
        init=_prepare_unless_replaced(on_replaced) if on_replaced else prepare,
        reset=_keep_session,
        max_cached_statement_lifetime=STATEMENT_LIFETIME_S,
    )


async def connect(settings: Settings) -> asyncpg.Connection:
    """A connection outside the pool, for whoever holds a session lock on it."""
    connection = await asyncpg.connect(
        settings.dsn.get_secret_value(),
        timeout=settings.acquire_timeout_s,
        command_timeout=settings.statement_timeout_s + SILENCE_S,
        server_settings=server_settings(settings),
    )
    await prepare(connection)
    return connection


@asynccontextmanager
async def transaction(
    pool: asyncpg.Pool, tenant: str, acquire_timeout_s: float = 5.0, *, sites: Sites = None
) -> AsyncIterator[Connection]:
    """One transaction that sees `tenant`'s rows only (`ALL_TENANTS`: every row), of a table of sites' rows those of
    `sites`. Commits on leaving without error."""
    async with pool.acquire(timeout=acquire_timeout_s) as connection:
        calls = _after_commit[id(connection)] = []
        try:
            async with connection.transaction():
                try:
                    await connection.execute(SET_TENANT, tenant)
                    if sites is not None:
                        await connection.execute(SET_SITES, ",".join(sorted(sites)) or NO_SITE)
                    yield connection
                except TimeoutError:
                    connection.terminate()  # whoever kept silent this long would not answer the rollback either
                    raise
        finally:
            del _after_commit[id(connection)]
        for call in calls:
            call()


def after_commit(connection: Connection, call: Callable[[], None]) -> None:
    """Have `call` made once this transaction has committed; never if it does not, nor if `transaction` has not opened
    it. It must not raise."""
    if (calls := _after_commit.get(id(connection))) is not None:
        calls.append(call)


async def _keep_session(connection: Connection) -> None:
    """What asyncpg would ask the server to reset on each return to the pool is never set: tenants and locks of pooled
    connections end with their transaction."""
