"""What the broker has acknowledged, as it left and where it stands. A fact is in the outbox until it is in the log, and
here from then on; what the log has lost goes back into the outbox under its own ids and leaves again."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg
from aiokafka import TopicPartition
from aiokafka.structs import RecordMetadata

from schemas.catalog import TOPICS, Topic
from services.kit import horizon
from services.kit.postgres import Connection

SLICE = 2_000
"""Facts that one statement names or gives, and that go back in one transaction."""
COUNTED = 10_000
"""A long loss costs no more to count than a short one: from so many on it is at least so many."""
FACT = "event_id, id, shard, aggregatetype, aggregateid, type, payload, occurred_at, traceparent"
KEEP_PUBLISHED = f"""
with gone as (delete from outbox where id = any($1::bigint[]) returning {FACT})
insert into published ({FACT}, "partition", "offset")
select {FACT}, "partition", nullif("offset", -1)
from gone join unnest($1::bigint[], $2::int[], $3::bigint[]) as acknowledged (id, "partition", "offset") using (id)
on conflict (event_id) do update set "partition" = excluded."partition", "offset" = excluded."offset"
"""
LOAD_LASTS = """
select topic, "partition", (
    select max("offset") from published
    where aggregatetype = topic and published."partition" = place."partition"
) as last
from unnest($1::text[], $2::int[]) as place (topic, "partition")
"""
LOAD_AT = """
select event_id, "offset", id from published
where aggregatetype = $1 and "partition" = $2 and "offset" >= $3 and "offset" < $4
"""
COUNT_FROM = """
select count(*) from (
    select from published where aggregatetype = $1 and "partition" = $2 and "offset" between $3 and $4 limit $5
) as counted
"""
COUNT_OF = "select count(*) from (select from published where aggregatetype = $1 limit $2) as counted"
LOAD_UNPLACED = """
select event_id, id from published
where aggregatetype = $1 and "partition" = $2 and "offset" is null and event_id > $3 order by event_id limit $4
"""
LOAD_KNOWN = "select event_id from published where event_id = any($1::uuid[])"
LOAD_NUMBERS = "select aggregateid, id from published where event_id = any($1::uuid[])"
LOAD_NEWEST_AT = """
select aggregateid, max(id) as id from published
where aggregatetype = $1 and "partition" = $2 and "offset" >= $3 and "offset" < $4 group by aggregateid
"""
LOAD_STILL = """
select event_id from published
join unnest($1::uuid[], $2::int[], $3::bigint[]) as hole (event_id, "partition", "offset")
using (event_id, "partition", "offset")
"""
MOVE_PLACES = """
update published set "partition" = now."partition", "offset" = now."offset"
from unnest($1::uuid[], $2::int[], $3::bigint[]) as now (event_id, "partition", "offset")
where published.event_id = now.event_id
"""
TAKE_BACK = f"""
with gone as (
    delete from published using unnest($1::uuid[], $2::bigint[]) as lost (event_id, "offset")
    where published.event_id = lost.event_id and coalesce(published."offset", -1) = lost."offset"
    returning {", ".join(f"published.{column}" for column in FACT.split(", "))}
),
said_again as (insert into outbox ({FACT}) overriding system value select {FACT} from gone order by id)
select id, event_id from gone
"""
STRIP = """
update {table} set payload = convert_to((convert_from(payload, 'UTF8')::jsonb - $2::text)::text, 'UTF8')
where aggregatetype = '{topic.name}' and aggregateid = any($1::text[]) and convert_from(payload, 'UTF8')::jsonb ? $2
"""
"""The topic, of the catalog, is a literal: else no plan for any parameters could use an index of this topic alone."""
FENCE_ALL = "update relay_shard set epoch = epoch + 1 returning shard, epoch"
HOLD_ALL = "select shard, epoch from relay_shard order by shard for update"
LOAD_OUTDATED = """
select lost.event_id from published as lost
where event_id = any($1::uuid[]) and (
    exists (
        select from published as newer
        where newer.published_at >= $2 and newer.id > lost.id
            and (newer.aggregatetype, newer.aggregateid) = (lost.aggregatetype, lost.aggregateid)
    )
    or exists (
        select from outbox as newer
        where newer.id > lost.id and (newer.aggregatetype, newer.aggregateid) = (lost.aggregatetype, lost.aggregateid)
    )
)
"""
LOAD_TOPIC_IDS = "select topic, topic_id from published_topic"
SAVE_TOPIC_IDS = """
with now as (
    select * from unnest($1::text[], $2::uuid[], $3::uuid[]) as row (topic, topic_id, known_id)
),
other as (
    update published_topic set topic_id = now.topic_id from now
    where published_topic.topic = now.topic and published_topic.topic_id = known_id
)
insert into published_topic (topic, topic_id) select topic, topic_id from now where known_id is null
on conflict do nothing
"""
OVER_AGE = """
select ctid, published_at as since from published
where published_at < clock_timestamp() - make_interval(days => $1) and published_at >= $2
order by published_at limit $3 for update skip locked
"""

Epochs = dict[int, int]
"""By shard."""
UNPLACED = -1
"""The offset of a fact of which it is not known where it stands."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One that is to stand at this place. `id` tells the order in which facts were said."""

    event_id: UUID
    place: TopicPartition
    offset: int
    id: int = 0


