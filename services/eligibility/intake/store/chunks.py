"""The bytes of feed files, until some time after they were read. All SQL of it."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import IO, NamedTuple
from uuid import UUID

from services.kit.postgres import Connection
from services.kit.resealing import Sealed
from services.kit.sealed import MARK

CHUNK_BYTES = 1 << 20

SEALED = Sealed(
    table="feed_chunk",
    column="bytes",
    row="(file_id || ' ' || position)",
    plain="bytes",
    batch_rows=16,
)

INSERT_CHUNK = "insert into feed_chunk (file_id, position, bytes) values ($1, $2, $3)"
LOAD_CHUNK = "select bytes from feed_chunk where file_id = $1 and position = $2"
AT_ONCE = 200
"""Deleted by one statement: so many MiB."""
FILES_AT_ONCE = 500
"""Looked at by one statement: most have no bytes any more."""
DELETE_CHUNKS = """
with walked as (
    select file_id, processed_at from feed_file
    where (processed_at, file_id) >= ($2, $3) and processed_at < now() - make_interval(days => $1)
    order by processed_at, file_id limit $4
), over_age as (
    select file_id, position from walked join feed_chunk using (file_id)
    order by processed_at, file_id, position limit $5
), gone as (
    delete from feed_chunk using over_age
    where feed_chunk.file_id = over_age.file_id and feed_chunk.position = over_age.position
)
select file_id, processed_at, count(position)::int as chunks
from walked left join over_age using (file_id) group by 1, 2 order by processed_at, file_id
"""


class Place(NamedTuple):
    """Before which all files that are over age have lost their bytes."""

    processed_at: datetime = datetime(1, 1, 1, tzinfo=UTC)
    file_id: UUID = UUID(int=0)


async def save_chunks(connection: Connection, file_id: UUID, stream: IO[bytes]) -> None:
    """Keep the bytes in the transaction that accepts the file, so that no accepted file can be lost."""
    position = 0
    while read := stream.read(CHUNK_BYTES):
        for chunk in _not_like_sealed(read):
            [sealed], [plain] = SEALED.kept(connection, [chunk], [f"{file_id} {position}"])
            await connection.execute(INSERT_CHUNK, file_id, position, sealed or plain)
            position += 1


def _not_like_sealed(read: bytes) -> list[bytes]:
    """A sender may write what sealed bytes begin with: such bytes are kept in two parts, of which neither begins so."""
    return [read[:1], read[1:]] if read.startswith(MARK) else [read]


async def load_chunks(connection: Connection, file_id: UUID) -> AsyncIterator[bytes]:
    position = 0
    while (chunk := await connection.fetchval(LOAD_CHUNK, file_id, position)) is not None:
        yield SEALED.open(connection, [chunk], [f"{file_id} {position}"])[0]
        position += 1


async def delete_chunks(connection: Connection, older_than_days: int, since: Place) -> tuple[Place, bool]:
    """Forget some bytes of files that were processed long ago; their rows' outcomes stay. Gives where the next look
    begins, and whether there may be more by now."""
    rows = await connection.fetch(DELETE_CHUNKS, older_than_days, *since, FILES_AT_ONCE, AT_ONCE)
    is_full = sum(row["chunks"] for row in rows) == AT_ONCE
    done = [row for row in rows if row["chunks"]] if is_full else rows
    reached = Place(done[-1]["processed_at"], done[-1]["file_id"]) if done else since
    return reached, is_full or len(rows) == FILES_AT_ONCE
