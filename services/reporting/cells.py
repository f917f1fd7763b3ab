"""Keeps the coverage cells in step: what a batch's members added before is taken away, what they add now is put in."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from uuid import UUID

from services.kit.postgres import Connection

SAVE_MEMBERS = "insert into member (member_token) select unnest($1::uuid[]) on conflict do nothing"
LOCK_MEMBERS = "select 1 from member where member_token = any($1::uuid[]) order by member_token for update"
LOAD_CONTRIBUTIONS = """
select programme_id, tenant_id, zip5, age_band, race_ethnicity, svi_group,
    count(*)::int as members, sum(eligible)::int as eligible, sum(vaccinated)::int as vaccinated
from member_cell where member_token = any($1::uuid[]) group by 1, 2, 3, 4, 5, 6
"""
ADD_TO_CELLS = """
insert into coverage_cell as cell
select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::int[], $8::int[], $9::int[])
order by 1, 2, 3, 4, 5, 6
on conflict (programme_id, tenant_id, zip5, age_band, race_ethnicity, svi_group) do update set
    members = cell.members + excluded.members,
    eligible = cell.eligible + excluded.eligible,
    vaccinated = cell.vaccinated + excluded.vaccinated
"""
DELETE_EMPTY_CELLS = "delete from coverage_cell where members = 0 and programme_id = any($1::text[])"
DELETE_CELLS = "delete from coverage_cell"
RECOMPUTE_CELLS = """
insert into coverage_cell
select programme_id, tenant_id, zip5, age_band, race_ethnicity, svi_group,
    count(*)::int, sum(eligible)::int, sum(vaccinated)::int
from member_cell group by 1, 2, 3, 4, 5, 6
"""

Cell = tuple[str, str, str, str, str, str]
Counts = tuple[int, int, int]


@asynccontextmanager
async def kept_in_step(connection: Connection, member_tokens: Iterable[UUID]) -> AsyncIterator[None]:
    """Whatever the block changes about these members, the cells follow, in the same transaction."""
    tokens = sorted(set(member_tokens))
    await connection.execute(SAVE_MEMBERS, tokens)
    await connection.execute(LOCK_MEMBERS, tokens)
    before = await _load_contributions(connection, tokens)
    yield
    after = await _load_contributions(connection, tokens)
    await _add(connection, before, after)


async def recompute(connection: Connection) -> None:
    """Count all cells anew: a programme's vaccine became known."""
    await connection.execute("lock table coverage_cell in share row exclusive mode")
    await connection.execute(DELETE_CELLS)
    await connection.execute(RECOMPUTE_CELLS)


async def _load_contributions(connection: Connection, tokens: list[UUID]) -> dict[Cell, Counts]:
    rows = [tuple(row) for row in await connection.fetch(LOAD_CONTRIBUTIONS, tokens)]
    return {row[:6]: row[6:] for row in rows}  # type: ignore[misc]


async def _add(connection: Connection, before: dict[Cell, Counts], after: dict[Cell, Counts]) -> None:
    none = (0, 0, 0)
    changes = []
    for cell in before.keys() | after.keys():
        delta = tuple(new - old for old, new in zip(before.get(cell, none), after.get(cell, none), strict=True))
        if delta != none:
            changes.append((*cell, *delta))
    if changes:
        await connection.execute(ADD_TO_CELLS, *(list(column) for column in zip(*changes, strict=True)))
        await connection.execute(DELETE_EMPTY_CELLS, sorted({change[0] for change in changes}))
