"""Background tasks: each lives until the drain, or the process ends with it."""

import asyncio
from collections.abc import Awaitable, Callable

import httpx
import pytest
from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from services.kit.health_routes import add_health
from services.kit.workers import Workers


class Dormouse:
    """Sleeps until it is stopped, or does what it was given instead."""

    def __init__(self, instead: Callable[[], Awaitable[None]] | None = None) -> None:
        self._stopping, self._instead = asyncio.Event(), instead

    async def run(self) -> None:
        await (self._instead or self._stopping.wait)()

    def stop(self) -> None:
        self._stopping.set()


async def _return() -> None:
    await asyncio.sleep(0)


async def _raise() -> None:
    raise ArithmeticError("seven")


async def _leak() -> None:
    """As a library does that cancels its own task and awaits it."""
    own = asyncio.create_task(asyncio.sleep(60))
    own.cancel()
    await own


async def _live(workers: Workers) -> httpx.Response:
    app = FastAPI()
    add_health(app, {}, CollectorRegistry(), workers.states)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://tea") as client:
        return await client.get("/live")


@pytest.mark.expects_error_log("background task died")
@pytest.mark.parametrize(("instead", "how"), [(_return, "returned"), (_raise, "ArithmeticError"), (_leak, "cancelled")])
async def test_a_task_that_ends_takes_the_process_with_it(instead: Callable[[], Awaitable[None]], how: str) -> None:
    """Whether it returns, raises or is cancelled by a leak: the process is told to end, and `/live` fails and names
    it."""
    ended = asyncio.Event()
    workers = Workers(ended.set)
    steady, weak = Dormouse(), Dormouse(instead)
    for one in (steady, weak):
        workers.start(one, one.run())
    await asyncio.wait_for(ended.wait(), 5)
    live = await _live(workers)
    assert (live.status_code, live.json()) == (
        503,
        {"live": False, "tasks": {"dormouse": "running", "dormouse-1": how}},
    )
    await workers.drain(1)


async def test_a_drain_ends_nobody_else() -> None:
    """While all run `/live` names each; what ends because it was asked to is no death."""
    ended = asyncio.Event()
    workers = Workers(ended.set)
    workers.start(sleeper := Dormouse(), sleeper.run())
    live = await _live(workers)
    assert (live.status_code, live.json()) == (200, {"live": True, "tasks": {"dormouse": "running"}})
    await workers.drain(1)
    assert not ended.is_set()
