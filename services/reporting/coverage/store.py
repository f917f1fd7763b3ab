"""Keeps the coverage cells in step: what a batch's members added before is taken away, what they add now is put in.

One transaction at a time changes cells. Two that knew only half of the same member each would both count it wrong, and
they meet in the same few cells anyway.
"""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from uuid import UUID

from services.kit.postgres import Connection
from services.kit.rows import into, names, transposed
from services.kit.slices import slices
from services.reporting.coverage.rules import Cell, CellCounts, differences

LOCK_CELLS = "lock table coverage_cell in share row exclusive mode"
LOAD_CONTRIBUTIONS = """
select programme_id, tenant_id, zip5, age_band, race_ethnicity, svi_group,
    count(*)::int as members, sum(eligible)::int as eligible, sum(vaccinated)::int as vaccinated
from member_cell where member_token = any($1::uuid[]) group by 1, 2, 3, 4, 5, 6
"""
ADD_TO_CELLS = """
insert into coverage_cell as cell
select * from unnest(
    $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::int[], $8::int[], $9::int[]
)
on conflict (programme_id, tenant_id, zip5, age_band, race_ethnicity, svi_group) do update set
    members = cell.members + excluded.members,
    eligible = cell.eligible + excluded.eligible,
    vaccinated = cell.vaccinated + excluded.vaccinated
"""
DELETE_EMPTY_CELLS = """
delete from coverage_cell as cell
using unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[])
    as touched (programme_id, tenant_id, zip5, age_band, race_ethnicity, svi_group)
where cell.members = 0
    and cell.programme_id = touched.programme_id and cell.tenant_id = touched.tenant_id and cell.zip5 = touched.zip5
    and cell.age_band = touched.age_band and cell.race_ethnicity = touched.race_ethnicity
    and cell.svi_group = touched.svi_group
"""
DELETE_CELLS = "delete from coverage_cell"
RECOMPUTE_SLICE = """
insert into coverage_cell as cell
select programme_id, tenant_id, zip5, age_band, race_ethnicity, svi_group,
    count(*)::int, sum(eligible)::int, sum(vaccinated)::int
from member_cell where enrolment_id > $1 and enrolment_id <= $2 group by 1, 2, 3, 4, 5, 6
on conflict (programme_id, tenant_id, zip5, age_band, race_ethnicity, svi_group) do update set
    members = cell.members + excluded.members,
    eligible = cell.eligible + excluded.eligible,
    vaccinated = cell.vaccinated + excluded.vaccinated
"""
EMPTY_CELLS = "truncate coverage_cell"


async def lock(connection: Connection) -> None:
    """Wait until nobody else changes cells; to be called before any look at what the cells are made of."""
    await connection.execute(LOCK_CELLS)


@asynccontextmanager
async def kept_in_step(connection: Connection, member_tokens: Iterable[UUID]) -> AsyncIterator[None]:
    """Whatever the block changes about these members, the cells follow, in the same transaction. Lock first."""
    member_tokens = list(set(member_tokens))
    before = await _load_contributions(connection, member_tokens)
    yield
    await _add(connection, before, await _load_contributions(connection, member_tokens))


async def recompute(connection: Connection) -> None:
    """Count all cells anew, because it changed which doses count. Lock first. In slices of enrolments, for no statement
    may take as long as everybody does."""
    await connection.execute(DELETE_CELLS)
    async for after, end in slices(connection, "enrolment", "enrolment_id"):
        await connection.execute(RECOMPUTE_SLICE, after, end)


async def empty_cells(connection: Connection) -> None:
    """Remove every cell."""
    await connection.execute(EMPTY_CELLS)


async def _load_contributions(connection: Connection, member_tokens: list[UUID]) -> dict[Cell, CellCounts]:
    rows = await connection.fetch(LOAD_CONTRIBUTIONS, member_tokens)
    return {into(Cell, row): into(CellCounts, row) for row in rows}


async def _add(connection: Connection, before: dict[Cell, CellCounts], after: dict[Cell, CellCounts]) -> None:
    changes = differences(before, after)
    if changes:
        cells = transposed(list(changes), len(names(Cell)))
        counts = transposed(list(changes.values()), len(names(CellCounts)))
        await connection.execute(ADD_TO_CELLS, *cells, *counts)
        await connection.execute(DELETE_EMPTY_CELLS, *cells)
