"""How far the log has been read, by the store's own word: written in the transaction of what was read, so that it is
gone with the tables and comes back with them. The broker's word, which groups acknowledge, does neither."""

from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass, replace
from uuid import UUID

from aiokafka import TopicPartition

from services.kit.contract import Record
from services.kit.postgres import Connection

SAVE_POSITIONS = """
insert into reading_position as known (consumer, "partition", first_offset, next_offset, leader_epoch, topic_id)
select $1, "partition", first_offset, next_offset, leader_epoch, $6
from unnest($2::int[], $3::bigint[], $4::bigint[], $5::int[])
    as row ("partition", first_offset, next_offset, leader_epoch)
order by "partition"
on conflict (consumer, "partition") do update
    set first_offset = excluded.first_offset, next_offset = excluded.next_offset, topic_id = excluded.topic_id,
        leader_epoch = excluded.leader_epoch, goes_back = false
where excluded.topic_id <> known.topic_id or case
    when known.goes_back then excluded.first_offset <= known.next_offset
    else excluded.next_offset > known.next_offset
end
"""
LOAD_POSITIONS = 'select consumer, "partition", topic_id, next_offset, leader_epoch, goes_back from reading_position'
GO_BACK = """
update reading_position as known
set next_offset = "end", leader_epoch = epoch_now, goes_back = true
from unnest($1::text[], $2::int[], $3::bigint[], $4::int[], $5::int[])
    as back (consumer, "partition", "end", epoch_then, epoch_now)
where (known.consumer, known."partition") = (back.consumer, back."partition")
    and known.leader_epoch = epoch_then and known.next_offset > "end"
"""


@dataclass(frozen=True, slots=True)
class Span:
    """Of one partition: where what was read begins, where the next record will stand, and in which leader's epoch it
    was read, at the earliest."""

    first: int
    next: int
    leader_epoch: int | None = None


@dataclass(frozen=True, slots=True)
class Position:
    """How far a consumer has read a partition. `goes_back`: it must begin there again, whatever it has acknowledged."""

    consumer: str
    place: TopicPartition
    next_offset: int
    leader_epoch: int | None
    goes_back: bool


def spans(records: Iterable[Record]) -> dict[int, Span]:
    """What these records are of each partition."""
    found: dict[int, Span] = {}
    for record in records:
        known = found.get(record.partition, Span(record.offset, record.offset, record.leader_epoch))
        found[record.partition] = replace(
            known, first=min(known.first, record.offset), next=max(known.next, record.offset + 1)
        )
    return found


async def save(connection: Connection, consumer: str, read: Mapping[int, Span], topic_id: UUID | None) -> None:
    """This has been read, by partition. A position goes back in another topic only; one that was sent back goes on from
    where it was sent."""
    if not read:
        return
    columns = zip(*((number, *astuple(span)) for number, span in read.items()), strict=True)
    await connection.execute(SAVE_POSITIONS, consumer, *map(list, columns), topic_id)


async def load_all(
    connection: Connection, topic_by_consumer: Mapping[str, str], topic_ids: Mapping[str, UUID]
) -> list[Position]:
    """Of these consumers, in the topics that there are."""
    return [
        Position(
            row["consumer"], TopicPartition(topic, row["partition"]),
            row["next_offset"], row["leader_epoch"], row["goes_back"],
        )
        for row in await connection.fetch(LOAD_POSITIONS)
        if (topic := topic_by_consumer.get(row["consumer"])) is not None
        and topic_ids.get(topic) in {None, row["topic_id"] or topic_ids.get(topic)}
    ]  # fmt: skip


async def load(
    connection: Connection, topic_by_consumer: Mapping[str, str], topic_ids: Mapping[str, UUID]
) -> dict[tuple[str, TopicPartition], int]:
    """The offset that comes next, by consumer and partition; nothing where none was read of the topic that there is."""
    found = await load_all(connection, topic_by_consumer, topic_ids)
    return {(position.consumer, position.place): position.next_offset for position in found}


async def go_back(connection: Connection, ends: Mapping[Position, int], epochs: Mapping[TopicPartition, int]) -> None:
    """Let these consumers begin again where the log has lost what they had read; another process may have said so
    already."""
    rows = [
        (position.consumer, position.place.partition, end, position.leader_epoch, epochs[position.place])
        for position, end in ends.items()
    ]
    if rows:
        await connection.execute(GO_BACK, *map(list, zip(*rows, strict=True)))


def lacks(known: Mapping[tuple[str, TopicPartition], int], said: Mapping[tuple[str, TopicPartition], int]) -> bool:
    """Whether anything was said to be read that the store does not know of."""
    return any(known.get(place, 0) < at for place, at in said.items())


def behind(
    known: Mapping[tuple[str, TopicPartition], int], ends: Mapping[TopicPartition, int],
    topic_by_consumer: Mapping[str, str],
) -> int:  # fmt: skip
    """How many records are between what the store has read and the ends of the topics."""
    return sum(
        max(0, end - known.get((consumer, place), 0))
        for consumer, topic in topic_by_consumer.items()
        for place, end in ends.items() if place.topic == topic
    )  # fmt: skip
