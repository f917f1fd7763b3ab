"""The recorded state in four real databases: read back it is true, and each row changed by hand with SQL is found."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest

from deploy.local import postgres
from tests.chaos.checker import Evidence, examine
from tests.chaos.checker.catalog import SERVICES
from tests.chaos.checker.tables import Rows, read_tables
from tests.servers import PostgresServer
from tests.unit.chaos.checker.recorded import load

pytestmark = pytest.mark.postgres

COLUMNS = """
select column_name from information_schema.columns where table_name = $1 and is_generated = 'NEVER' order by 1
"""
BY_HAND = [
    ("eligibility", "enrolment", "enrolment_id", "set zip5 = '00501'", "members_are_as_stated"),
    ("eligibility", "feed_row", "(file_id, row)", "", "every_row_ends_once"),
    ("eligibility", "dose", "dose_id", "set is_retracted = true", "doses_are_as_reported"),
    ("outreach", "attempt", "attempt_id", "", "attempts_are_as_asked"),
    ("outreach", "outreach_case", "case_id", "set priority = 999", "cases_are_as_decided"),
    ("outreach", "inbox", "event_id", "", "marks_are_of_the_log"),
    ("scheduling", "block", "block_id", "set booked = booked + 1", "pools_count_their_appointments"),
    ("scheduling", "slot_place", "appointment_id", "set appointment_id = null", "no_slot_is_oversold"),
    ("scheduling", "idempotency_key", "key", "", "answers_are_given_once"),
    ("reporting", "coverage_cell", "zip5", "set vaccinated = vaccinated + 1", "cells_are_as_counted"),
    ("reporting", "enrolment_version", "enrolment_id", "", "reporting_is_of_the_log"),
]


@dataclass(frozen=True, slots=True)
class Held:
    """The recorded state, and where its tables are."""

    evidence: Evidence
    dsns: dict[str, str]

    def now(self) -> set[tuple[str, str]]:
        """What diverges by now, as invariant and text."""
        known = self.evidence
        tables = read_tables(self.dsns)
        fresh = Evidence(known.ledger, known.records, tables, known.report, known.behind)
        return {(one.invariant, str(one)) for one in examine(fresh)}


@pytest.fixture(scope="module")
def held(postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Held]:
    evidence = load(tmp_path_factory.mktemp("run"))
    dsns = asyncio.run(_fill(postgres_server, evidence))
    yield Held(evidence, dsns)
    for dsn in dsns.values():
        asyncio.run(postgres_server.drop(dsn))


async def _fill(server: PostgresServer, evidence: Evidence) -> dict[str, str]:
    dsns = {service: await server.create(service) for service in SERVICES}
    for service, dsn in dsns.items():
        database = await asyncpg.connect(server.dsn(postgres.ADMIN, dsn.rpartition("/")[2]))
        try:
            await database.execute("set session_replication_role = replica")  # rows come in any order
            for table, rows in evidence.tables[service].items():
                await _insert(database, table, rows)
        finally:
            await database.close()
    return dsns


async def _insert(database: asyncpg.Connection, table: str, rows: Rows) -> None:
    await database.execute(f"delete from {table}")
    if not rows:
        return
    there = [row["column_name"] for row in await database.fetch(COLUMNS, table)]
    columns = ", ".join(f'"{name}"' for name in there if name in rows[0])  # later ones take what old rows take
    insert = f"insert into {table} ({columns}) overriding system value select {columns}"
    document = json.dumps(rows, default=_hex)
    await database.execute(f"{insert} from jsonb_populate_recordset(null::{table}, $1::text::jsonb)", document)


def _hex(value: Any) -> str:
    assert isinstance(value, bytes)
    return f"\\x{value.hex()}"


def test_the_state_read_back_is_true(held: Held) -> None:
    """What was recorded, read from the databases again, diverges in nothing."""
    assert not held.now()


@pytest.mark.parametrize(("service", "table", "key", "change", "invariant"), BY_HAND, ids=[row[4] for row in BY_HAND])
async def test_a_row_changed_by_hand_is_found(
    held: Held, service: str, table: str, key: str, change: str, invariant: str
) -> None:
    """A row of one database changed or deleted by hand, and the invariant that this breaks says so."""
    one = f"where {key} = (select {key.strip('()')} from {table} where {key} is not null order by 1 limit 1)"
    before = held.now()
    await _execute(held.dsns[service], f"update {table} {change} {one}" if change else f"delete from {table} {one}")
    assert invariant in {name for name, _ in held.now() - before}


async def _execute(dsn: str, statement: str) -> None:
    database = await asyncpg.connect(dsn, server_settings={"vcc.tenant": "*"})
    try:
        assert (await database.execute(statement)).split()[-1] != "0", "the statement found a row"
    finally:
        await database.close()
