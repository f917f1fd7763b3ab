"""Waiting that ends early, and cancellation that is meant: what every loop beside the requests stands on."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class LeakedCancellationError(ConnectionError):
    """A library cancelled work of its own and let that out, as if its caller were to end."""


async def wait(event: asyncio.Event, seconds: float) -> bool:
    """Until the event, for so long at most. Whether it has come."""
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return False
    return True


@contextmanager
def leaks_as_faults() -> Iterator[None]:
    """A cancellation that nobody asked of this task becomes a `LeakedCancellationError`: else the task would end in
    silence."""
    try:
        yield
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise LeakedCancellationError from None
