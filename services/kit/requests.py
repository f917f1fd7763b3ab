"""The transaction of a request: whom it acts for, which rows it sees, what it announces."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Request
from fastapi.responses import Response
from pydantic import StringConstraints

from schemas.texts import READABLE
from services.kit import audit, postgres, trace
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

BUSY = Refusal("busy", "Service Unavailable", "Others of this kind are being made: ask again in a while.", 503)
BUSY_RETRY_AFTER_S = 30


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


Reason = Annotated[
    str,
    StringConstraints(strip_whitespace=True, pattern=r"^[\x20-\x7e]+$"),
    READABLE,
    Header(
        alias="X-Reason", min_length=3, max_length=200,
        description="Why this is done, for the audit trail: a ticket or a cause, nothing of a person",
    ),
]  # fmt: skip
"""What an operator has to say for what he does to records."""


async def write(
    pool: postgres.Pool, identity: RequestIdentity, effect: Callable[[UnitOfWork], Awaitable[Answer]]
) -> Response:
    """Run a write's effect once per idempotency key, in one transaction that sees the rows only of the tenant and of
    the sites that it acts for, and tells the trail of it in the same. A refusal
    is an answer like another (`Answer.of`); it commits nothing but itself if the effect wrote nothing."""
    traces = trace.of_request(identity.trace_parent)
    async with working(pool, identity.tenant_id, sites=identity.sites, traces=traces) as work:
        answer = await once(work, identity, effect)
        whose = identity.whose()
        await audit.record_write(work, whose, answer.status, answer.body, replayed=answer.replayed)
    return answer.response()


@contextmanager
def for_long(pool: postgres.Pool) -> Iterator[None]:
    """Around what holds a connection for minutes, whose cost grows with the people: as many at once as leave enough for
    all others, the next one is told to come again."""
    try:
        with pool.long.taken():
            yield
    except postgres.NoPlaceError:
        raise RefusedError(BUSY, {"Retry-After": str(BUSY_RETRY_AFTER_S)}) from None


@asynccontextmanager
async def reading(pool: postgres.Pool, principal: Principal) -> AsyncIterator[UnitOfWork]:
    """A unit of work that sees the principal's tenant and sites only, for reads and their audit rows."""
    async with working(pool, principal.tenant, sites=principal.sites) as work:
        yield work


def with_settings(own: object, *routers: APIRouter) -> APIRouter:
    """All these routes, with what the deployment has set for the service, as `request.state.own`."""

    async def choose(request: Request) -> None:
        request.state.own = own

    chosen = APIRouter(dependencies=[Depends(choose)])
    for router in routers:
        chosen.include_router(router)
    return chosen
