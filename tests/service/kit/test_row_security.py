"""Row-level security that fails closed."""

import asyncio
import time
from collections.abc import AsyncIterator

import asyncpg
import httpx
import pytest

from deploy.local import postgres
from services.kit.app import create
from services.kit.postgres import connect, create_pool, is_fault
from services.kit.row_security import RowSecurityBypassedError
from tests.servers import Database, OpenDatabase, PostgresServer
from tests.service.kit.test_app import SERVICE

pytestmark = [pytest.mark.postgres, pytest.mark.expects_error_log("row-level security bypassed")]
GUARDED = """
create table guarded (tenant_id text not null);
alter table guarded enable row level security;
alter table guarded force row level security;
create policy tenant_isolation on guarded using (tenant_id = current_setting('vcc.tenant', true));
"""
ROLES = {"superuser": "a superuser", "bypassrls": "a role with BYPASSRLS"}


@pytest.fixture(params=ROLES)
async def exempt(
    request: pytest.FixtureRequest, database: OpenDatabase, postgres_server: PostgresServer
) -> AsyncIterator[tuple[Database, str]]:
    """A service's database, entered as a role that policies don't bind, and what is to be said of it."""
    opened, role = await database("kit"), f"exempt_{request.param}"
    admin = await asyncpg.connect(postgres_server.dsn(postgres.ADMIN, "postgres"))
    await postgres.make_role(admin, role, postgres_server.password)
    await admin.execute(f"alter role {role} {request.param}")
    dsn = postgres_server.dsn(role, opened.dsn.rpartition("/")[2])
    yield Database("kit", dsn, opened.pool), ROLES[request.param]
    await admin.execute(f"drop role {role}")
    await admin.close()


async def test_a_role_that_policies_dont_bind_gets_no_connection(exempt: tuple[Database, str]) -> None:
    """Neither in the pool nor beside it, and it is no record's fault (v5.0.0-8.2.2, v5.0.0-13.2.2)."""
    opened, said = exempt
    pool = await create_pool(opened.settings())
    for opening in (pool.fetchval("select 1"), connect(opened.settings())):
        with pytest.raises(RowSecurityBypassedError, match=said) as refused:
            await opening
        assert is_fault(refused.value)
    pool.terminate()


@pytest.mark.parametrize(
    ("change", "tables"),
    [
        ("alter table guarded no force row level security", "guarded"),
        ("alter table guarded disable row level security", "guarded"),
        ("alter table guarded disable row level security; alter table audit no force row level security",
         "audit, guarded"),
    ],
)  # fmt: skip
async def test_a_table_whose_policies_dont_bind_its_owner_is_told(
    database: OpenDatabase, change: str, tables: str
) -> None:
    """One that is switched off or not forced is named; forced ones let the owner in (v5.0.0-8.4.1)."""
    opened = await database("kit")
    await opened.pool.execute(GUARDED)
    pool = await create_pool(opened.settings())
    assert await pool.fetchval("select 1") == 1
    await opened.pool.execute(change)
    await pool.expire_connections()
    with pytest.raises(RowSecurityBypassedError, match=f"not bound on {tables}$"):
        await pool.fetchval("select 1")
    pool.terminate()


async def test_such_a_service_answers_nothing_and_says_why(exempt: tuple[Database, str]) -> None:
    """`/ready` names it, and a request is answered with a fault (v5.0.0-8.4.1)."""
    app = create(SERVICE, exempt[0].settings())
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://kit") as client,
    ):
        deadline = time.monotonic() + 15
        while (ready := await client.get("/ready")).json()["checks"]["postgres"]["reason"] == "not asked yet":
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)
        assert ready.status_code == 503
        assert ready.json()["checks"]["postgres"]["reason"] == "RowSecurityBypassedError"
