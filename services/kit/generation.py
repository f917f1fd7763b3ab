"""Which reading of the log a service's tables are, for services whose tables can be wiped and read again.

Such a service has the table `generation` with one row. Every batch share-locks it and compares; a rebuild raises the
number, empties the tables in the same transaction, and the consumers start again at offset 0 in groups of that number.
So a late batch of an old generation can't write into the new tables.
"""

from services.kit.postgres import Connection

HOLD_GENERATION = "select number from generation for share"
LOAD_GENERATION = "select number from generation"
RAISE_GENERATION = "update generation set number = number + 1 returning number"
# What was given up stays given up: else its key would be parked again, and the tables would differ.
FORGET_RECORDS = "delete from dead_letter where state <> 'discarded'"
FORGET_MARKS = "truncate inbox, parked_key"


class StaleGenerationError(Exception):
    """The tables were wiped for a rebuild after this consumer had started; it starts again in the new generation."""


def group_of(group: str, generation: int | None) -> str:
    """The Kafka consumer group in this generation."""
    return group if generation is None or generation == 1 else f"{group}.{generation}"


async def load(connection: Connection) -> int:
    """The generation that holds."""
    number: int = await connection.fetchval(LOAD_GENERATION)
    return number


async def hold(connection: Connection, generation: int) -> None:
    """Keep rebuilds out until this transaction ends. Raises StaleGenerationError if one has been here."""
    if await connection.fetchval(HOLD_GENERATION) != generation:
        raise StaleGenerationError


async def begin_next(connection: Connection) -> int:
    """Wait for the batches at hand, and forget what the bus knows of this service. The caller empties its own tables in
    the same transaction."""
    number: int = await connection.fetchval(RAISE_GENERATION)
    await connection.execute(FORGET_RECORDS)
    await connection.execute(FORGET_MARKS)
    return number
