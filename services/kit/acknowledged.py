"""Which strays an operator has looked at: records in the service's name that its store never made. Nobody is told of
them again; of all others he is, and of what stands in their place in another topic, or since a loss."""

from collections.abc import Sequence

import asyncpg

from services.kit.contract import Record
from services.kit.postgres import Connection
from services.kit.topic_ids import NO_ID

SAVE = """
insert into acknowledged_stray (topic_id, topic, "partition", "offset", written_ms, acknowledged_by)
select $1, $2, "partition", "offset", written_ms, $6
from unnest($3::int[], $4::bigint[], $5::bigint[]) as stray ("partition", "offset", written_ms)
on conflict do nothing
"""
LOAD = """
select "partition", "offset", written_ms from acknowledged_stray
join unnest($2::int[], $3::bigint[], $4::bigint[]) as stray ("partition", "offset", written_ms)
using ("partition", "offset", written_ms)
where topic_id = $1
"""
LIST = "select * from acknowledged_stray where stray_id < $1 order by stray_id desc limit $2"


async def save(connection: Connection, strays: Sequence[Record], by: str) -> None:
    """Leave these records of one topic out from now on."""
    await connection.execute(SAVE, strays[0].topic_id or NO_ID, strays[0].topic, *_places(strays), by)


async def without(connection: Connection, records: Sequence[Record]) -> list[Record]:
    """Those of these records of one topic that nobody has acknowledged."""
    if not records:
        return []
    rows = await connection.fetch(LOAD, records[0].topic_id or NO_ID, *_places(records))
    known = {tuple(row) for row in rows}
    return [one for one in records if (one.partition, one.offset, one.written_ms) not in known]


async def load_newest(connection: Connection, before: int, limit: int) -> list[asyncpg.Record]:
    """Those that were acknowledged last before this one."""
    return list(await connection.fetch(LIST, before, limit))


def _places(records: Sequence[Record]) -> tuple[list[int], list[int], list[int]]:
    return [one.partition for one in records], [one.offset for one in records], [one.written_ms for one in records]
