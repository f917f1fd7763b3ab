"""Services speak to Postgres itself. They pool their connections, prepare statements, hold session locks and have the
server enforce limits that they name when they connect. What stands between, such as PgBouncer, gives none of that, or
only until it hands the session to somebody else: so it is noticed and refused, whatever its mode."""

import asyncpg

LOAD_BACKEND = """
select pg_backend_pid() as pid, setting::bigint as timeout_ms from pg_settings where name = 'statement_timeout'
"""
ADVICE = "name Postgres itself in the DSN: a service pools its own connections (VCC_<SERVICE>_POOL_SIZE)"


class PooledError(asyncpg.InterfaceError):
    """A pooler stands between this process and the server."""


async def require(connection: asyncpg.Connection, statement_timeout_s: float) -> None:
    """Raises PooledError unless the session is the one that was opened, and has the limits that were asked for."""
    backend = await connection.fetchrow(LOAD_BACKEND)
    assert backend is not None
    if backend["pid"] != connection.get_server_pid():
        raise PooledError(f"a connection pooler answers in Postgres's place; {ADVICE}")
    if backend["timeout_ms"] != round(statement_timeout_s * 1000):
        raise PooledError(f"the server's limits are not those that were asked for; {ADVICE}")
