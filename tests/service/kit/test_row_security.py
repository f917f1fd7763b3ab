"""Row-level security that fails closed."""

import asyncio
import time
from collections.abc import AsyncIterator

import asyncpg
import httpx
import pytest

from deploy.local import postgres
from services.kit.app import create
from services.kit.postgres import connect, create_pool, is_fault, transaction
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
FORBIDDEN_TO_ALL = (
    "update audit set principal = 'q'", "delete from audit", "truncate audit", "alter table audit disable trigger all",
    "drop table audit", "create table mine (one int)", "alter table inbox add column one int",
    "delete from schema_migration", "delete from sealing", "insert into sealing values (now())",
)  # fmt: skip
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
    name = opened.dsn.rpartition("/")[2]
    await admin.execute(f'grant connect on database "{name}" to {role}')
    dsn = postgres_server.dsn(role, name)
    yield Database("kit", dsn, opened.pool, opened.owner), ROLES[request.param]
    await admin.execute(f'revoke connect on database "{name}" from {role}; drop role {role}')
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
async def test_a_table_whose_policies_dont_bind_is_told(database: OpenDatabase, change: str, tables: str) -> None:
    """One that is switched off, or not forced upon the owner's views, is named (v5.0.0-8.4.1)."""
    opened = await database("kit")
    await opened.owner.execute(GUARDED)
    pool = await create_pool(opened.settings())
    assert await pool.fetchval("select 1") == 1
    await opened.owner.execute(change)
    await pool.expire_connections()
    with pytest.raises(RowSecurityBypassedError, match=f"not bound on {tables}$"):
        await pool.fetchval("select 1")
    pool.terminate()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("grant create on schema public to kit", "one that may make tables"),
        ("grant update on audit to kit", "one that may change the trail"),
        ("grant delete on audit to kit", "one that may change the trail"),
        ("grant truncate on audit to kit", "one that may change the trail"),
        ("grant truncate on audit_seal to kit", "one that may change the trail"),
        ("grant delete on audit_subject to kit", "one that may change the trail"),
        ("grant insert on audit_subject to kit", "one that may change the trail"),
        ("grant trigger on audit to kit", "one that may change the trail"),
        ("grant update (kind) on audit to kit", "one that may change the trail"),
        ("grant insert on audit to kit", "one that may change the trail"),
        ("grant insert (recorded_at) on audit to kit", "one that may change the trail"),
        ("grant select on audit to kit", "one that writes the trail, and reads or seals it"),
        ("grant select (kind) on audit to kit", "one that writes the trail, and reads or seals it"),
        ("grant select on audit_subject to kit", "one that writes the trail, and reads or seals it"),
        ("grant insert (sha256) on audit_seal to kit", "one that writes the trail, and reads or seals it"),
        ("grant kit_audit to kit", "one that writes the trail, and reads or seals it"),
        ("alter role kit noinherit; grant kit_audit to kit", "one that writes the trail, and reads or seals it"),
        ("grant insert on sealing to kit", "one that may say which migrations are applied"),
        ("grant delete on schema_migration to kit", "one that may say which migrations are applied"),
        ("alter role kit createrole", "one that may make roles or databases"),
        ("alter role kit createdb", "one that may make roles or databases"),
        ("grant kit_owner to kit", "the owner of its tables"),
    ],
)
async def test_a_role_that_could_undo_it_gets_no_connection(
    database: OpenDatabase, postgres_server: PostgresServer, change: str, said: str
) -> None:
    """Who could change the schema or the trail does not work as the service (v5.0.0-13.2.2, v5.0.0-16.4.2)."""
    opened = await database("kit")
    admin = await asyncpg.connect(postgres_server.dsn(postgres.ADMIN, opened.dsn.rpartition("/")[2]))
    await admin.execute(change)
    pool = await create_pool(opened.settings())
    try:
        with pytest.raises(RowSecurityBypassedError, match=said):
            await pool.fetchval("select 1")
    finally:
        pool.terminate()
        await admin.execute("revoke kit_owner, kit_audit from kit; alter role kit nocreaterole nocreatedb inherit")
        await admin.close()


async def test_the_owner_does_not_work_as_the_service(database: OpenDatabase) -> None:
    """A deployment with one role for everything is told so, and the runbook (v5.0.0-13.2.2)."""
    opened = await database("kit")
    pool = await create_pool(opened.settings(dsn=opened.owner_dsn))
    with pytest.raises(RowSecurityBypassedError, match=r"the owner of its tables \(docs/runbooks/"):
        await pool.fetchval("select 1")
    pool.terminate()


async def test_the_service_adds_to_the_trail_and_does_no_more(database: OpenDatabase) -> None:
    """The runtime role may insert; it reads, changes, removes and empties nothing of the trail, and changes no table;
    the audit role reads the trail alone (v5.0.0-16.4.2)."""
    opened = await database("kit")
    row = "insert into audit (tenant_id, principal, roles, action, kind, subjects, correlation_id) "
    row += "values ('*', 'p', '{}', 'read', 'k', '{}', '')"
    async with transaction(opened.pool, "*") as connection:
        await connection.execute(row)
    reader = await create_pool(opened.settings(dsn=opened.audit_dsn), holds_keys=False)
    async with transaction(reader, "*") as connection:
        assert await connection.fetchval("select principal from audit") == "p"
    theirs = [(opened.pool, query) for query in ("select 1 from audit", *FORBIDDEN_TO_ALL)]
    theirs += [(reader, query) for query in (row, "select 1 from inbox", "delete from inbox", *FORBIDDEN_TO_ALL)]
    for pool, query in theirs:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with transaction(pool, "*") as connection:
                await connection.execute(query)
    reader.terminate()


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
