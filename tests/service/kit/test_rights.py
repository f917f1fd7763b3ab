"""What each role may do with each table, by the database's own word."""

from collections.abc import Iterable
from pathlib import Path

import asyncpg
import pytest

from deploy.local import postgres
from services.kit.migrations import migrate
from services.kit.postgres import transaction
from services.kit.rights import load_emptied, rights_of
from tests.servers import OPEN, SERVICES, Database, OpenDatabase, PostgresServer

pytestmark = pytest.mark.postgres
TRAIL = {"audit", "audit_seal", "audit_subject"}
READ_ONLY = {"schema_migration", "sealing"}
ROWS = {"select", "insert", "update", "delete"}
LOAD_RIGHTS = """
select relname, array(
    select one from unnest('{select, insert, update, delete, truncate, trigger, references}'::text[]) as one
    where has_table_privilege($1, pg_class.oid, one)
) as rights
from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v', 'm')
"""
LOAD_COLUMNS = """
select attname from pg_attribute where attrelid = 'audit'::regclass and attnum > 0 and not attisdropped
    and has_column_privilege($1, attrelid, attname, 'insert')
"""
TELL = """
insert into audit (tenant_id, roles, action, kind, subjects, correlation_id{more}) {how}
values ('*', '{{}}', 'read', 'k', '{{}}', ''{value})
"""


async def rights(opened: Database, role: str) -> dict[str, set[str]]:
    return {row["relname"]: set(row["rights"]) for row in await opened.owner.fetch(LOAD_RIGHTS, role)}


@pytest.mark.parametrize("service", ["kit", "eligibility", "outreach", "scheduling", "reporting"])
async def test_what_the_service_may(database: OpenDatabase, service: str) -> None:
    """It changes the rows of every table but the trail's, of which it has no right on a whole table, and reads what is
    applied; it empties what the service says that it empties, and nothing else (v5.0.0-13.2.2, v5.0.0-16.4.2)."""
    found = await rights(await database(service), service)
    assert {name: found.pop(name) for name in TRAIL} == {name: set() for name in TRAIL}
    assert {name: found.pop(name) for name in READ_ONLY} == {name: {"select"} for name in READ_ONLY}
    emptied = load_emptied([SERVICES / service / "migrations"])
    assert bool(emptied) == (service == "reporting")
    assert found == {name: ROWS | ({"truncate"} if name in emptied else set()) for name in found}


async def test_what_the_service_may_say_in_the_trail(database: OpenDatabase) -> None:
    """Who, what and to whom; a row's number, its time and how many it names are the database's (v5.0.0-16.4.2)."""
    opened = await database("kit")
    assert {row["attname"] for row in await opened.owner.fetch(LOAD_COLUMNS, "kit")} == {
        "tenant_id", "principal", "roles", "action", "kind", "subjects", "reason", "correlation_id", "purpose", "route",
        "outcome",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("column", "value"),
    [("audit_id", "9223372036854775807"), ("audit_id", "-1"), ("recorded_at", "'294276-12-31'")],
)
async def test_the_service_chooses_no_number_and_no_time(database: OpenDatabase, column: str, value: str) -> None:
    """A number at the end of all would leave none to others, and a time that none can count would stop who seals; it
    draws no numbers either (v5.0.0-16.4.2)."""
    opened = await database("kit")
    how = "overriding system value" if column == "audit_id" else ""
    async with transaction(opened.pool, "*") as connection:
        await connection.execute(TELL.format(more="", how="", value=""))
    for query in (
        TELL.format(more=f", {column}", how=how, value=f", {value}"),
        "select nextval('audit_audit_id_seq')",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await opened.pool.execute(query)


async def test_numbers_begin_at_one(database: OpenDatabase) -> None:
    """Nobody, not the owner, puts a row before the first, where no seal begins."""
    opened = await database("kit")
    query = TELL.format(more=", audit_id", how="overriding system value", value=", 0")
    with pytest.raises(asyncpg.CheckViolationError, match="audit_id_check"):
        async with transaction(opened.owner, "*") as connection:
            await connection.execute(query)


async def test_what_the_audit_role_may(database: OpenDatabase) -> None:
    """It reads the trail and adds seals, and has no right on any other table (v5.0.0-13.2.2)."""
    found = await rights(await database("eligibility"), "eligibility_audit")
    trail = {name: found.pop(name) for name in TRAIL}
    assert trail == {"audit": {"select"}, "audit_subject": {"select"}, "audit_seal": {"select", "insert"}}
    assert found == {name: set() for name in found}


@pytest.mark.parametrize("table", sorted(TRAIL))
@pytest.mark.parametrize("deed", ["update {} set {} = default", "delete from {}", "truncate {}"])
async def test_even_with_the_right_the_trail_is_not_changed(database: OpenDatabase, table: str, deed: str) -> None:
    """The owner, who may give himself any right, is stopped by the tables themselves (v5.0.0-16.4.2)."""
    opened = await database("kit")
    await opened.owner.execute(f"grant all on {table} to current_user")
    column = {"audit": "kind", "audit_seal": "row_count", "audit_subject": "subject"}[table]
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="audit rows are never changed or removed"):
        await opened.owner.execute(deed.format(table, column))


