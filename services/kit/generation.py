"""Which reading of the log a service's tables are, for services whose tables can be wiped and read again.

Such a service has the table `generation` with one row. Every batch share-locks it and compares; a rebuild raises the
number, gives a name that never was before and empties the tables in the same transaction, and the consumers start
again at offset 0 in groups of that name. So a late batch of an old generation can't write into the new tables, and no
group is met again that has read the log for tables that are gone.
"""

import re
from dataclasses import dataclass, field

from services.kit.ids import new_id
from services.kit.postgres import Connection
from services.kit.rows import into

HOLD_GENERATION = "select number, name, is_counted from generation for share"
LOAD_GENERATION = "select number, name, is_counted from generation"
RAISE_GENERATION = """
update generation set number = number + 1, name = $1, is_counted = true returning number, name, is_counted
"""
NAME_ANEW = "update generation set name = $1 where number = $2 and name is not distinct from $3"
# What was given up stays given up: else its key would be parked again, and the tables would differ.
FORGET_RECORDS = "delete from dead_letter where state <> 'discarded'"
FORGET_MARKS = "truncate inbox, parked_key, reading_position"
FORGET_POSITIONS = "truncate reading_position"


@dataclass(frozen=True, slots=True)
class Generation:
    """`name` is none for the first and for those from before there were names. `is_counted`: how far the log has been
    read stands beside the tables."""

    number: int = 1
    name: str | None = None
    is_counted: bool = field(default=True, compare=False)


class StaleGenerationError(Exception):
    """The tables were wiped for a rebuild after this consumer had started; it starts again in the new generation."""


def group_of(group: str, generation: Generation | None) -> str:
    """The Kafka consumer group in this generation."""
    if generation is None or generation == Generation():
        return group
    name = "" if generation.name is None else f"-{generation.name}"
    return f"{group}.{generation.number}{name}"


def is_of(group: str, found: str) -> bool:
    """Whether this is how `group` is called in one generation or another."""
    return re.fullmatch(re.escape(group) + r"(\.\d+(-[0-9a-f]{8})?)?", found) is not None


async def load(connection: Connection) -> Generation:
    """The generation that holds."""
    return await _one(connection, LOAD_GENERATION)


async def hold(connection: Connection, generation: Generation) -> None:
    """Keep rebuilds out until this transaction ends. Raises StaleGenerationError if one has been here."""
    if await _one(connection, HOLD_GENERATION) != generation:
        raise StaleGenerationError


async def begin_next(connection: Connection) -> Generation:
    """Wait for the batches at hand, and forget what the bus knows of this service. The caller empties its own tables in
    the same transaction."""
    raised = await _one(connection, RAISE_GENERATION, _new_name())
    await connection.execute(FORGET_RECORDS)
    await connection.execute(FORGET_MARKS)
    return raised


async def read_again(connection: Connection, generation: Generation) -> None:
    """Let the log be read from its beginning into the tables as they are, unless somebody was quicker: what they hold
    already is known by its marks."""
    if await connection.execute(NAME_ANEW, _new_name(), generation.number, generation.name) != "UPDATE 0":
        await connection.execute(FORGET_POSITIONS)


async def _one(connection: Connection, query: str, *values: str) -> Generation:
    row = await connection.fetchrow(query, *values)
    assert row is not None
    return into(Generation, row)


def _new_name() -> str:
    return new_id().hex[-8:]
