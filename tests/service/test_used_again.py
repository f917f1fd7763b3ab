"""A test's database is used again only where nobody can tell it from a new one."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from deploy.local import postgres
from tests import servers
from tests.servers import Database, PostgresServer

pytestmark = pytest.mark.postgres
SAY = """
insert into outbox (event_id, shard, aggregatetype, aggregateid, type, payload, occurred_at)
values (gen_random_uuid(), 0, 't', 'k', 't', '', now()) returning id
"""


@pytest.fixture
async def admin(postgres_server: PostgresServer) -> AsyncIterator[asyncpg.Connection]:
    admin = await asyncpg.connect(postgres_server.dsn(postgres.ADMIN, "postgres"), timeout=10)
    yield admin
    await admin.close()


@pytest.fixture
async def used(postgres_server: PostgresServer) -> Database:
    """Taken like any test's."""
    return await servers.open_database(postgres_server, "outreach")


async def _next(server: PostgresServer, used: Database) -> Database:
    await servers.close_database(server, used)
    return await servers.open_database(server, "outreach")


async def test_what_was_written_is_gone(postgres_server: PostgresServer, used: Database) -> None:
    """Rows are gone, the trail's too, numbers begin anew, and what the migrations wrote is there."""
    versions = await used.pool.fetchval("select count(*) from schema_migration")
    for _ in range(2):
        await used.owner.execute("create temporary table mine (one integer)")
        assert await used.pool.fetchval(SAY) == 1
        name = used.dsn
        used = await _next(postgres_server, used)
        assert used.dsn == name
    assert await used.pool.fetchval("select count(*) from outbox") == 0
    assert await used.pool.fetchval("select count(*) from schema_migration") == versions > 0
    await servers.close_database(postgres_server, used)


@pytest.mark.parametrize(
    "alteration",
    [
        "create table more (one integer)", "alter table outbox add column more integer",
        "drop index idempotency_key_created_at",
        "create function more() returns integer language sql as 'select 1'", "grant select on outbox to public",
        "delete from schema_migration", "update sealing set begun_at = now()", "alter table outbox disable trigger all",
    ],
)  # fmt: skip
async def test_what_was_altered_is_not_used_again(
    postgres_server: PostgresServer, used: Database, alteration: str
) -> None:
    """Tables, columns, indexes, functions, rights, triggers, and rows that migrations wrote."""
    await used.owner.execute(alteration)
    following = await _next(postgres_server, used)
    assert following.dsn != used.dsn
    await servers.close_database(postgres_server, following)


@pytest.mark.parametrize(
    "alteration", ['grant connect on database "{0}" to public', "alter database \"{0}\" set timezone = 'Asia/Tokyo'"]
)
async def test_what_stands_beside_a_database_counts(
    postgres_server: PostgresServer, admin: asyncpg.Connection, used: Database, alteration: str
) -> None:
    """Rights on the database, and its settings."""
    await admin.execute(alteration.format(used.dsn.rpartition("/")[2]))
    following = await _next(postgres_server, used)
    assert following.dsn != used.dsn
    await servers.close_database(postgres_server, following)
