"""Full lists whose absences were ended, as they are asked of somebody who comes late. All SQL of it."""

from datetime import date, datetime
from typing import NamedTuple

from services.kit.postgres import Connection

LOAD_LATER = """
select said_at, said_on from feed_absence
where plan = $1 and absence = 'applied' and before_no > $2 and said_at > $3
order by said_at limit 1
"""


class LaterList(NamedTuple):
    """A list in which somebody does not stand: he is covered no more from `said_on` on."""

    said_at: datetime
    said_on: date


async def load_later(connection: Connection, plan: str, file_no: int, said_at: datetime | None) -> LaterList | None:
    """The first list of the plan that was judged, is newer than this statement, and lists nobody last seen in this
    file."""
    row = await connection.fetchrow(LOAD_LATER, plan, file_no, said_at)
    return LaterList(*row) if row is not None else None
