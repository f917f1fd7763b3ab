"""What stands behind the figures: the feed files, and how much of the log this service has read."""

from services.kit import dead_letters
from services.kit.postgres import Connection
from services.reporting.figures.report import FeedSum, Quality, Rejection
from services.reporting.population.store import Question

LOAD_FEEDS = """
select kind, count(*)::int as files, sum(rows_read)::int as rows_read, sum(rows_accepted)::int as rows_accepted,
    sum(rows_rejected)::int as rows_rejected, sum(rows_unlinked)::int as rows_unlinked,
    sum(rows_unchanged)::int as rows_unchanged
from feed_file where business_on <= $1 group by 1 order by 1
"""
LOAD_REJECTIONS = """
select kind, rejection ->> 'reason' as reason, sum((rejection ->> 'rows')::int)::int as rows
from feed_file cross join jsonb_array_elements(rejections) as rejection
where business_on <= $1 group by 1, 2 order by 3 desc, 1, 2
"""


async def load_quality(connection: Connection, question: Question, records_behind: int | None) -> Quality:
    """Rows are rows and no people: nothing is hidden."""
    feeds = await connection.fetch(LOAD_FEEDS, question.as_of)
    rejections = await connection.fetch(LOAD_REJECTIONS, question.as_of)
    waiting = await dead_letters.count_waiting(connection)
    return Quality(
        feeds=tuple(FeedSum(**row) for row in feeds),
        rejections=tuple(Rejection(**row) for row in rejections),
        dead_letters=sum(rows for (_, _, state), rows in waiting.items() if state == "dead"),
        parked=sum(rows for (_, _, state), rows in waiting.items() if state == "parked"),
        records_behind=records_behind,
    )
