"""A database from before keeps what its files told of absence."""

import shutil
from pathlib import Path

import asyncpg
import pytest

from services.eligibility.app import build
from services.eligibility.intake.store import absence as absence_store
from services.eligibility.intake.store import files as file_store
from services.kit.migrations import migrate
from tests.servers import OpenDatabase

pytestmark = pytest.mark.postgres
TODAY = build().migrations

OLD = """
select set_config('vcc.tenant', '*', true);
insert into feed_file (file_id, tenant_id, sha256, size_bytes, state, plan, absence, absent_ended, received_at,
    said_at, absent_before, absent_on)
values ('00000000-0000-0000-0000-000000000001', '*', 'a', 1, 'processed', 'prairie', 'applied', 3, '2021-03-02T06:00Z',
    null, null, null),
('00000000-0000-0000-0000-000000000002', '*', 'b', 1, 'processed', 'prairie', 'too-many', 2, '2021-03-09T06:00Z',
    '2021-03-08T06:00Z', 2, '2021-03-08'),
('00000000-0000-0000-0000-000000000003', '*', 'c', 1, 'processed', 'prairie', null, 0, '2021-03-09T06:00Z', null, null,
    null);
insert into feed_absence (file_id, plan, said_at, said_on, before_no, absence, ended)
select file_id, one, said_at, absent_on, absent_before, what, ended from feed_file,
    (values ('lakeshore', 'applied', 2), ('prairie', 'too-many', 0)) as list (one, what, ended)
where file_id = '00000000-0000-0000-0000-000000000002';
"""


async def test_every_list_is_kept(database: OpenDatabase, tmp_path: Path) -> None:
    """What only the file told of is a list of its plan now; of several lists the file tells the most urgent and the
    sum."""
    before = tmp_path / "before"
    before.mkdir()
    for path in TODAY.glob("*.sql"):
        if path.name < "0016":
            shutil.copy(path, before)
    opened = await database("kit")
    await migrate(opened.owner_dsn, [("eligibility", before)])
    connection = await asyncpg.connect(opened.owner_dsn, timeout=10)
    async with connection.transaction():
        await connection.execute(OLD)
    await migrate(opened.owner_dsn, [("eligibility", TODAY)])
    await connection.execute("select set_config('vcc.tenant', '*', false)")
    files = {one.sha256: one for one in await file_store.load_files(connection, None, 9)}
    assert {name: (one.absence, one.absent_ended) for name, one in files.items()} == {
        "a": ("applied", 3), "b": ("too-many", 2), "c": (None, 0),
    }  # fmt: skip
    [kept] = await absence_store.load_absences(connection, files["a"].file_id)
    assert (kept.plan, str(kept.said_on), kept.before_no, kept.ended) == ("prairie", "2021-03-02", 1, 3)
    assert [one.sha256 for one in await file_store.load_files(connection, None, 9, only_held=True)] == ["b"]
    await connection.close()
