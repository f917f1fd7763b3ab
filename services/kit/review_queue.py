"""A queue of subjects that are to be decided on again, page by page, so that nobody who decides about a single one
waits for all of them. None is lost when the process ends: a subject leaves the queue in the transaction that decides.

The table is the service's own, by this shape; `key` is the name of its first column:

    create table waiting_member (member_token uuid primary key, heard_at timestamptz not null);
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import UUID

import structlog

from services.kit import log, metrics
from services.kit.postgres import ALL_TENANTS, Connection, Pool, transaction
from services.kit.repeating import Repeating
from services.kit.setting_aside import each_or_aside
from services.kit.unit_of_work import UnitOfWork, working

AT_ONCE = 100
"""Subjects decided on in one transaction: some hundredths of a second, for a request that comes meanwhile waits at each
of its steps until the decisions at hand are made."""
LET_WAIT_AT_ONCE = 10_000
"""Put into the queue by one statement."""
POLL_S = 0.25
WAIT = """
insert into {table} as kept ({key}, heard_at)
select {key}, $2::timestamptz from unnest($1::uuid[]) as new ({key}) order by {key}
on conflict ({key}) do update set heard_at = greatest(kept.heard_at, excluded.heard_at)
"""
COUNT = "select count(*) from {table}"
LOAD_PAGE = "select {key} from {table} order by {key} limit $1"
TAKE = """
delete from {table} where {key} in (
    select {key} from {table} where {key} = any($1) order by {key} for update skip locked
)
returning {key} as subject, heard_at
"""

Decide = Callable[[UnitOfWork, Sequence[UUID]], Awaitable[int]]
"""Takes some of these subjects from the queue and decides about them; gives how many it took."""


@dataclass(frozen=True, slots=True)
class ReviewQueue:
    """The queue in one table of a service."""

    table: str
    key: str

    @property
    def waiting(self) -> str:
        """The SQL that counts those who wait."""
        return self._sql(COUNT)

    async def let_wait(self, connection: Connection, subjects: Iterable[UUID], at: datetime) -> None:
        """Put these subjects into the queue, because of something that happened at this instant."""
        waiting = sorted(set(subjects))
        for start in range(0, len(waiting), LET_WAIT_AT_ONCE):
            await connection.execute(self._sql(WAIT), waiting[start : start + LET_WAIT_AT_ONCE], at)

    async def load_page(self, connection: Connection, limit: int) -> list[UUID]:
        """Some of those who wait."""
        return [row[self.key] for row in await connection.fetch(self._sql(LOAD_PAGE), limit)]

    async def take(self, connection: Connection, subjects: Sequence[UUID]) -> tuple[set[UUID], datetime | None]:
        """Take those of these subjects whom nobody else has taken; gives also the last instant for which one waited."""
        rows = await connection.fetch(self._sql(TAKE), subjects)
        return {row["subject"] for row in rows}, max((row["heard_at"] for row in rows), default=None)

    def _sql(self, query: str) -> str:
        return query.format(table=self.table, key=self.key)


class Reviews(Repeating):
    """The background work on one queue. It runs in every instance: subjects who are taken are skipped by the others."""

    def __init__(self, pool: Pool, queue: ReviewQueue, decide: Decide) -> None:
        super().__init__("reviews")
        self._pool, self._queue, self._decide = pool, queue, decide

    async def turn(self) -> float:
        has_more = await review_page(self._pool, self._queue, self._decide)
        return 0.0 if has_more else POLL_S


async def review_page(pool: Pool, queue: ReviewQueue, decide: Decide) -> bool:
    """Decide about some of those who wait. False if nobody does whom no other instance has taken."""
    async with transaction(pool, ALL_TENANTS) as connection:
        subjects = await queue.load_page(connection, AT_ONCE)
    taken = await each_or_aside(subjects, partial(_review, pool, decide), partial(_set_aside, pool, queue))
    return sum(taken) > 0


async def _review(pool: Pool, decide: Decide, subjects: Sequence[UUID]) -> int:
    if not subjects:
        return 0
    async with working(pool) as work:
        return await decide(work, subjects)


async def _set_aside(pool: Pool, queue: ReviewQueue, subject: UUID, error: Exception) -> int:
    """What stands of a subject who can't be decided on stays as it is until there is news of it."""
    structlog.get_logger().error("member set aside", count=1, **log.fault_fields(error))
    metrics.SET_ASIDE.labels("reviews").inc()
    async with transaction(pool, ALL_TENANTS) as connection:
        await queue.take(connection, [subject])
    return 0
