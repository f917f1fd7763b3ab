"""How far this service has read the log: routes ask the broker by this."""

from typing import Annotated

from fastapi import Depends, Request

from services.kit import backlog
from services.kit.auth import Principal
from services.kit.generation import Generation
from services.kit.readings import Readings
from services.kit.requests import Pool, reading
from services.reporting.rebuild.flow import RecordsBehind, load_generation


def log_reader_of(request: Request) -> RecordsBehind:
    """Asks the broker how many records a generation has still to read; None when it does not answer."""
    state = request.app.state

    async def records_behind(read: Generation) -> int | None:
        readings = Readings(state.settings.kafka, state.pool, state.subscriptions)
        return await backlog.answer_of(readings.behind(read))

    return records_behind


LogReader = Annotated[RecordsBehind, Depends(log_reader_of)]


async def progress(pool: Pool, principal: Principal, log_reader: RecordsBehind) -> tuple[Generation, int | None]:
    """The generation that the tables hold, and how many records it has still to read."""
    async with reading(pool, principal) as work:
        read = await load_generation(work.connection)
    return read, await log_reader(read)
