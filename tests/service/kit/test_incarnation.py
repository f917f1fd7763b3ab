"""A service that starts while the broker is away: on which database it serves before it could compare."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from fastapi import APIRouter
from prometheus_client import REGISTRY

from schemas.eligibility_v1 import BusinessDayOpenedV1
from services.kit import incarnation
from services.kit.app import Service, create
from services.kit.own_log import Owned
from services.kit.requests import Pool
from services.kit.unit_of_work import working
from tests.builders import a_day
from tests.servers import Database, OpenDatabase

pytestmark = pytest.mark.postgres
routes = APIRouter()


@routes.post("/days/{number}")
async def open_day(pool: Pool, number: int) -> int:
    async with working(pool) as work:
        await work.announce([a_day(number)])
    return number


FAILED = {"error": "KafkaConnectionError", "worker": "own-log"}
KNOWN = "select position from unnest($1::date[]) with ordinality as day (business_on, position) where false"
SERVICE = Service(
    name="kit",
    title="A calendar",
    subscriptions=(),
    routers=(routes,),
    migrations=Path(__file__).parent,
    owned={BusinessDayOpenedV1: Owned(("business_on",), KNOWN)},
)


@asynccontextmanager
async def _serving(database: Database) -> AsyncIterator[httpx.AsyncClient]:
    """Nothing answers where the broker should be."""
    app = create(SERVICE, database.settings())
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://kit") as client,
    ):
        yield client


def _failures() -> float:
    return REGISTRY.get_sample_value("vcc_worker_faults_total", FAILED) or 0.0


async def _until_tried(client: httpx.AsyncClient) -> str | None:
    """What is said of the comparison once it has failed again: others of this process have counted before."""
    before = _failures()
    while True:
        if _failures() > before:
            reason: str | None = (await client.get("/ready")).json()["checks"]["own-log"]["reason"]
            return reason
        await asyncio.sleep(0.02)


@pytest.mark.timeout(60)
async def test_what_was_compared_last_is_served_before_the_broker_is_back(database: OpenDatabase) -> None:
    """The desk works on at once: what it announces is in the outbox, and nothing is published before the comparison."""
    opened = replace(await database("kit"), service="eligibility")
    await incarnation.note_compared(opened.pool)
    async with _serving(opened) as client:
        assert await _until_tried(client) is None
        assert (await client.post("/days/1")).status_code == 200
        assert (await client.get("/ready/serves")).status_code == 200
        assert (await client.get("/ready/consumes")).status_code == 503
    assert await opened.pool.fetchval("select count(*) from outbox") == 1


@pytest.mark.timeout(60)
@pytest.mark.parametrize("known", ["7000/00000001/5", None])
async def test_another_incarnation_is_not_served(database: OpenDatabase, known: str | None) -> None:
    """A backup, a promoted replica or a copy, and one that was never compared: requests wait for the broker."""
    opened = replace(await database("kit"), service="eligibility")
    if known is not None:
        await opened.pool.execute("insert into compared_database (incarnation) values ($1)", known)
    async with _serving(opened) as client:
        assert "not compared" in (await _until_tried(client) or "")
        refused = await client.post("/days/1")
        assert (refused.status_code, refused.json()["type"]) == (503, "urn:vcc:problem:not-compared")
    assert await opened.pool.fetchval("select count(*) from outbox") == 0
