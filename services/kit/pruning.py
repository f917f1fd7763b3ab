"""Removes what is only kept for a time: applied event ids, ended dead letters, idempotency keys, and what was published
if so many days are set.

In batches, each a transaction of its own: a statement costs as much as its batch, however much is over age, and what
is gone stays gone when a later one fails."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import asyncpg

from services.kit import dead_letters, idempotency, inbox, metrics, published
from services.kit.postgres import ALL_TENANTS, is_fault, transaction
from services.kit.repeating import Repeating
from services.kit.settings import Settings

PERIOD_S = 3600.0
BATCH_ROWS = 5_000
ENDED_DEAD_LETTER_DAYS = 90
IDEMPOTENCY_KEY_DAYS = 7
START = datetime(1, 1, 1, tzinfo=UTC)
DELETE = """
with over_age as materialized ({over_age}),
gone as (delete from {table} where ctid = any (array(select ctid from over_age)))
select count(*)::int as rows, max(since) as last from over_age
"""


@dataclass(frozen=True, slots=True)
class Kept:
    """Rows of a table that are kept for so many days. `over_age` is SQL: given the days, an instant and a limit, the
    `ctid` and the instant (`since`) of the oldest from then on, locked."""

    table: str
    over_age: str
    days: int


def all_kept(inbox_days: int, published_days: int | None = None) -> tuple[Kept, ...]:
    """What every service keeps for a time. What was published is kept for ever, as the log is, where no days are
    given."""
    said = () if published_days is None else (Kept("published", published.OVER_AGE, published_days),)
    return (
        *said,
        Kept("inbox", inbox.OVER_AGE, inbox_days),
        Kept("dead_letter", dead_letters.OVER_AGE, ENDED_DEAD_LETTER_DAYS),
        Kept("idempotency_key", idempotency.OVER_AGE, IDEMPOTENCY_KEY_DAYS),
    )


class Pruning(Repeating):
    """Prunes once an hour."""

    def __init__(self, settings: Settings, pool: asyncpg.Pool) -> None:
        super().__init__("pruning")
        self._settings, self._pool = settings, pool

    async def turn(self) -> float:
        kept = all_kept(self._settings.inbox_days, self._settings.published_days)
        await prune(self._pool, kept, has_time=lambda: not self._stopping.is_set())
        return PERIOD_S


async def prune(
    pool: asyncpg.Pool, kept: Sequence[Kept], *, has_time: Callable[[], bool] = lambda: True
) -> dict[str, int]:
    """Remove what is over age and return how many rows of each table went. A table that fails holds up no other; its
    fault is raised at the end."""
    pruned: dict[str, int] = {}
    faults: list[Exception] = []
    for store in kept:
        try:
            pruned[store.table] = await _prune_table(pool, store, has_time)
        except Exception as error:
            if not is_fault(error):
                raise
            faults.append(error)
    if faults:
        raise faults[0]
    return pruned


async def _prune_table(pool: asyncpg.Pool, store: Kept, has_time: Callable[[], bool]) -> int:
    """Each batch begins where the last one ended: what that has left dead is not walked through again."""
    pruned, since, rows = 0, START, BATCH_ROWS
    while rows == BATCH_ROWS and has_time():
        async with transaction(pool, ALL_TENANTS) as connection:
            row = await connection.fetchrow(
                DELETE.format(table=store.table, over_age=store.over_age), store.days, since, BATCH_ROWS
            )
        assert row is not None
        rows, since, pruned = row["rows"], row["last"] or since, pruned + row["rows"]
        metrics.PRUNED.labels(store.table).inc(row["rows"])
    return pruned
