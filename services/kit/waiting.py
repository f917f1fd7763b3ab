"""Waiting that ends early: every loop beside the requests pauses so, and stops at once when it is told to."""

import asyncio


async def wait(event: asyncio.Event, seconds: float) -> bool:
    """Until the event, for so long at most. Whether it has come."""
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return False
    return True