def topics_of(service: str) -> list[Topic]:
    """Those that this service alone says something in."""
    return [topic for topic in TOPICS if topic.producer == service]


def places_of(topics: Collection[Topic]) -> list[TopicPartition]:
    """All their partitions, as they are made."""
    return [TopicPartition(topic.name, number) for topic in topics for number in range(topic.partitions)]


async def keep(connection: Connection, ids: Sequence[int], places: Sequence[RecordMetadata]) -> None:
    """The broker has these rows of the outbox, at these places."""
    await connection.execute(
        KEEP_PUBLISHED, ids, [place.partition for place in places], [place.offset for place in places]
    )


async def load_lasts(connection: Connection, places: Collection[TopicPartition]) -> dict[TopicPartition, int]:
    """The last acknowledged offset of each partition; nothing where there is none."""
    rows = await connection.fetch(LOAD_LASTS, [place.topic for place in places], [place.partition for place in places])
    return {TopicPartition(row["topic"], row["partition"]): row["last"] for row in rows if row["last"] is not None}


def slices_of(span: range) -> Iterator[range]:
    """These offsets, so many at once that a statement about them costs no more than a slice."""
    return (span[start : start + SLICE] for start in range(0, len(span), SLICE))


def in_slices(facts: Sequence[Fact]) -> Iterator[Sequence[Fact]]:
    """These facts, in their order."""
    return (facts[start : start + SLICE] for start in range(0, len(facts), SLICE))


async def load_at(connection: Connection, place: TopicPartition, span: range) -> list[Fact]:
    """The facts that are to stand at these offsets."""
    rows = await connection.fetch(LOAD_AT, *place, span.start, span.stop)
    return [Fact(row["event_id"], place, row["offset"], row["id"]) for row in rows]


async def count_from(connection: Connection, place: TopicPartition, first: int, last: int) -> int:
    """How many facts are to stand from the first to the last of these offsets; counted so far only."""
    count: int = await connection.fetchval(COUNT_FROM, *place, first, last, COUNTED)
    return count


async def count_of(connection: Connection, topic: str) -> int:
    """How many facts are to stand in this topic; counted so far only."""
    count: int = await connection.fetchval(COUNT_OF, topic, COUNTED)
    return count


async def load_unplaced(connection: Connection, place: TopicPartition, after: UUID) -> list[Fact]:
    """The next slice of those of a partition of which it is not known where they stand, by their events' ids."""
    rows = await connection.fetch(LOAD_UNPLACED, *place, after, SLICE)
    return [Fact(row["event_id"], place, UNPLACED, row["id"]) for row in rows]


