"""A flood of bad records: when a subscription refuses to set everything aside, and what an operator may say to that.

Skipped ranges stand in the database and not in the group's offsets, so that every process, every redelivery and the
comparison with the log know of them.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg

from services.kit.contract import Delivery, Record, Reject
from services.kit.postgres import Connection
from services.kit.rows import into

RUNBOOK = "docs/runbooks/flood-of-bad-records.md"
LOAD_SKIPS = """
select "partition", first_offset, last_offset, only_unreadable, topic_id from skipped_range
where consumer = $1 and topic = $2 and last_offset >= $3 and first_offset <= $4
"""
LIST_SKIPS = "select * from skipped_range where skip_id < $1 order by skip_id desc limit $2"
SAVE_SKIP = """
insert into skipped_range
    (consumer, topic, "partition", first_offset, last_offset, only_unreadable, topic_id, skipped_by)
values ($1, $2, $3, $4, $5, $6, $7, $8) returning skip_id
"""
ADOPT_SKIPS = "update skipped_range set topic_id = $2 where topic = $1 and topic_id is null"
LIFT_LIMIT = """
insert into limit_lift (consumer, until, lifted_by) values ($1, clock_timestamp() + $2, $3)
on conflict (consumer) do update set until = excluded.until, lifted_by = excluded.lifted_by, lifted_at = default
returning until
"""
IS_LIFTED = "select exists (select from limit_lift where consumer = $1 and until > clock_timestamp())"
LOAD_LIFTS = "select consumer, until from limit_lift where until > clock_timestamp()"


@dataclass(frozen=True, slots=True)
class Skip:
    """Offsets of one partition, both ends included. `only_unreadable`: what can be read in between is applied. They
    name the records of one topic, and none of a later one of the same name."""

    partition: int
    first_offset: int
    last_offset: int
    only_unreadable: bool
    topic_id: UUID | None = None

    def covers(self, one: Delivery | Reject) -> bool:
        """Whether this record is left out."""
        record = one.record
        is_within = record.partition == self.partition and self.first_offset <= record.offset <= self.last_offset
        return is_within and record.is_in(self.topic_id) and (isinstance(one, Reject) or not self.only_unreadable)


def without_skipped(decoded: Sequence[Delivery | Reject], skips: Sequence[Skip]) -> list[Delivery | Reject]:
    """What an operator did not leave out."""
    return [result for result in decoded if not any(skip.covers(result) for skip in skips)]


async def load_skips(connection: Connection, consumer: str, records: Sequence[Record]) -> list[Skip]:
    """The ranges that may concern these records of one topic."""
    if not records:
        return []
    offsets = [record.offset for record in records]
    rows = await connection.fetch(LOAD_SKIPS, consumer, records[0].topic, min(offsets), max(offsets))
    return [into(Skip, row) for row in rows]


async def list_skips(connection: Connection, before: int, limit: int) -> list[asyncpg.Record]:
    """The newest ranges of all groups before this one."""
    return list(await connection.fetch(LIST_SKIPS, before, limit))


async def save_skip(connection: Connection, consumer: str, topic: str, skip: Skip, by: str) -> int:
    """Leave this range out from now on; the range's number."""
    place = (skip.partition, skip.first_offset, skip.last_offset, skip.only_unreadable, skip.topic_id)
    number: int = await connection.fetchval(SAVE_SKIP, consumer, topic, *place, by)
    return number


async def adopt_skips(connection: Connection, topic_ids: Mapping[str, UUID]) -> None:
    """Ranges that were said before topics had ids here are of the topics that there are now."""
    for topic, topic_id in topic_ids.items():
        await connection.execute(ADOPT_SKIPS, topic, topic_id)


async def lift_limit(connection: Connection, consumer: str, minutes: int, by: str) -> datetime:
    """Set aside without a limit for so long, 0 to end it; the instant of the end."""
    until: datetime = await connection.fetchval(LIFT_LIMIT, consumer, timedelta(minutes=minutes), by)
    return until


async def is_lifted(connection: Connection, consumer: str) -> bool:
    """Whether it is so now."""
    lifted: bool = await connection.fetchval(IS_LIFTED, consumer)
    return lifted


async def load_lifts(connection: Connection) -> dict[str, datetime]:
    """Until when, of the groups whose limit is lifted now."""
    return {row["consumer"]: row["until"] for row in await connection.fetch(LOAD_LIFTS)}


class DeadLetterLimitError(Exception):
    """So many records failed at once that the code or their sender is broken; mend that, or say what shall become of
    them, then the batch goes on. Its text says where they stand."""


@dataclass(slots=True)
class DeadLetterLimit:
    """Refuses to set aside everything: at most `records` in `window_s` seconds may fail in a handler, and a batch in
    which more than `share` of at least `least` records are unreadable is a flood."""

    records: int = 20
    window_s: float = 60.0
    share: float = 0.5
    least: int = 100
    _failed_at: list[float] = field(default_factory=list)

    def is_flood(self, decoded: Sequence[Delivery | Reject]) -> bool:
        """Whether too much of this batch can't be read."""
        rejects = sum(isinstance(result, Reject) for result in decoded)
        return rejects >= self.least and rejects > self.share * len(decoded)

    def count_failure(self) -> bool:
        """Count one record that its handler could not bear. Whether it was one too many."""
        now = time.monotonic()
        self._failed_at = [at for at in self._failed_at if now - at < self.window_s]
        if len(self._failed_at) >= self.records:
            return True
        self._failed_at.append(now)
        return False


def places(records: Iterable[Record]) -> str:
    """Where they stand, as an operator asks for them: from the first to the last of each partition."""
    offsets: dict[int, list[int]] = {}
    for record in records:
        offsets.setdefault(record.partition, []).append(record.offset)
    return "; ".join(f"partition {number}, offsets {min(at)} to {max(at)}" for number, at in sorted(offsets.items()))
