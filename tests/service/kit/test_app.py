"""A whole service: guarded routes, health that tells the truth, an orderly end."""

import asyncio
import time
from pathlib import Path

import httpx
import pytest

from schemas.catalog import BUSINESS_DAY_OPENED
from services.kit.app import Service, create
from services.kit.http import unguarded
from services.kit.subscription import Subscription
from services.kit.unit_of_work import UnitOfWork
from tests.servers import OpenDatabase

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
        assert "vcc_ready 0.0" in (await client.get("/metrics")).text
        ending = time.monotonic()
    assert time.monotonic() - ending < 20