async def load_known(connection: Connection, event_ids: Collection[UUID]) -> set[UUID]:
    """Which of these were acknowledged, wherever."""
    return {row["event_id"] for row in await connection.fetch(LOAD_KNOWN, list(event_ids))}


async def load_numbers(connection: Connection, facts: Collection[Fact]) -> list[tuple[str, int]]:
    """The key of each of these facts, and its number."""
    rows = await connection.fetch(LOAD_NUMBERS, [fact.event_id for fact in facts])
    return [(row["aggregateid"], row["id"]) for row in rows]


async def load_newest_at(connection: Connection, place: TopicPartition, span: range) -> list[tuple[str, int]]:
    """Likewise the newest fact of each key among those that are to stand at these offsets."""
    rows = await connection.fetch(LOAD_NEWEST_AT, *place, span.start, span.stop)
    return [(row["aggregateid"], row["id"]) for row in rows]


async def load_still(connection: Connection, facts: Collection[Fact]) -> set[Fact]:
    """Which of these facts are held to stand there still."""
    ids, partitions, offsets = _columns(facts)
    still = {row["event_id"] for row in await connection.fetch(LOAD_STILL, ids, partitions, offsets)}
    return {fact for fact in facts if fact.event_id in still}


async def move_places(connection: Connection, found: Collection[Fact]) -> None:
    """These facts stand elsewhere by now."""
    await connection.execute(MOVE_PLACES, *_columns(found))


async def load_outdated(connection: Connection, facts: Collection[Fact], since: datetime) -> set[UUID]:
    """Which of these have a newer one under their key that waits, or was published since."""
    rows = await connection.fetch(LOAD_OUTDATED, [fact.event_id for fact in facts], since) if facts else ()
    return {row["event_id"] for row in rows}


async def fence_all(connection: Connection) -> Epochs:
    """Whoever holds a shard sends nothing more once this is committed. The epochs that nobody has. The rows are locked
    in the order in which relays take them."""
    await connection.fetch(HOLD_ALL)
    return _epochs(await connection.fetch(FENCE_ALL))


async def hold_all(connection: Connection) -> Epochs:
    """The shards' epochs; nobody begins another before this transaction has ended."""
    return _epochs(await connection.fetch(HOLD_ALL))


async def take_back(connection: Connection, facts: Collection[Fact]) -> set[UUID]:
    """Put these facts back into the outbox, before all that waits there, under their own ids, and tell which; what
    stands elsewhere by now stays there. Relays read again from the start."""
    ids, _, offsets = _columns(facts)
    gone = await connection.fetch(TAKE_BACK, ids, offsets)
    if gone:
        await horizon.go_back(connection, min(row["id"] for row in gone))
    await fence_all(connection)
    return {row["event_id"] for row in gone}


async def strip(connection: Connection, topic: Topic, keys: Sequence[str], field: str) -> None:
    """Take a field out of what was said under these keys, published or waiting: should the log lose it, it is said
    again without."""
    for table in ("outbox", "published"):
        await connection.execute(STRIP.format(table=table, topic=topic), list(keys), field)


async def load_topic_ids(connection: Connection) -> dict[str, UUID]:
    """In which topics the places are, by name."""
    return {row["topic"]: row["topic_id"] for row in await connection.fetch(LOAD_TOPIC_IDS)}


async def save_topic_ids(connection: Connection, topic_ids: Mapping[str, UUID], known: Mapping[str, UUID]) -> None:
    """The places are in these topics from now on, unless others have been saved since those that are known were
    loaded: whoever asked the broker later knows better."""
    known_ids = [known.get(topic) for topic in topic_ids]
    await connection.execute(SAVE_TOPIC_IDS, list(topic_ids), list(topic_ids.values()), known_ids)


def _epochs(rows: Iterable[asyncpg.Record]) -> Epochs:
    return {row["shard"]: row["epoch"] for row in rows}


def _columns(facts: Collection[Fact]) -> tuple[list[UUID], list[int], list[int]]:
    return [fact.event_id for fact in facts], [fact.place.partition for fact in facts], [fact.offset for fact in facts]
