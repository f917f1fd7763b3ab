"""The transaction of a request: whom it acts for, which rows it sees, what it announces."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Annotated

import asyncpg
from fastapi import Depends, Request
from fastapi.responses import Response

from services.kit import trace
from services.kit.auth import Principal
from services.kit.idempotency import Answer, RequestIdentity, once
from services.kit.postgres import Connection, transaction
from services.kit.unit_of_work import UnitOfWork


async def _pool(request: Request) -> asyncpg.Pool:
    """In the request's own context: a plain function would run in a thread, and what it sets would be lost."""
    pool: asyncpg.Pool = request.app.state.pool
    trace.current.set(trace.of_request(request.headers.get("traceparent", "")))
    return pool


Pool = Annotated[asyncpg.Pool, Depends(_pool)]
"""A route's parameter `pool: Pool` is the service's pool."""


async def write(
    pool: asyncpg.Pool, identity: RequestIdentity, effect: Callable[[UnitOfWork], Awaitable[Answer]]
) -> Response:
    """Run a write's effect once per idempotency key, in one transaction that sees the tenant's rows only. A refusal
    is an answer like another (`Answer.of`); it commits nothing but itself if the effect wrote nothing."""
    async with transaction(pool, identity.tenant_id) as connection:
        answer = await once(connection, identity, lambda: effect(UnitOfWork(connection)))
    return answer.response()


@asynccontextmanager
async def reading(pool: asyncpg.Pool, principal: Principal) -> AsyncIterator[Connection]:
    """A transaction that sees the principal's tenant only, for reads and their audit rows."""
    async with transaction(pool, principal.tenant) as connection:
        yield connection
