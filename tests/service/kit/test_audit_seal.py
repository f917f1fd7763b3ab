"""Seals over the trail: what they show, and what only a head that stands elsewhere shows."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from deploy.local import postgres
from services.kit import audit, audit_seal, audit_verify
from services.kit.audit_seal import is_closed, mark, seal_next
from services.kit.audit_verify import Verdict, verify
from services.kit.auth import Principal
from services.kit.postgres import Pool, create_pool, transaction
from services.kit.unit_of_work import working
from tests.servers import Database, OpenDatabase, PostgresServer

pytestmark = pytest.mark.postgres
TEACHER = Principal("minerva", frozenset({"teacher"}), frozenset({"hogwarts"}), "hogwarts")


@pytest.fixture
async def archive(database: OpenDatabase, monkeypatch: pytest.MonkeyPatch) -> Database:
    """Its batches hold two rows."""
    monkeypatch.setattr(audit_seal, "BATCH_ROWS", 2)
    return await database("kit")


@pytest.fixture
async def reader(archive: Database) -> AsyncIterator[Pool]:
    pool = await create_pool(archive.settings(dsn=archive.audit_dsn), holds_keys=False)
    yield pool
    pool.terminate()


@pytest.fixture
async def intruder(archive: Database, postgres_server: PostgresServer) -> AsyncIterator[asyncpg.Connection]:
    """Somebody whom no right and no trigger stops."""
    admin = await asyncpg.connect(postgres_server.dsn(postgres.ADMIN, archive.dsn.rpartition("/")[2]))
    await admin.execute("set session_replication_role = replica")
    yield admin
    await admin.close()


async def told(archive: Database, *pupils: str) -> None:
    for pupil in pupils:
        async with working(archive.pool, "hogwarts") as work:
            await audit.record(work, TEACHER, "read", "pupil", [pupil])


async def sealed(reader: Pool) -> int:
    """Seals all that is there; how many seals that made."""
    async with transaction(reader, "*") as connection:
        marked, made = await mark(connection), 0
        while await seal_next(connection, marked.through_id) is not None:
            made += 1
    return made


async def verdict(reader: Pool, *heads: bytes) -> Verdict:
    async with transaction(reader, "*") as connection:
        return await verify(connection, heads)


async def test_a_trail_that_nobody_touched_agrees(archive: Database, reader: Pool) -> None:
    """Five rows are three batches; what came after them is not sealed yet; sealing again adds nothing."""
    await told(archive, "harry", "ron", "hermione", "draco", "luna")
    assert await sealed(reader) == 3
    assert await sealed(reader) == 0
    await told(archive, "neville")
    found = await verdict(reader)
    assert (found.seals, found.rows, found.unsealed, found.broken) == (3, 5, 1, None)


@pytest.mark.parametrize(
    ("deed", "says"),
    [
        (
            "update audit set principal = 'tom' where audit_id = 3",
            "batch 2, rows 3 to 4: a row or its seal was changed",
        ),
        ("update audit set recorded_at = recorded_at - interval '1 microsecond' where audit_id = 4", "batch 2, rows 3"),
        ("update audit set subjects = array['tom'] where audit_id = 1", "batch 1, rows 1 to 2: a row or its seal"),
        ("delete from audit where audit_id = 3", "batch 2, rows 3 to 4: 1 rows are there, 2 were sealed"),
        ("delete from audit where audit_id <= 2", "batch 1, rows 1 to 2: 0 rows are there, 2 were sealed"),
        ("delete from audit_seal where number = 2", "seal 2 is missing"),
        ("delete from audit_seal where number = 1", "seal 1 is missing"),
        ("update audit_seal set sha256 = sha256('tom') where number = 2", "batch 2, rows 3 to 4: a row or its seal"),
        ("update audit_seal set through_id = 3 where number = 2", "batch 2, rows 3 to 3: 1 rows are there"),
    ],
)
async def test_what_was_changed_afterwards_is_found(
    archive: Database, reader: Pool, intruder: asyncpg.Connection, deed: str, says: str
) -> None:
    """The first batch that does not agree is named, with its rows (v5.0.0-16.4.2)."""
    await told(archive, "harry", "ron", "hermione", "draco", "luna", "neville")
    await sealed(reader)
    await intruder.execute(deed)
    assert says in str((await verdict(reader)).broken)


CHANGES = {
    "tenant_id": "'durmstrang'", "principal": "'tom'", "roles": "'{headmaster}'", "action": "'told'", "kind": "'ghost'",
    "subjects": "'{}'", "reason": "'none'", "correlation_id": "'another'", "purpose": "'TREAT'", "route": "'GET /'",
    "outcome": "'denied'", "recorded_at": "recorded_at - interval '1 day'",
}  # fmt: skip


async def test_every_column_of_a_row_is_under_its_seal(
    archive: Database, reader: Pool, intruder: asyncpg.Connection
) -> None:
    """Whichever is changed shows, and none is left out but the count, which the database makes of whom it names
    (v5.0.0-16.4.2)."""
    columns = await intruder.fetch("select column_name from information_schema.columns where table_name = 'audit'")
    assert CHANGES.keys() | {"audit_id", "subject_count"} == {row["column_name"] for row in columns}
    await told(archive, "harry", "ron")
    await sealed(reader)
    for column, value in CHANGES.items():
        await intruder.execute(f"create temp table as_it_was as select {column} as told from audit where audit_id = 2")
        await intruder.execute(f"update audit set {column} = {value} where audit_id = 2")
        assert "a row or its seal was changed" in str((await verdict(reader)).broken), column
        await intruder.execute(
            f"update audit set {column} = (select told from as_it_was) where audit_id = 2; drop table as_it_was"
        )
        assert (await verdict(reader)).broken is None


@pytest.mark.parametrize(("one", "other", "batch"), [(3, 4, 2), (2, 3, 1), (1, 6, 1)])
async def test_rows_in_another_order_are_found(
    archive: Database, reader: Pool, intruder: asyncpg.Connection, one: int, other: int, batch: int
) -> None:
    """Two that have changed their places, within a batch or between two (v5.0.0-16.4.2)."""
    await told(archive, "harry", "ron", "hermione", "draco", "luna", "neville")
    await sealed(reader)
    told_so = "principal, subjects, recorded_at"
    await intruder.execute(
        f"update audit as one set ({told_so}) = (select {told_so} from audit as other"
        f" where other.audit_id = case one.audit_id when {one} then {other} else {one} end)"
        f" where audit_id in ({one}, {other})"
    )
    assert f"batch {batch}, " in str((await verdict(reader)).broken)
    assert "a row or its seal was changed" in str((await verdict(reader)).broken)


@pytest.mark.parametrize(
    ("deed", "says"),
    [
        ("delete from audit where audit_id > 2", "batch 2, rows 3 to 4: 0 rows are there, 2 were sealed"),
        ("delete from audit where audit_id = 4", "batch 2, rows 3 to 4: 1 rows are there, 2 were sealed"),
        ("delete from audit_seal where number = 2", "the end was removed, or sealed anew"),
        ("delete from audit; delete from audit_seal", "the end was removed, or sealed anew"),
    ],
)
async def test_a_trail_without_its_last_rows_is_found(
    archive: Database, reader: Pool, intruder: asyncpg.Connection, deed: str, says: str
) -> None:
    """The rows without their seal, or the seals with them, against the head that was written down (v5.0.0-16.4.2)."""
    await told(archive, "harry", "ron", "hermione", "draco")
    await sealed(reader)
    head = (await verdict(reader)).head
    await intruder.execute(deed)
    assert says in str((await verdict(reader, head)).broken)


async def test_a_trail_that_was_sealed_anew_is_found_by_its_head(
    archive: Database, reader: Pool, intruder: asyncpg.Connection
) -> None:
    """Who changes a row and makes all seals after it again leaves a chain that agrees, with another head."""
    await told(archive, "harry", "ron", "hermione", "draco")
    await sealed(reader)
    head = (await verdict(reader)).head
    await intruder.execute("update audit set principal = 'tom' where audit_id = 1; delete from audit_seal")
    assert await sealed(reader) == 2
    assert (await verdict(reader)).broken is None
    assert "sealed anew" in str((await verdict(reader, head)).broken)


async def test_a_row_put_between_is_found(archive: Database, reader: Pool, intruder: asyncpg.Connection) -> None:
    """A row that takes the number of one that was rolled back was not sealed."""
    await told(archive, "harry")
    await archive.owner.fetchval("select nextval(pg_get_serial_sequence('audit', 'audit_id'))")
    await told(archive, "ron")
    await sealed(reader)
    await intruder.execute(
        "insert into audit (audit_id, tenant_id, principal, roles, action, kind, subjects, correlation_id) "
        "overriding system value values (2, 'hogwarts', 'tom', '{}', 'read', 'pupil', '{}', '')"
    )
    assert (await verdict(reader)).broken == "batch 1, rows 1 to 3: 3 rows are there, 2 were sealed"


async def test_a_removed_end_is_seen_by_its_head_alone(
    archive: Database, reader: Pool, intruder: asyncpg.Connection
) -> None:
    """The last batch without its seal looks like a trail that ended before: the head that was written down tells."""
    await told(archive, "harry", "ron", "hermione", "draco")
    await sealed(reader)
    head = (await verdict(reader)).head
    assert (await verdict(reader, head)).broken is None
    await intruder.execute("delete from audit_seal where number = 2; delete from audit where audit_id > 2")
    assert (await verdict(reader)).broken is None
    assert "the end was removed" in str((await verdict(reader, head)).broken)


async def test_a_row_of_an_open_transaction_is_waited_for(archive: Database, reader: Pool) -> None:
    """A number that is taken and not committed keeps the rows behind it from being sealed, until it is decided."""
    async with working(archive.pool, "hogwarts") as work:
        await audit.record(work, TEACHER, "read", "pupil", ["harry"])
        await told(archive, "ron")
        async with transaction(reader, "*") as connection:
            marked = await mark(connection)
            assert (marked.through_id, len(marked.writers)) == (2, 1)
            assert not await is_closed(connection, marked)
    async with transaction(reader, "*") as connection:
        assert await is_closed(connection, marked)
    await sealed(reader)
    found = await verdict(reader)
    assert (found.rows, found.broken) == (2, None)


async def test_seals_are_only_added(archive: Database, reader: Pool) -> None:
    """The audit role changes and removes none, the service does not even see them (v5.0.0-16.4.2)."""
    await told(archive, "harry")
    await sealed(reader)
    theirs = [(reader, "update audit_seal set row_count = 0"), (reader, "delete from audit_seal")]
    theirs += [(archive.pool, "select from audit_seal"), (archive.pool, "insert into audit_seal values (2, 2, 1, '')")]
    theirs += [(archive.owner, "truncate audit_seal")]
    for pool, query in theirs:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await pool.execute(query)


@pytest.mark.parametrize(
    ("number", "through_id"), [(2**63 - 1, 2), (3, 2), (1, 2), (2, 1), (2, 3), (2, 2**63 - 1)], ids=str
)
async def test_a_seal_that_none_could_follow_is_refused(
    archive: Database, reader: Pool, number: int, through_id: int
) -> None:
    """Who may add seals adds the next number over rows that are there, and nothing else: else every instance would end
    in a number that is taken, or that there is not (v5.0.0-16.4.2)."""
    await told(archive, "harry")
    await sealed(reader)
    await told(archive, "ron")
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="a seal follows the one before"):
        async with transaction(reader, "*") as connection:
            await connection.execute(
                "insert into audit_seal (number, through_id, row_count, sha256) values ($1, $2, 1, sha256(''))",
                number, through_id,
            )  # fmt: skip
    assert await sealed(reader) == 1


async def test_a_table_of_ones_own_does_not_stand_for_the_trail(archive: Database, reader: Pool) -> None:
    """A temporary table of the trail's name is not looked into."""
    await told(archive, "harry")
    theirs = "insert into public.audit_seal (number, through_id, row_count, sha256) values (1, 9, 1, sha256(''))"
    async with reader.acquire() as connection:
        await connection.execute("create temp table audit as select 9::bigint as audit_id")
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="a seal follows the one before"):
            await connection.execute(theirs)