@pytest.fixture
async def bare(database: OpenDatabase) -> Database:
    """As a deployment has it: what is made is open to nobody by itself."""
    opened = await database("kit")
    await opened.owner.execute(OPEN.format("revoke", "from kit"))
    assert await opened.owner.fetchval("select count(*) from pg_default_acl") == 0
    return opened


def write(folder: Path, files: Iterable[tuple[str, str]]) -> list[tuple[str, Path]]:
    for name, sql in files:
        (folder / name).write_text(sql)
    return [("zoo", folder)]


async def test_a_table_of_a_later_migration_is_open_at_once(bare: Database, tmp_path: Path) -> None:
    """In the transaction that makes it: so also while the next one fails, and while old code runs."""
    opened = bare
    given = rights_of(opened.owner_dsn, opened.dsn, opened.audit_dsn)
    made = "create table penguin (penguin_id bigint generated always as identity, name text); create sequence egg"
    folders = write(tmp_path, [("0001_penguins.sql", made), ("0002_broken.sql", "select from nowhere")])
    with pytest.raises(asyncpg.UndefinedTableError):
        await migrate(opened.owner_dsn, folders, rights=given)
    await opened.pool.execute("insert into penguin (name) values ('pingu')")
    assert await opened.pool.fetchval("select nextval('egg')") == 1
    assert (await rights(opened, "kit"))["penguin"] == ROWS
    assert (await rights(opened, "kit_audit"))["penguin"] == set()


async def test_a_table_that_no_migration_made_is_nobodys(bare: Database) -> None:
    """No migration says that the owner's next table is open to a role."""
    await migrate(bare.owner_dsn, [], rights=rights_of(bare.owner_dsn, bare.dsn, bare.audit_dsn))
    await bare.owner.execute("create table diary (said text)")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await bare.pool.execute("select from diary")


async def test_a_right_that_was_given_beside_is_taken_back(
    database: OpenDatabase, postgres_server: PostgresServer, tmp_path: Path
) -> None:
    """Each migration says all that the roles may: what somebody granted by hand ends with it."""
    opened = await database("kit")
    admin = await asyncpg.connect(postgres_server.dsn(postgres.ADMIN, opened.dsn.rpartition("/")[2]))
    await admin.execute("grant update (kind), select on audit to kit; grant truncate on outbox to kit")
    await admin.execute("grant all on inbox to kit_audit")
    await admin.close()
    await migrate(opened.owner_dsn, [], rights=rights_of(opened.owner_dsn, opened.dsn, opened.audit_dsn))
    found = await rights(opened, "kit")
    assert (found["audit"], found["outbox"]) == (set(), ROWS)
    assert (await rights(opened, "kit_audit"))["inbox"] == set()
