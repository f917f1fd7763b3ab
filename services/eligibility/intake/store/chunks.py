"""The bytes of feed files, until some time after they were read. All SQL of it."""

from collections.abc import AsyncIterator
from typing import IO
from uuid import UUID

from services.kit.postgres import Connection

CHUNK_BYTES = 1 << 20

INSERT_CHUNK = "insert into feed_chunk (file_id, position, bytes) values ($1, $2, $3)"
LOAD_CHUNK = "select bytes from feed_chunk where file_id = $1 and position = $2"
DELETE_CHUNKS = """
delete from feed_chunk using feed_file
where feed_chunk.file_id = feed_file.file_id and processed_at < now() - make_interval(days => $1)
"""


async def save_chunks(connection: Connection, file_id: UUID, stream: IO[bytes]) -> None:
    """Keep the bytes in the transaction that accepts the file, so that no accepted file can be lost."""
    position = 0
    while chunk := stream.read(CHUNK_BYTES):
        await connection.execute(INSERT_CHUNK, file_id, position, chunk)
        position += 1


async def load_chunks(connection: Connection, file_id: UUID) -> AsyncIterator[bytes]:
    position = 0
    while (chunk := await connection.fetchval(LOAD_CHUNK, file_id, position)) is not None:
        yield chunk
        position += 1


async def delete_chunks(connection: Connection, older_than_days: int) -> None:
    """Forget the bytes of files that were processed long ago; their rows' outcomes stay."""
    await connection.execute(DELETE_CHUNKS, older_than_days)
