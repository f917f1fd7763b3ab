"""The transaction of a request: whom it acts for, which rows it sees, what it announces."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import Depends, Request
from fastapi.responses import Response

from services.kit import postgres, trace
from services.kit.auth import Principal
from services.kit.idempotency import Answer, RequestIdentity, once
from services.kit.own_log import OLDER, OwnLog
from services.kit.problem import RETRY_AFTER_S, Refusal, RefusedError
from services.kit.unit_of_work import UnitOfWork, working

OLDER_THAN_LOG = Refusal(
    "older-than-log", "Service Unavailable", "The database is older than the log: an operator must restore it.", 503
)
NOT_COMPARED = Refusal(
    "not-compared", "Service Unavailable", "The database was not compared with the log yet: ask again.", 503
)


async def _pool(request: Request) -> postgres.Pool:
    own_log: OwnLog | None = getattr(request.app.state, "own_log", None)  # a service has one, a bare app none
    if own_log is not None and own_log.trouble is not None:
        refusal = OLDER_THAN_LOG if own_log.trouble == OLDER else NOT_COMPARED
        raise RefusedError(refusal, {"Retry-After": str(RETRY_AFTER_S)})
    return await _pool_as_it_is(request)


async def _pool_as_it_is(request: Request) -> postgres.Pool:
    pool: postgres.Pool = request.app.state.pool
    return pool


Pool = Annotated[postgres.Pool, Depends(_pool)]
"""A route's parameter `pool: Pool` is the service's pool."""
OperatorsPool = Annotated[postgres.Pool, Depends(_pool_as_it_is)]
"""The same also beside a log that the database does not know: for what an operator must be able to say then."""


async def write(
    pool: postgres.Pool, identity: RequestIdentity, effect: Callable[[UnitOfWork], Awaitable[Answer]]
) -> Response:
    """Run a write's effect once per idempotency key, in one transaction that sees the rows only of the tenant and of
    the sites that it acts for. A refusal
    is an answer like another (`Answer.of`); it commits nothing but itself if the effect wrote nothing."""
    traces = trace.of_request(identity.trace_parent)
    async with working(pool, identity.tenant_id, sites=identity.sites, traces=traces) as work:
        answer = await once(work, identity, effect)
    return answer.response()


@asynccontextmanager
async def reading(pool: postgres.Pool, principal: Principal) -> AsyncIterator[UnitOfWork]:
    """A unit of work that sees the principal's tenant and sites only, for reads and their audit rows."""
    async with working(pool, principal.tenant, sites=principal.sites) as work:
        yield work
