"""A database from before keeps what members said."""

import shutil
from pathlib import Path

import asyncpg
import pytest

from services.kit.migrations import migrate
from services.outreach.app import build
from tests.servers import OpenDatabase

pytestmark = pytest.mark.postgres
TODAY = build().migrations

OLD = """
select set_config('vcc.tenant', '*', true);
insert into outreach_case (case_id, enrolment_id, programme_id, tenant_id, member_token, version, status, closed_reason,
    opened_on, changed_on, priority, zip_bonus, noshow_bonus, attempts, attempt_penalty, needs_language)
values ('00000000-0000-0000-0000-000000000001', '00000000-0000-0000-0000-000000000002', 'connectors-65', 'lakeshore',
    '00000000-0000-0000-0000-000000000003', 1, 'closed', 'opted-out', '2021-03-01', '2021-03-01', 0, 0, 0, 1, -60,
    false);
insert into attempt (attempt_id, case_id, enrolment_id, programme_id, tenant_id, member_token, channel, disposition,
    attempted_at, attempted_on, counted_on, worker_id, given, topics, barriers, stopped, place)
select gen_random_uuid(), case_id, enrolment_id, programme_id, tenant_id, member_token, 'phone', said,
    '2021-03-01T18:00Z', '2021-03-01', '2021-03-01', 'wanda', '{}', '{}', '{}', stopped, '60623/'
from outreach_case, (values ('do-not-call', '{phone,text}'::text[]), ('no-answer', '{}')) as attempts (said, stopped);
"""


async def test_what_was_said_before_still_holds(database: OpenDatabase, tmp_path: Path) -> None:
    """An opt-out that was logged before there were statements is one, a try that brought nothing is none, and the
    member is decided on again."""
    before = tmp_path / "before"
    before.mkdir()
    for name in ("0001_cases.sql", "0002_versions_and_waiting.sql"):
        shutil.copy(TODAY / name, before)
    opened = await database("kit")
    await migrate(opened.owner_dsn, [("outreach", before)])
    connection = await asyncpg.connect(opened.owner_dsn, timeout=10)
    async with connection.transaction():
        await connection.execute(OLD)
    await migrate(opened.owner_dsn, [("outreach", TODAY)])
    rows = await connection.fetch("select stops, resumes, stance, reports_death from statement")
    assert [tuple(row.values()) for row in rows] == [(["phone", "text"], [], None, False)]
    assert await connection.fetchval("select count(*) from waiting_member") == 1
    await connection.close()
