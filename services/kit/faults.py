"""What a background worker runs into and outlives: counted, logged, waited after, and told at `/ready` when it does not
get on."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from services.kit import log, metrics
from services.kit.postgres import is_fault
from services.kit.waiting import leaks_as_faults, wait

FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 5.0
TOLD_FROM = 3
"""One fault is a cut connection; the third in a row, without a turn of work between, is a worker that stands still."""


class Faults:
    """Of one worker. `also` are errors of its own that a later try may outlive."""

    def __init__(self, worker: str, *also: type[Exception]) -> None:
        self._worker, self._also = worker, also
        self._in_a_row = 0
        self._last = ""

    @property
    def reason(self) -> str | None:
        """Why this worker does not get on, if it does not."""
        return f"{self._worker}: {self._last}" if self._in_a_row >= TOLD_FROM else None

    def forget(self) -> None:
        """The worker got on."""
        self._in_a_row = 0

    @asynccontextmanager
    async def outlived(self, stopping: asyncio.Event) -> AsyncIterator[None]:
        """A fault ends the block and no more: it is noted, and a pause follows. Anything else propagates. A block that
        lasts says itself when it gets on."""
        try:
            with leaks_as_faults():
                yield
            self.forget()
        except Exception as error:
            if not (is_fault(error) or isinstance(error, self._also)):
                raise
            await wait(stopping, self._note(error))

    def _note(self, error: Exception) -> float:
        self._in_a_row += 1
        self._last = type(error).__name__
        pause_s: float = min(FIRST_PAUSE_S * 2 ** min(self._in_a_row - 1, 10), LONGEST_PAUSE_S)
        metrics.WORKER_FAULTS.labels(self._worker, self._last).inc()
        structlog.get_logger().warning(f"{self._worker} paused", backoff_s=pause_s, **log.fault_fields(error))
        return pause_s
