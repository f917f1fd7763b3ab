"""SQL of lost bookings. Runs as the plan, so row-level security hides other plans' rows."""

from services.kit.postgres import Connection
from services.kit.rows import into, names
from services.outreach.cases.evidence import Flag
from services.outreach.lost_bookings.rules import FlaggedCase, Page

LOAD_FLAGGED = f"""
select {", ".join(names(FlaggedCase))} from outreach_case
where status = 'closed' and flags = $1 and ($2::text is null or programme_id = $2)
    and ($3::date is null or (changed_on, case_id) > ($3, $4::uuid))
order by changed_on, case_id limit $5
"""


async def load_flagged(connection: Connection, page: Page) -> list[FlaggedCase]:
    """The page's cases, the longest known first."""
    after = page.after or (None, None)
    rows = await connection.fetch(LOAD_FLAGGED, Flag.LOST_NO_CALL, page.programme_id, *after, page.limit)
    return [into(FlaggedCase, row) for row in rows]
