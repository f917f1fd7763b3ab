"""Outreach on an empty database, and workers who use it."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest

from deploy.local.postgres import ADMIN
from tests.facts import a_day, a_programme
from tests.servers import PostgresServer, enter
from tests.service.outreach.builders import Outreach, Worker, client_of

TABLES = "select string_agg(format('%I', tablename), ', ') from pg_tables where schemaname = 'public'"


@pytest.fixture(scope="session")
def outreach_dsn(postgres_server: PostgresServer) -> Iterator[str]:
    """One migrated database for all of these tests: emptying it is far quicker than making another."""
    dsn = asyncio.run(postgres_server.create("outreach"))
    yield dsn
    asyncio.run(postgres_server.drop(dsn))


@pytest.fixture
async def outreach(postgres_server: PostgresServer, outreach_dsn: str) -> AsyncIterator[Outreach]:
    """Knows its programme and that it is 1 March 2021."""
    await _empty(postgres_server.dsn(ADMIN, outreach_dsn.rpartition("/")[2]))
    entered = await enter("outreach", outreach_dsn)
    running = Outreach(entered)
    await running.hear(a_programme(), a_day())
    yield running
    entered.pool.terminate()
    entered.owner.terminate()


async def _empty(admin_dsn: str) -> None:
    """As the server's owner and without triggers: the audit trail lets nobody else."""
    admin = await asyncpg.connect(admin_dsn, timeout=10)
    await admin.execute("set session_replication_role = replica; set lock_timeout = '5s'")
    await admin.execute(f"truncate {await admin.fetchval(TABLES)} restart identity")
    await admin.close()


@pytest.fixture
async def worker(outreach: Outreach) -> AsyncIterator[Worker]:
    """A coordinator of the plan."""
    async with client_of(outreach.database) as client:
        yield Worker(client)
