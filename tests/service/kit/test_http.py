"""The whole way of a request: a real server, a token of the local issuer, a real database."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from fastapi.responses import Response

from deploy.local import issuer as local_issuer
from services.kit import audit, postgres, trace
from services.kit.auth import Auth, Principal
from services.kit.http import create_app
from services.kit.idempotency import Answer, Identity
from services.kit.issuer_keys import TrustedIssuer
from services.kit.postgres import create_pool, transaction
from services.kit.requests import Pool, write
from services.kit.unit_of_work import UnitOfWork
from tests.builders import a_day
from tests.roles import require
from tests.servers import Database, OpenDatabase

pytestmark = pytest.mark.postgres

ISSUER = "http://127.0.0.1:4711"
CANARY = "Zebulon-Quokka-1931"
TRACED = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def build(issuer: FastAPI, pool: postgres.Pool) -> FastAPI:
    on_denied = audit.denials(lambda tenant: transaction(pool, tenant))
    trusted = TrustedIssuer(issuer=ISSUER, audience="vcc", every_tenant_roles=frozenset({"operator"}))
    auth = Auth(trusted, on_denied=on_denied, transport=httpx.ASGITransport(issuer))
    app = create_app("Bakery", "1", auth=auth, max_body_bytes=200)
    app.state.pool = pool

    @app.post("/loaves")
    async def bake(pool: Pool, identity: Identity, _: Annotated[Principal, require("coordinator")]) -> Response:
        async def effect(work: UnitOfWork) -> Answer:
            await work.connection.execute("insert into loaf (tenant_id) values ($1)", identity.tenant_id)
            await work.announce([a_day()])
            return Answer(201, {"crust": "crisp"})

        return await write(pool, identity, effect)

    @app.post("/ovens")
    async def burn(identity: Identity) -> None:
        raise RuntimeError(CANARY)

    @app.post("/names")
    async def name(pool: Pool, identity: Identity, _: Annotated[Principal, require("coordinator")]) -> Response:
        async def effect(work: UnitOfWork) -> Answer:
            await work.connection.execute("insert into name values ($1), ($1)", CANARY)
            return Answer(201)

        return await write(pool, identity, effect)

    return app


@asynccontextmanager
async def serving(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """The application behind a real server on loopback."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, access_log=False, log_config=None, lifespan="off"))
    running = asyncio.create_task(server.serve())
    async with asyncio.timeout(10):
        while not server.started:  # noqa: ASYNC110 - the server has no event for it
            await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
        yield client
    server.should_exit = True
    await running


@pytest.fixture
async def bakery(database: OpenDatabase) -> Database:
    bakery = await database("kit")
    await bakery.owner.execute("create table loaf (tenant_id text); create table name (name text unique)")
    return bakery


@pytest.fixture
def issuer(tmp_path: Path) -> FastAPI:
    return local_issuer.build(tmp_path / "issuer", ISSUER)


async def a_token(issuer: FastAPI, tmp_path: Path, name: str) -> dict[str, str]:
    secret = local_issuer.load_clients(tmp_path / "issuer")[name]["secret"]
    async with httpx.AsyncClient(transport=httpx.ASGITransport(issuer), base_url=ISSUER) as client:
        response = await client.post("/token", data={"grant_type": "client_credentials"}, auth=(name, secret))
    return {"Authorization": f"Bearer {response.json()['access_token']}", "Idempotency-Key": "key-sourdough"}


async def test_a_write_with_a_token_and_a_key(bakery: Database, issuer: FastAPI, tmp_path: Path) -> None:
    """A coordinator's write is done once for its tenant, repeated it is replayed; another role's is denied and in the
    trail, as is a request without a token, with its reason and without a principal (v5.0.0-16.3.1)."""
    coordinator = await a_token(issuer, tmp_path, "coordinator")
    async with serving(build(issuer, bakery.pool)) as client:
        first = await client.post("/loaves", headers=coordinator)
        again = await client.post("/loaves", headers=coordinator)
        denied = await client.post("/loaves", headers=await a_token(issuer, tmp_path, "operator"))
        nobody = await client.post("/loaves", headers={"Idempotency-Key": "key-sourdough"})
    assert [each.status_code for each in (first, again, denied, nobody)] == [201, 201, 403, 401]
    assert again.headers["idempotency-replayed"] == "true"
    assert await bakery.pool.fetchval("select array_agg(tenant_id) from loaf") == ["local"]
    async with transaction(bakery.owner, "*") as connection:
        rows = await connection.fetch("select principal, action, kind, reason, outcome from audit")
    assert [tuple(row) for row in rows] == [
        ("coordinator", "wrote", "POST /loaves", None, "done"),
        ("coordinator", "wrote", "POST /loaves", "replayed", "done"),
        ("operator", "denied", "POST /loaves", "role", "denied"),
        (None, "denied", "POST /loaves", "no-token", "denied"),
    ]


