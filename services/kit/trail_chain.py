"""Who seals the trail: a worker in each instance of a service, of which one is at it at a time."""

import math
import time
from collections.abc import Callable

import structlog

from services.kit import metrics
from services.kit.audit_seal import Mark, Seal, is_closed, load_waiting_s, mark, seal_next
from services.kit.postgres import ALL_TENANTS, Pool, transaction
from services.kit.repeating import Repeating

PERIOD_S, RETRY_S = 60.0, 1.0


class TrailChain(Repeating):
    """Seals once a minute what is closed, a batch in a transaction. `pool` is of the audit role; whatever it runs into
    is outlived: no row of the trail may end the service that wrote it."""

    def __init__(self, pool: Pool, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__("trail-chain", Exception)
        self._pool, self._clock = pool, clock
        self._mark: Mark | None = None
        self._waiting_s, self._asked_at = 0.0, clock()
        metrics.TRAIL_UNSEALED_SECONDS.set_function(self.waiting_s)

    def waiting_s(self) -> float:
        """How long the oldest row waits for its seal. Who can't ask for long does not know that none waits."""
        return self._waiting_s + max(0.0, self._clock() - self._asked_at - PERIOD_S)

    async def turn(self) -> float:
        try:
            return await self._turn()
        except BaseException:
            self._mark = None  # of a server that may be another one by now
            raise

    async def _turn(self) -> float:
        marked = await self._closed_mark()
        if marked is None:
            return RETRY_S
        while not self._stopping.is_set() and (seal := await self._seal_next(marked)) is not None:
            structlog.get_logger().info("trail sealed", count=seal.row_count, head=seal.sha256.hex())
        self._mark = None
        return PERIOD_S

    async def _closed_mark(self) -> Mark | None:
        """The mark that was taken, or None while somebody who wrote then still may write before it."""
        async with transaction(self._pool, ALL_TENANTS) as connection:
            self._waiting_s, self._asked_at = await load_waiting_s(connection), self._clock()
            self._mark = self._mark or await mark(connection)
            return self._mark if await is_closed(connection, self._mark) else None

    async def _seal_next(self, marked: Mark) -> Seal | None:
        async with transaction(self._pool, ALL_TENANTS) as connection:
            return await seal_next(connection, marked.through_id)


def nobody_seals(setting: str) -> None:
    """Where no role reads the trail, its rows wait for ever: it is told at the start, and to who measures."""
    structlog.get_logger().warning("trail not sealed", reason=f"{setting} is not set")
    metrics.TRAIL_UNSEALED_SECONDS.set_function(lambda: math.inf)
