"""A whole service: guarded routes, health that tells the truth, an orderly end."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from schemas.catalog import BUSINESS_DAY_OPENED
from services.kit import app as chassis
from services.kit import build, faults, metrics
from services.kit.app import Service, create
from services.kit.faults import Faults
from services.kit.http import unguarded
from services.kit.subscription import Subscription
from services.kit.unit_of_work import UnitOfWork
from tests.servers import Database, OpenDatabase

pytestmark = pytest.mark.postgres


async def on_nothing(work: UnitOfWork, events: object) -> None:
    """Hear and forget."""


SERVICE = Service(
    name="kit",
    title="Nothing in particular",
    subscriptions=(Subscription(BUSINESS_DAY_OPENED, "kit.business-day-opened", on_nothing),),
    routers=(),
    migrations=Path(__file__).parent,
)


async def test_every_route_of_the_chassis_is_guarded(database: OpenDatabase) -> None:
    """No operation lacks a token, and no write an idempotency key."""
    opened = await database("kit")
    assert unguarded(create(SERVICE, opened.settings())) == []


async def test_service_starts_without_its_broker_and_says_so(database: OpenDatabase) -> None:
    """With the broker away a service lives, is not ready, names the reason, and still ends in time."""
    opened = await database("kit")
    app = create(SERVICE, opened.settings())
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://kit") as client,
    ):
        deadline = time.monotonic() + 15
        checks = (await client.get("/ready")).json()["checks"]
        while checks["postgres"]["reason"] or checks["kafka"]["reason"] == "not asked yet":
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)
            checks = (await client.get("/ready")).json()["checks"]
        assert (await client.get("/live")).status_code == 200
        assert checks["kafka"]["reason"] == "KafkaConnectionError"
        assert (await client.get("/ready")).status_code == 503
        found = (await client.get("/metrics")).text
        assert "vcc_ready 0.0" in found
        assert 'vcc_ready_check{check="kafka"} 0.0' in found
        ending = time.monotonic()
    assert time.monotonic() - ending < 20


async def test_requests_are_served_while_the_broker_is_away(database: OpenDatabase) -> None:
    """Without a broker `/ready/serves` is well, for the outbox keeps what is announced; `/ready/consumes` and the whole
    are not. Metrics say all of it without anybody having asked before, and how full the pool is."""
    metrics.SERVES.set(0)
    opened = await database("kit")
    app = create(SERVICE, opened.settings())
    async with app.router.lifespan_context(app), _client_of(app) as client:
        async with asyncio.timeout(15):
            while "vcc_serves 1.0" not in (found := (await client.get("/metrics")).text):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert 'vcc_pool_connections{state="limit"} 8.0' in found
        assert f'vcc_build_info{{revision="{build.revision()}",service="kit",version="{build.version()}"}} 1.0' in found
        assert "vcc_ready 0.0" in found
        statuses = [(await client.get(path)).status_code for path in ("/ready/serves", "/ready/consumes", "/ready")]
        assert statuses == [200, 503, 503]
        assert set((await client.get("/ready/serves")).json()["checks"]) == {"postgres", "schema", "own-log"}
        assert "kafka" in (await client.get("/ready/consumes")).json()["checks"]


def _client_of(app: FastAPI) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://kit")


class Gardener:
    """A worker beside the requests. `luck` is called in each turn."""

    def __init__(self, luck: Callable[[], None]) -> None:
        self.faults, self._luck, self._stopping = Faults("gardener"), luck, asyncio.Event()

    async def run(self) -> None:
        while not self._stopping.is_set():
            async with self.faults.outlived(self._stopping):
                self._luck()
                await asyncio.sleep(0)

    def stop(self) -> None:
        self._stopping.set()


@asynccontextmanager
async def _with_gardener(opened: Database, luck: Callable[[], None]) -> AsyncIterator[httpx.AsyncClient]:
    app = create(replace(SERVICE, background=lambda _settings, _pool: [Gardener(luck)]), opened.settings())
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://kit") as client,
    ):
        yield client


async def test_every_background_task_is_known_by_name(database: OpenDatabase) -> None:
    """`/live` names each, the chassis's own and the service's."""
    async with _with_gardener(await database("kit"), lambda: None) as client:
        live = await client.get("/live")
        names = (
            "own-log", "health", "schema", "trail-chain", "measuring", "bus", "pruning", "relay", "gardener", "keys",
            "log-watch",
        )  # fmt: skip
        assert (live.status_code, live.json()) == (200, {"live": True, "tasks": dict.fromkeys(names, "running")})


@pytest.mark.expects_error_log("background task died")
async def test_a_background_task_that_ends_ends_the_service(
    database: OpenDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker with a bug is gone: the process is asked to end, and `/live` fails meanwhile."""
    ended = asyncio.Event()
    monkeypatch.setattr(chassis, "end_process", ended.set)

    def trip() -> None:
        raise LookupError("rake")

    async with _with_gardener(await database("kit"), trip) as client:
        await asyncio.wait_for(ended.wait(), 20)
        live = await client.get("/live")
        assert (live.status_code, live.json()["tasks"]["gardener"]) == (503, "LookupError")


async def test_a_worker_that_stands_still_is_told(database: OpenDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that is full for a worker makes the service not ready and grows a metric, though all tasks live."""
    monkeypatch.setattr(faults, "FIRST_PAUSE_S", 0.01)

    def no_room() -> None:
        raise OSError(28, "No space left on device")

    async with _with_gardener(await database("kit"), no_room) as client:
        async with asyncio.timeout(20):
            while "gardener: OSError" not in str((await client.get("/ready")).json()["checks"]["workers"]["reason"]):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        assert (await client.get("/live")).status_code == 200
        assert 'vcc_worker_faults_total{error="OSError",worker="gardener"}' in (await client.get("/metrics")).text