@pytest.mark.parametrize(
    ("said", "kept"),
    [(TRACED, TRACED[3:35]), ("00-Zebulon-Quokka-1931", None), (f"{TRACED} {CANARY}", None), ("", None)],
)
async def test_an_event_carries_its_requests_trace(
    bakery: Database, issuer: FastAPI, tmp_path: Path, said: str, kept: str | None
) -> None:
    """The trace of a valid traceparent goes with what the request announces, under a span id of our own; whatever else
    stands in that header does not."""
    coordinator = await a_token(issuer, tmp_path, "coordinator")
    async with serving(build(issuer, bakery.pool)) as client:
        assert (await client.post("/loaves", headers={**coordinator, "traceparent": said})).status_code == 201
    [sent] = await bakery.pool.fetchval("select array_agg(traceparent) from outbox")
    assert trace.trace_id(sent or "") == kept
    assert sent != said


@pytest.mark.expects_error_log("dependency unavailable")
async def test_a_database_that_is_away_and_comes_back(bakery: Database, issuer: FastAPI, tmp_path: Path) -> None:
    """While the database refuses connections the answer is 503 with Retry-After; afterwards the same request works."""
    coordinator = await a_token(issuer, tmp_path, "coordinator")
    app = build(issuer, bakery.pool)
    async with serving(app) as client:
        away = await postgres.Pool("postgresql://kit:x@127.0.0.1:1/kit", max_size=10)
        app.state.pool = away
        refused = await client.post("/loaves", headers=coordinator)
        away.terminate()
        app.state.pool = bakery.pool
        served = await client.post("/loaves", headers=coordinator)
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
    assert served.status_code == 201


@pytest.mark.expects_error_log("dependency unavailable")
async def test_a_duplicate_does_not_wait_for_ever(bakery: Database, issuer: FastAPI, tmp_path: Path) -> None:
    """When the first request takes longer than the lock may be waited for, its duplicate is asked to come back."""
    coordinator = await a_token(issuer, tmp_path, "coordinator")
    impatient = await create_pool(bakery.settings(lock_timeout_s=0.2))
    insert = "insert into idempotency_key values ('local', 'coordinator', 'key-sourdough', 'POST /loaves', '', 200)"
    async with serving(build(issuer, impatient)) as client, transaction(bakery.pool, "*") as connection:
        await connection.execute(insert)
        response = await client.post("/loaves", headers=coordinator)
    await impatient.close()
    assert (response.status_code, response.headers["retry-after"]) == (503, "5")


@pytest.mark.expects_error_log("request failed")
async def test_a_value_in_a_database_error_is_told_to_nobody(
    bakery: Database,
    issuer: FastAPI,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """The text of a unique violation, or of any fault, reaches neither the client nor a log nor the server's output."""
    caplog.set_level(0)
    coordinator = await a_token(issuer, tmp_path, "coordinator")
    async with serving(build(issuer, bakery.pool)) as client:
        response = await client.post("/names", headers=coordinator)
        burnt = await client.post("/ovens", headers=coordinator)
    output = capfd.readouterr()
    assert (response.status_code, burnt.status_code) == (500, 500)
    assert "name_name_key" in output.out  # the constraint, by which the fault can be found
    assert CANARY not in response.text + burnt.text + caplog.text + output.out + output.err


async def test_a_streamed_body_is_cut_off_at_the_limit(bakery: Database, issuer: FastAPI, tmp_path: Path) -> None:
    """A body without a declared length is refused once it passes the limit, and nothing is done."""

    async def crumbs() -> AsyncIterator[bytes]:
        for _ in range(5):
            yield b"crumb" * 10

    async with serving(build(issuer, bakery.pool)) as client:
        response = await client.post(
            "/loaves", headers=await a_token(issuer, tmp_path, "coordinator"), content=crumbs()
        )
    assert (response.status_code, response.headers["content-type"]) == (413, "application/problem+json")
    assert await bakery.pool.fetchval("select count(*) from loaf") == 0
