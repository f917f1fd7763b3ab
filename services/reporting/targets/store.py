"""SQL of the lists of target ZIPs."""

from datetime import date

from services.kit.postgres import Connection
from services.reporting.targets.rules import TargetZip, as_listed, of_announced

LOCK_PROGRAMME = "select time_zone from programme where programme_id = $1 for update"
LOAD_LATEST_WEEK = "select max(week_on) from target_zip where programme_id = $1"

LOAD_LISTED = """
select zip5, rank, members, unvaccinated, coverage, week_on from target_zip
where programme_id = $1 and listed order by rank, zip5
"""


async def lock_programme(connection: Connection, programme_id: str) -> bool:
    """Let nobody else list this programme's ZIPs until the commit. False where no such programme was published."""
    return await connection.fetchval(LOCK_PROGRAMME, programme_id) is not None


async def load_latest_week(connection: Connection, programme_id: str) -> date | None:
    """The last week that was listed; None before the first."""
    week_on: date | None = await connection.fetchval(LOAD_LATEST_WEEK, programme_id)
    return week_on


async def load_listed(connection: Connection, programme_id: str) -> tuple[date | None, tuple[TargetZip, ...]]:
    """The last list of target ZIPs as it was announced, and its week."""
    rows = await connection.fetch(LOAD_LISTED, programme_id)
    listed = tuple(
        as_listed(row["zip5"], row["rank"] or 0, of_announced(row["members"], row["unvaccinated"])) for row in rows
    )
    return max((row["week_on"] for row in rows), default=None), listed
