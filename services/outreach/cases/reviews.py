"""Decides again, page by page, about everybody whom a day, a programme or a target ZIP may concern, so that nobody who
decides about a single member waits for all of them."""

import asyncio
from collections.abc import Sequence
from functools import partial
from uuid import UUID

import asyncpg
import structlog

from services.kit import log, metrics
from services.kit.faults import Faults
from services.kit.postgres import ALL_TENANTS, transaction
from services.kit.setting_aside import each_or_aside
from services.kit.unit_of_work import UnitOfWork
from services.kit.waiting import wait
from services.outreach.cases import flow, store
from services.outreach.members import store as members
from services.outreach.reference import store as reference

AT_ONCE = 100
"""Members decided on in one transaction: some hundredths of a second, for a request that comes meanwhile waits at each
of its steps until the decisions at hand are made."""
POLL_S = 0.25


class Reviews:
    """Runs in every instance: members who are taken are skipped by the others."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self.faults = Faults("reviews")
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """End after the page at hand."""
        self._stopping.set()

    async def run(self) -> None:
        """Work until stopped; outlive a database that is away."""
        while not self._stopping.is_set():
            async with self.faults.outlived(self._stopping):
                has_more = await review_page(self._pool)
                await wait(self._stopping, 0.0 if has_more else POLL_S)


async def review_page(pool: asyncpg.Pool) -> bool:
    """Decide about some of those who wait. False if nobody does whom no other instance has taken."""
    async with transaction(pool, ALL_TENANTS) as connection:
        member_tokens = await store.load_waiting(connection, AT_ONCE)
    return await each_or_aside(member_tokens, partial(_review, pool), partial(_set_aside, pool)) > 0


async def _review(pool: asyncpg.Pool, member_tokens: Sequence[UUID]) -> int:
    async with transaction(pool, ALL_TENANTS) as connection:
        await reference.share_reference(connection)
        taken, at = await store.take_waiting(connection, member_tokens)
        if at is not None:
            await flow.review(UnitOfWork(connection), await members.lock_members(connection, taken), at)
    return len(taken)


async def _set_aside(pool: asyncpg.Pool, member_token: UUID, error: Exception) -> None:
    """The case of somebody who can't be decided on stays as it is until there is news of him."""
    structlog.get_logger().error("member set aside", count=1, **log.fault_fields(error))
    metrics.SET_ASIDE.labels("reviews").inc()
    async with transaction(pool, ALL_TENANTS) as connection:
        await store.take_waiting(connection, [member_token])