async def test_one_seals_at_a_time(archive: Database, reader: Pool) -> None:
    """Who finds another at it does not wait for him."""
    await told(archive, "harry")
    async with transaction(reader, "*") as one:
        assert await seal_next(one, 1) is not None
        async with transaction(reader, "*") as other:
            assert await seal_next(other, 1) is None


async def test_a_seal_says_how_it_was_made(archive: Database, reader: Pool, intruder: asyncpg.Connection) -> None:
    """One of a format that this version does not know is no proof of a change, and is told as what it is."""
    await told(archive, "harry")
    await sealed(reader)
    assert await intruder.fetchval("select format from audit_seal") == audit_seal.FORMAT
    await intruder.execute("update audit_seal set format = 7")
    assert "sealed in format 7, which this version does not know" in str((await verdict(reader)).broken)


async def test_what_is_not_sealed_for_an_hour_is_no_whole_trail(
    archive: Database, reader: Pool, intruder: asyncpg.Connection
) -> None:
    """Rows that nobody seals could be changed unseen: their age is told, and above an hour it is a fault."""
    await told(archive, "harry", "ron")
    found = await verdict(reader)
    assert (found.unsealed, found.broken) == (2, None)
    assert 0 < found.waiting_s < 60
    await intruder.execute("update audit set recorded_at = recorded_at - interval '61 minutes' where audit_id = 1")
    assert "not sealed for 61 minutes" in str((await verdict(reader)).broken)
    await sealed(reader)
    found = await verdict(reader)
    assert (found.waiting_s, found.broken) == (0, None)


