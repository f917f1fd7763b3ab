"""A table in slices of so many rows by a UUID that they have, so that no statement costs as much as all of them: each
slice is what lies above one key and up to another."""

from collections.abc import AsyncIterator
from uuid import UUID

from services.kit.postgres import Connection

SLICE_ROWS = 20_000
BEFORE_ALL = UUID(int=0)
LOAD_SLICE_END = """
select {key} from (
    select {key} from {table} where {key} > $1 order by {key} limit $2
) as slice order by {key} desc limit 1
"""


async def slices(
    connection: Connection, table: str, key: str, rows: int | None = None
) -> AsyncIterator[tuple[UUID, UUID]]:
    """The bounds of all slices. `key` has an index; where it is not unique a slice has all rows of its last key."""
    query, after = LOAD_SLICE_END.format(table=table, key=key), BEFORE_ALL
    while (end := await connection.fetchval(query, after, rows or SLICE_ROWS)) is not None:
        yield after, end
        after = end
