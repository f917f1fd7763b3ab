"""High-water marks in the place of the inbox, to be measured against it; no service uses them.

Every record carries an epoch, the shard of the relay that published it and a number that this shard counts up. A
consumer keeps the highest number of each partition and shard, and applies what is above it. To be true to what such
marks need, the rows are locked before they are compared, in the transaction of the effects.
"""

from collections.abc import Sequence

from services.kit import inbox
from services.kit.contract import Delivery
from services.kit.postgres import Connection

HEADER = "vccnumber"
TABLE = """
create table mark (
    consumer text, topic text, "partition" int, shard int, epoch int not null, number bigint not null,
    primary key (consumer, topic, "partition", shard)
)
"""
LOCK = """
select "partition", shard, epoch, number from mark where consumer = $1 and topic = $2 and "partition" = any($3::int[])
order by "partition", shard for update
"""
SAVE = """
insert into mark select $1, $2, * from unnest($3::int[], $4::int[], $5::int[], $6::bigint[])
on conflict (consumer, topic, "partition", shard) do update set epoch = excluded.epoch, number = excluded.number
"""


class EpochError(Exception):
    """A number of an older epoch than the mark's: the producer's database was restored. An operator must decide."""


def use(how: str) -> None:
    """Make this process drop duplicates by the `inbox`, by `marks`, or not at all (`none`)."""
    if how != "inbox":
        inbox.drop_duplicates = {"marks": drop_duplicates, "none": _keep_all}[how]  # type: ignore[assignment]


async def drop_duplicates(connection: Connection, consumer: str, deliveries: Sequence[Delivery]) -> list[Delivery]:
    """Those above the marks, which are moved."""
    if not deliveries:
        return []
    topic = deliveries[0].record.topic
    partitions = list({one.record.partition for one in deliveries})
    rows = await connection.fetch(LOCK, consumer, topic, partitions)
    held = {(row["partition"], row["shard"]): (row["epoch"], row["number"]) for row in rows}
    fresh = []
    for one in deliveries:
        epoch, shard, number = _numbers(one)
        place = one.record.partition, shard
        mark = held.get(place, (epoch, 0))
        if epoch < mark[0]:
            raise EpochError
        if (epoch, number) > mark:
            held[place] = epoch, number
            fresh.append(one)
    columns = zip(*((*place, *mark) for place, mark in held.items()), strict=True)
    await connection.execute(SAVE, consumer, topic, *columns)
    return fresh


def _numbers(delivery: Delivery) -> tuple[int, int, int]:
    value = next(value for name, value in delivery.record.headers if name == HEADER)
    assert value is not None, "every record of this benchmark is numbered"
    epoch, shard, number = value.split(b".")
    return int(epoch), int(shard), int(number)


async def _keep_all(_connection: Connection, _consumer: str, deliveries: Sequence[Delivery]) -> list[Delivery]:
    return list(deliveries)
