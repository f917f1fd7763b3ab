"""How the subscriptions of a service begin."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from services.kit.bus import _start_together


class SomeHandle:
    """Joins its group once all others are at it, too."""

    def __init__(self, all_at_it: asyncio.Barrier, error: Exception | None = None) -> None:
        self._all_at_it, self._error, self.joined = all_at_it, error, False

    async def start(self) -> None:
        await self._all_at_it.wait()
        if self._error is not None:
            raise self._error
        self.joined = True


def a_broker() -> Any:
    async def connect() -> None:
        await asyncio.sleep(0)

    return SimpleNamespace(connect=connect, running=False)


async def test_groups_are_joined_side_by_side() -> None:
    """No group waits for another one's delay: ten of three seconds each are three, not thirty."""
    barrier, broker = asyncio.Barrier(3), a_broker()
    handles: Any = [SomeHandle(barrier) for _ in range(3)]
    async with asyncio.timeout(60):
        await _start_together(broker, handles)
    assert broker.running
    assert all(handle.joined for handle in handles)


async def test_one_that_fails_is_told_once_all_have_answered() -> None:
    """So that whoever stops them all afterwards stops none that is still at it."""
    barrier, broker = asyncio.Barrier(3), a_broker()
    handles: Any = [SomeHandle(barrier), SomeHandle(barrier, ConnectionError("away")), SomeHandle(barrier)]
    with pytest.raises(ConnectionError):
        async with asyncio.timeout(60):
            await _start_together(broker, handles)
    assert [handle.joined for handle in handles] == [True, False, True]
    assert not broker.running
