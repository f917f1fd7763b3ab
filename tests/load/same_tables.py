"""Proof that two sides of a comparison did the same work: equal digests of every table that they wrote."""

import asyncio
from collections.abc import Mapping

import asyncpg

OUTREACH = {
    "inbox": "select event_id from inbox",
    "person": "select * from person",
    "enrolment": "select * from enrolment",
    "outreach_case": "select * from outreach_case",
    "outbox": "select shard, aggregatetype, aggregateid, type, convert_from(payload, 'utf8')::jsonb, occurred_at "
    "from outbox",
}
DIGEST = "select count(*), md5(coalesce(string_agg(row::text, '|' order by row::text), '')) from ({}) row"
Digest = Mapping[str, tuple[int, str]]


class TablesDifferError(Exception):
    """Two sides of a comparison did not do the same work; the message names the tables and their rows."""


def digest(dsn: str, tables: Mapping[str, str]) -> Digest:
    """Rows and checksum of each table."""
    return asyncio.run(_digest(dsn, tables))


async def _digest(dsn: str, tables: Mapping[str, str]) -> Digest:
    connection = await asyncpg.connect(dsn)
    await connection.execute("select set_config('vcc.tenant', '*', false)")
    found = {name: await connection.fetch(DIGEST.format(query)) for name, query in tables.items()}
    await connection.close()
    return {name: (row[0], row[1]) for name, (row,) in found.items()}


def check_same(digests: Mapping[str, Digest]) -> None:
    """Raise TablesDifferError unless every side has the tables of the first one."""
    first = next(iter(digests.values()))
    differing = {name for one in digests.values() for name in first if one[name] != first[name]}
    if differing:
        rows = {side: {name: one[name][0] for name in sorted(differing)} for side, one in digests.items()}
        raise TablesDifferError(f"{', '.join(sorted(differing))}: rows {rows}")
