"""How the trail is searched: by an index, through a row that is closed, one at a time."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from services.kit import audit, audit_search
from services.kit.audit_search import Reader, Search
from services.kit.auth import Principal
from services.kit.migrations import KIT_FOLDER, migrate
from services.kit.postgres import create_pool, transaction
from services.kit.problem import RefusedError
from services.kit.unit_of_work import working
from tests.servers import Database, OpenDatabase

pytestmark = pytest.mark.postgres
TEACHER = Principal("minerva", frozenset({"teacher"}), frozenset({"hogwarts"}), "hogwarts")
LONG_TRAIL = """
insert into audit (tenant_id, principal, roles, action, kind, subjects, correlation_id)
select case when no % 2 = 0 then 'hogwarts' else 'durmstrang' end, 'ghost-' || no % 500, '{}',
    case when no % 1000 = 0 then 'export' else 'read' end, 'pupil', array['pupil-' || no, 'house-' || no % 4], ''
from generate_series(1, 20000) as no
"""


@pytest.fixture
async def archive(database: OpenDatabase) -> Database:
    return await database("kit")


@pytest.fixture
async def reader(archive: Database) -> AsyncIterator[Reader]:
    pool = await create_pool(archive.settings(dsn=archive.audit_dsn, pool_size=2), holds_keys=False)
    yield Reader(pool)
    pool.terminate()


async def told(archive: Database, *pupils: str) -> None:
    for pupil in pupils:
        async with working(archive.pool, "hogwarts") as work:
            await audit.record(work, TEACHER, "read", "pupil", [pupil])


@pytest.mark.parametrize(
    ("search", "index"),
    [
        (Search(subjects=["pupil-77", "pupil-78"]), "audit_subject_pkey"),
        (Search(principal="ghost-7"), "audit_principal"),
        (Search(action="export"), "audit_action"),
        (Search(subjects=["pupil-77"], principal="ghost-77", action="read"), "audit_subject_pkey"),
    ],
    ids=["member", "principal", "action", "all"],
)
@pytest.mark.parametrize("tenant", ["*", "hogwarts"])
async def test_a_long_trail_is_not_read_to_find_a_few_rows(
    archive: Database, reader: Reader, search: Search, index: str, tenant: str
) -> None:
    """Under row-level security, as the role that reads the trail, an index finds them."""
    async with transaction(archive.owner, "*") as owner:
        await owner.execute(LONG_TRAIL)
    await archive.owner.execute("analyze audit, audit_subject")
    query, given = search.query(0, 2**40, 200)
    async with transaction(reader.pool, tenant) as connection:
        plan = json.dumps(await connection.fetchval(f"explain (format json) {query}", *given))
        found = await connection.fetch(query, *given)
    assert index in plan
    assert "Seq Scan" not in plan
    assert found or tenant != "*"


async def test_times_become_numbers(archive: Database, reader: Reader) -> None:
    """What lies well before or after the times that are asked for is not looked at; what lies at their edge is decided
    by its own time."""
    async with transaction(archive.owner, "*") as owner:
        for hours in (30, 20, 10, 5, 0):
            await owner.execute(
                "insert into audit (tenant_id, roles, action, kind, subjects, correlation_id, recorded_at) "
                "values ('*', '{}', 'read', 'pupil', '{}', '', now() - make_interval(hours => $1))",
                hours,
            )
    now = datetime.now(UTC)
    search = Search(since=now - timedelta(hours=11), until=now - timedelta(hours=4))
    async with transaction(reader.pool, "*") as connection:
        assert await audit_search._bounds(connection, search) == (2, 5)
        assert await audit_search._bounds(connection, Search()) == (0, None)
    rows = await reader.find("*", search, 0, 5, 100)
    assert [row["audit_id"] for row in rows] == [3, 4]
    assert await reader.find("*", Search(until=now - timedelta(hours=40)), 0, 5, 100) == []


async def test_no_row_that_is_committed_late_is_passed_over(archive: Database, reader: Reader) -> None:
    """A search waits for who wrote before its newest row; so what follows its last page lies behind it."""
    async with working(archive.pool, "hogwarts") as work:
        await audit.record(work, TEACHER, "read", "pupil", ["harry"])
        await told(archive, "ron")
        searching = asyncio.create_task(reader.load_closed())
        await told(archive, "draco")
        assert not searching.done()
    assert await searching in (2, 3)


async def test_who_never_ends_does_not_keep_the_trail_from_being_read(
    archive: Database, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a while the search ends with the newest seal instead."""
    monkeypatch.setattr(audit_search, "CLOSED_S", 0.0)
    await told(archive, "harry")
    async with transaction(reader.pool, "*") as connection:
        await connection.execute(
            "insert into audit_seal (number, through_id, row_count, sha256) values (1, 1, 1, sha256(''))"
        )
    async with working(archive.pool, "hogwarts") as work:
        await audit.record(work, TEACHER, "read", "pupil", ["ron"])
        await told(archive, "draco")
        assert await reader.load_closed() == 1
    assert await reader.load_closed() == 3


async def test_one_searches_at_a_time(archive: Database, reader: Reader) -> None:
    """The next waits for its turn, and is asked to come again when that lasts."""
    async with reader.turn():
        with pytest.raises(RefusedError) as refused:
            async with reader.turn(0.01):
                pass
    assert (refused.value.refusal.code, refused.value.refusal.status) == ("audit-busy", 429)
    async with reader.turn(0.01):
        pass


async def test_rows_of_before_are_found(archive: Database) -> None:
    """A trail from before there was an index of names: the migration puts its rows in, some thousands in a transaction,
    and puts in none twice when it comes again."""
    async with transaction(archive.owner, "*") as owner:
        await owner.execute("alter table audit disable trigger audit_subjects_saved")
        await owner.execute(LONG_TRAIL)
        await owner.execute("alter table audit enable trigger audit_subjects_saved")
        assert await owner.fetchval("select count(*) from audit_subject") == 0
    await archive.owner.execute("delete from schema_migration where component = 'kit' and number = 19")
    for _ in range(2):
        await migrate(archive.owner_dsn, [("kit", KIT_FOLDER)])
        await archive.owner.execute("delete from schema_migration where component = 'kit' and number = 19")
    async with transaction(archive.owner, "*") as owner:
        assert await owner.fetchval("select count(*) from audit_subject") == 40_000
        assert await owner.fetchval("select count(distinct tenant_id) from audit_subject") == 2


async def test_a_name_too_long_for_an_index_keeps_no_row_out(archive: Database) -> None:
    """Whatever a path holds, its row stands in the trail."""
    await told(archive, "x" * 20_000)
    async with transaction(archive.owner, "*") as owner:
        assert await owner.fetchval("select length(subject) from audit_subject") == 200
