"""Which incarnation of its database a service works on. A backup in its place, a dump that was read into it, a promoted
replica and a copy are other ones; a server that starts again on its own files is the same, and knows all that it ever
knew."""

import asyncpg

from services.kit.postgres import ALL_TENANTS, Connection, is_fault, transaction

LOAD_NOW = """
select concat_ws('/',
    (select system_identifier from pg_control_system()),
    left(pg_walfile_name(pg_current_wal_lsn()), 8),
    (select oid from pg_database where datname = current_database()),
    pg_relation_filenode('compared_database')
)
"""
LOAD_COMPARED = "select incarnation from compared_database"
SAVE_COMPARED = """
insert into compared_database (incarnation) values ($1)
on conflict (is_only) do update set incarnation = excluded.incarnation, compared_at = clock_timestamp()
where compared_database.incarnation <> excluded.incarnation
"""


async def note_compared(pool: asyncpg.Pool) -> None:
    """This incarnation knows what the log says."""
    async with transaction(pool, ALL_TENANTS) as connection:
        if (now := await _load_now(connection)) is not None:
            await connection.execute(SAVE_COMPARED, now)


async def was_compared(pool: asyncpg.Pool) -> bool:
    """Whether it did when it was last compared. Not if that can't be said."""
    try:
        async with transaction(pool, ALL_TENANTS) as connection:
            compared, now = await connection.fetchval(LOAD_COMPARED), await _load_now(connection)
    except Exception as error:
        if not is_fault(error):
            raise
        return False
    return now is not None and compared == now


async def _load_now(connection: Connection) -> str | None:
    """None on a managed server that does not tell."""
    try:
        async with connection.transaction():
            found: str = await connection.fetchval(LOAD_NOW)
    except (asyncpg.InsufficientPrivilegeError, asyncpg.FeatureNotSupportedError):
        return None
    return found
