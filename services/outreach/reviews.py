"""Decides again, page by page, about everybody whom a day, a programme or a target ZIP may concern."""

import asyncio

import asyncpg
import structlog

from services.kit import log
from services.kit.postgres import ALL_TENANTS, is_fault, transaction
from services.kit.unit_of_work import UnitOfWork
from services.outreach import store
from services.outreach.handlers import review_waiting

POLL_S = 0.25
RETRY_S = 1.0


class Reviews:
    """Runs in every instance: pages that are taken are skipped by the others."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """End after the page at hand."""
        self._stopping.set()

    async def run(self) -> None:
        """Work until stopped; outlive a database that is away."""
        while not self._stopping.is_set():
            try:
                wait_s = 0.0 if await review_page(self._pool) else POLL_S
            except Exception as error:
                if not is_fault(error):
                    raise
                structlog.get_logger().warning("reviews paused", backoff_s=RETRY_S, **log.fault_fields(error))
                wait_s = RETRY_S
            await self._pause(wait_s)

    async def _pause(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return


async def review_page(pool: asyncpg.Pool) -> bool:
    """One page in a transaction of its own. False if nobody waits."""
    async with transaction(pool, ALL_TENANTS) as connection:
        await store.share_reference(connection)
        return await review_waiting(UnitOfWork(connection))
