"""Removes what is only kept for a time: applied event ids, ended dead letters, idempotency keys."""

from datetime import timedelta

import asyncpg

from services.kit import dead_letters, idempotency, inbox, metrics
from services.kit.postgres import ALL_TENANTS, transaction
from services.kit.repeating import Repeating
from services.kit.settings import Settings

PERIOD_S = 3600.0
ENDED_DEAD_LETTER_DAYS = 90
IDEMPOTENCY_KEY_DAYS = 7


class Pruning(Repeating):
    """Prunes once an hour."""

    def __init__(self, settings: Settings, pool: asyncpg.Pool) -> None:
        super().__init__("pruning")
        self._settings, self._pool = settings, pool

    async def turn(self) -> float:
        await prune(self._pool, self._settings.inbox_days)
        return PERIOD_S


async def prune(pool: asyncpg.Pool, inbox_days: int) -> dict[str, int]:
    """Remove what is over age and return how many rows of each store went."""
    async with transaction(pool, ALL_TENANTS) as connection:
        pruned = {
            "inbox": _rows(await connection.execute(inbox.PRUNE, inbox_days)),
            "dead_letter": _rows(await connection.execute(dead_letters.PRUNE, ENDED_DEAD_LETTER_DAYS)),
            "idempotency_key": await idempotency.prune(connection, timedelta(days=IDEMPOTENCY_KEY_DAYS)),
        }
    for store, rows in pruned.items():
        metrics.PRUNED.labels(store).inc(rows)
    return pruned


def _rows(tag: str) -> int:
    return int(tag.rsplit(" ", 1)[-1])
