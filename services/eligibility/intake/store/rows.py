"""What became of every row of a feed file, and what was odd about it. All SQL of it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from services.eligibility.feeds.outcomes import RowResult
from services.eligibility.feeds.records import Notice
from services.eligibility.intake.slices import UNSTORABLE
from services.kit.postgres import Connection, text_array
from services.kit.rows import columns_of

MOST_CHARS = 400
"""What is kept of what was expected: a row that is wrong in a thousand ways is no page of text."""

SAVE_OUTCOMES = """
insert into feed_row (file_id, row, outcome, changes)
select $1, row, outcome, nullif(changes, '')
from unnest($2::integer[], $3::text::text[], $4::text::text[]) as result (row, outcome, changes)
on conflict (file_id, row) do nothing
"""
SAVE_REASONS = """
insert into feed_row (file_id, row, outcome, code, field, segment, expected, changes)
select $1, row, outcome, code, field, segment, expected, nullif(changes, '')
from unnest($2::integer[], $3::text[], $4::text[], $5::text[], $6::integer[], $7::text[], $8::text[])
    as result (row, outcome, code, field, segment, expected, changes)
on conflict (file_id, row) do nothing
"""
SAVE_NOTICES = """
insert into feed_notice (file_id, position, row, segment, field, code, expected)
select $1, * from unnest($2::integer[], $3::integer[], $4::integer[], $5::text[], $6::text[], $7::text[])
on conflict do nothing
"""
SAVE_PROGRESS = """
update feed_file
set state = 'processing', cursor_row = greatest(cursor_row, $2), rows_accepted = rows_accepted + $3,
    rows_unchanged = rows_unchanged + $4, rows_rejected = rows_rejected + $5, rows_unlinked = rows_unlinked + $6,
    changes = (
        select coalesce(jsonb_object_agg(key, rows), '{}') from (
            select key, sum(value::integer) as rows
            from (select * from jsonb_each_text(changes) union all select * from jsonb_each_text($7)) as told
            group by key
        ) as counted
    )
where file_id = $1
"""
LOAD_REJECTIONS = """
select code, count(*) as rows from feed_row where file_id = $1 and outcome = 'rejected' and row > 0
group by code order by code
"""
LOAD_UNSTORABLE = "select row from feed_row where file_id = $1 and code = $2 order by row"
LOAD_REFUSALS = """
select code, count(*) as rows from feed_row where file_id = $1 and outcome = 'rejected' group by code
"""
LOAD_REJECTS = """
select row, feed_row.segment, feed_row.field, feed_row.code, feed_row.expected, doubtful_id, state as doubtful_state
from feed_row left join doubtful_row using (file_id, row)
where file_id = $1 and outcome = 'rejected' and row > $2 order by row limit $3
"""
LOAD_ROWS = """
select row, outcome, feed_row.changes, feed_row.segment, feed_row.field, feed_row.code, feed_row.expected,
    state as doubtful_state
from feed_row left join doubtful_row using (file_id, row)
where file_id = $1 and row > $2 and ($3::text is null or $3 = any(string_to_array(feed_row.changes, ',')))
order by row limit $4
"""
# What readers found odd, and what turned out odd when the row took effect.
LOAD_NOTICES = """
select row, segment, field, code, expected, 0 as origin, position from feed_notice
where file_id = $1 and (row, 0, position) > ($2::bigint, $3::integer, $4::bigint)
union all
select row, segment, field, code, expected, 1, 0 from feed_row
where file_id = $1 and outcome <> 'rejected' and expected is not null and (row, 1, 0) > ($2, $3, $4)
order by row, origin, position limit $5
"""


class NoticePlace(NamedTuple):
    """Where a notice stands in its file. `origin`: 0 the reader, 1 what turned out as the row took effect."""

    row: int
    origin: int
    position: int


FIRST_NOTICE = NoticePlace(-1, 0, 0)
"""Before all of them: row 0 is the file itself."""


async def save_rows(connection: Connection, file_id: UUID, rows: Sequence[RowResult], cursor_row: int) -> None:
    """Keep what became of these rows and go on behind them."""
    plain, told = (
        [result for result in rows if result.code is None],
        [result for result in rows if result.code is not None],
    )
    if plain:
        outcomes = text_array([result.outcome for result in plain])
        changes = text_array([",".join(result.changes) for result in plain])
        await connection.execute(SAVE_OUTCOMES, file_id, [result.row for result in plain], outcomes, changes)
    if told:
        changed = [",".join(result.changes) for result in told]
        expected = [result.expected and result.expected[:MOST_CHARS] for result in told]
        reasons = columns_of(RowResult, told, changes=changed, expected=expected)
        await connection.execute(SAVE_REASONS, file_id, *reasons)
    count = [
        sum(result.outcome == outcome and result.row > 0 for result in rows)
        for outcome in ("unchanged", "rejected", "unlinked")
    ]
    accepted = sum(result.outcome != "rejected" for result in rows)
    tally = Counter(change for result in rows for change in result.changes)
    await connection.execute(SAVE_PROGRESS, file_id, cursor_row, accepted, *count, dict(tally))


async def save_notices(connection: Connection, file_id: UUID, told: Sequence[tuple[int, Notice]]) -> None:
    """What was odd, in an order: what the file is told before its rows are read has negative numbers."""
    notices = [
        (position, notice.row, notice.where, notice.field, notice.code, notice.expected[:MOST_CHARS])
        for position, notice in told
    ]
    if notices:
        await connection.execute(SAVE_NOTICES, file_id, *zip(*notices, strict=True))


async def load_rejections(connection: Connection, file_id: UUID) -> list[tuple[str, int]]:
    """How many rows were rejected for each reason."""
    return [(row["code"], row["rows"]) for row in await connection.fetch(LOAD_REJECTIONS, file_id)]


async def load_refusals(connection: Connection, file_id: UUID) -> list[tuple[str, int]]:
    """The same with what was said of the file as a whole, which is no row."""
    return [(row["code"], row["rows"]) for row in await connection.fetch(LOAD_REFUSALS, file_id)]


async def load_unstorable(connection: Connection, file_id: UUID) -> list[int]:
    """Rows that were set aside because the database can't store them, and that may be about anybody."""
    return [row["row"] for row in await connection.fetch(LOAD_UNSTORABLE, file_id, UNSTORABLE)]


async def load_rejects(connection: Connection, file_id: UUID, after_row: int, limit: int) -> list[Mapping[str, Any]]:
    return [dict(row) for row in await connection.fetch(LOAD_REJECTS, file_id, after_row, limit)]


async def load_rows(
    connection: Connection, file_id: UUID, after_row: int, change: str | None, limit: int
) -> list[Mapping[str, Any]]:
    """Rows in the file's order with what became of them and what they changed."""
    return [dict(row) for row in await connection.fetch(LOAD_ROWS, file_id, after_row, change, limit)]


async def load_notices(
    connection: Connection, file_id: UUID, after: NoticePlace, limit: int
) -> list[tuple[Mapping[str, Any], NoticePlace]]:
    """A page in the order of the rows, each with its place; of a row first what the reader found."""
    rows = await connection.fetch(LOAD_NOTICES, file_id, *after, limit)
    return [(dict(row), NoticePlace(row["row"], row["origin"], row["position"])) for row in rows]