@pytest.mark.parametrize(
    "deed",
    [
        "delete from audit_subject where subject = 'ron'",
        "update audit_subject set tenant_id = 'durmstrang' where subject = 'ron'",
        "update audit_subject set subject = 'tom' where subject = 'ron'",
    ],
)
async def test_a_row_that_is_not_found_by_whom_it_names_shows(
    archive: Database, reader: Pool, intruder: asyncpg.Connection, deed: str
) -> None:
    """Whoever takes a name out of the index of names, or gives it to another plan, hides a look without a change to the
    trail."""
    await told(archive, "harry", "ron")
    await sealed(reader)
    await intruder.execute(deed)
    assert (await verdict(reader)).broken == "batch 1, rows 1 to 2: a row is not found by whom it names"


async def test_every_head_that_was_kept_is_looked_for(
    archive: Database, reader: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of several that were written down each must be there; seals are looked at a few in a transaction."""
    monkeypatch.setattr(audit_verify, "SEALS_AT_ONCE", 2)
    await told(archive, *map(str, range(10)))
    assert await sealed(reader) == 5
    async with transaction(reader, "*") as connection:
        heads = [row["sha256"] for row in await connection.fetch("select sha256 from audit_seal order by number")]
    found = await verdict(reader, *heads)
    assert (found.seals, found.rows, found.head, found.broken) == (5, 10, heads[-1], None)
    assert "a head that was given is none" in str((await verdict(reader, heads[0], b"other")).broken)
