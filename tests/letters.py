"""Dead letters as a test changes them: what came is put back in plain text, as before there was a key ring."""

import base64

import asyncpg

from services.kit import dead_letters

MEND = "update dead_letter set value = $2, headers = $3, sealed = null where id = $1"


async def mend(pool: asyncpg.Pool, letter_id: int, value: bytes) -> None:
    """Let the record's value be this one."""
    async with pool.acquire() as connection:
        letter = await dead_letters.load_dead_letter(connection, letter_id)
        assert letter is not None
        headers = [[name, base64.b64encode(content or b"").decode()] for name, content in letter.record.headers]
        await connection.execute(MEND, letter_id, value, headers)
