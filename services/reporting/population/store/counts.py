"""SQL that counts the population of a question by one thing."""

from collections.abc import Iterable

import asyncpg

from services.kit.postgres import Connection
from services.reporting.population.shares import Counts

LOAD_MARGIN = """
select {column} as name, count(*)::int as members, count(vaccinated_on)::int as vaccinated
from population where {which} group by 1 order by 1
"""
LOAD_TARGET_ZIPS = LOAD_MARGIN.format(column="zip5", which="counts_once and target")


async def load_counts(connection: Connection, column: str, *, by_enrolment: bool = False) -> dict[str, Counts]:
    """Exact counts by one column. Persons, unless by enrolment: which is by person within each plan."""
    which = "true" if by_enrolment else "counts_once"
    return _counts(await connection.fetch(LOAD_MARGIN.format(column=column, which=which)))


async def load_target_counts(connection: Connection) -> dict[str, Counts]:
    """Exact counts of the target group by ZIP."""
    return _counts(await connection.fetch(LOAD_TARGET_ZIPS))


def _counts(rows: Iterable[asyncpg.Record]) -> dict[str, Counts]:
    return {row["name"]: Counts(row["members"], row["vaccinated"]) for row in rows}
