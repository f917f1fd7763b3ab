"""Wipes the tables for a rebuild, and tells how far the log has been read since."""

from collections.abc import Awaitable, Callable

from services.kit import generation
from services.kit.generation import Generation, StaleGenerationError
from services.kit.postgres import Connection
from services.kit.problem import RETRY_AFTER_S, Refusal, RefusedError
from services.replicas.days import store as days
from services.replicas.programmes import store as programmes
from services.reporting.coverage import store as coverage
from services.reporting.facts import store as facts

RecordsBehind = Callable[[Generation], Awaitable[int | None]]
"""How many records a generation has still to read; None when the broker does not answer."""

BEHIND = Refusal(
    "log-not-read", "Log Not Read", "The log is not read to its end: see GET /rebuild, and ask again at 0 records."
)
BEHIND_UNKNOWN = Refusal(
    "log-unavailable", "Service Unavailable", "The broker does not say how far the log has been read: ask again.", 503
)


async def wipe(connection: Connection) -> Generation:
    """Begin the next generation with empty tables, in the caller's transaction; the consumers notice and start again
    at the log's beginning."""
    begun = await generation.begin_next(connection)
    await programmes.empty_programmes(connection)
    await days.empty_days(connection)
    await facts.empty_facts(connection)
    await coverage.empty_cells(connection)
    return begun


async def load_generation(connection: Connection) -> Generation:
    """The generation that the tables hold."""
    return await generation.load(connection)


async def need_whole_log(connection: Connection, read: Generation, behind: int | None) -> None:
    """Refuse unless this generation has read the log to its end, and keep it until the commit. Raised and not answered,
    so that the refusal is not kept under the request's key."""
    try:
        await generation.hold(connection, read)
    except StaleGenerationError:
        raise RefusedError(BEHIND) from None
    if behind != 0:
        refusal = BEHIND_UNKNOWN if behind is None else BEHIND
        raise RefusedError(refusal, {"Retry-After": str(RETRY_AFTER_S)})
