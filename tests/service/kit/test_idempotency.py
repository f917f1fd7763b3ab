"""Requests that are sent again: once in the database, the same answer to everybody."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from fastapi.responses import Response
from pydantic import BaseModel

from services.kit import audit, postgres
from services.kit.auth import Principal, authenticate
from services.kit.http import create_app
from services.kit.idempotency import Answer, Identity, RequestIdentity, once
from services.kit.postgres import transaction
from services.kit.problem import Refusal
from services.kit.pruning import all_kept, prune
from services.kit.requests import Pool, write
from services.kit.unit_of_work import UnitOfWork, working
from tests.servers import Database, OpenDatabase, prepare_tests

pytestmark = pytest.mark.postgres

GARDEN_FULL = Refusal("garden-full", "The garden is full", "No bed is left for a gnome.")
CREATE = "create table gnome (gnome_id bigint generated always as identity primary key, name text not null)"


class Gnome(BaseModel):
    name: str


def a_principal(subject: str = "gardener", tenant: str = "kew") -> Principal:
    return Principal(subject, frozenset({"gardener"}), frozenset({tenant}), tenant)


def build(pool: postgres.Pool, principal: Principal | None = None) -> FastAPI:
    """Gnomes are planted by a POST; the seventh dwarf is refused and the eighth breaks the spade."""
    app = create_app("Garden", "1")
    app.state.pool = pool
    app.dependency_overrides[authenticate] = lambda: principal or a_principal()

    @app.post("/gnomes")
    async def plant(gnome: Gnome, pool: Pool, identity: Identity) -> Response:
        async def effect(work: UnitOfWork) -> Answer:
            number = await work.connection.fetchval(
                "insert into gnome (name) values ($1) returning gnome_id", gnome.name
            )
            if gnome.name.startswith("seen"):
                await audit.record(work, a_principal(), "read", "gnome", [number])
            if gnome.name == "seventh":
                return Answer.of(GARDEN_FULL)
            if gnome.name == "eighth":
                raise RuntimeError("the spade broke")
            return Answer(201, {"gnome_id": number}, {"Location": f"/gnomes/{number}"})

        return await write(pool, identity, effect)

    return app


def asking(app: FastAPI) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://garden")


@pytest.fixture
async def garden(database: OpenDatabase) -> Database:
    garden = await database("kit")
    await garden.owner.execute(CREATE)
    return garden


@pytest.fixture
async def client(garden: Database) -> AsyncIterator[httpx.AsyncClient]:
    async with asking(build(garden.pool)) as client:
        yield client


async def plant(client: httpx.AsyncClient, key: str | None, name: str = "Grumpy") -> httpx.Response:
    return await client.post("/gnomes", json={"name": name}, headers={"Idempotency-Key": key} if key else {})


async def gnomes(garden: Database) -> int:
    return int(await garden.pool.fetchval("select count(*) from gnome"))


async def test_a_key_is_needed(client: httpx.AsyncClient, garden: Database) -> None:
    """A write without a key, or with one too short to be unique, is refused and does nothing."""
    for key in (None, "short"):
        response = await plant(client, key)
        assert response.status_code == 422
        assert response.json()["errors"][0]["field"] == "header.idempotency-key"
    assert await gnomes(garden) == 0


async def test_the_same_request_again_gets_the_same_answer(client: httpx.AsyncClient, garden: Database) -> None:
    """The second time nothing is done, and status, headers and body are those of the first, marked as replayed."""
    first, second = await plant(client, "key-grumpy"), await plant(client, "key-grumpy")
    assert (first.status_code, first.headers["location"]) == (201, "/gnomes/1")
    assert (second.status_code, second.headers["location"], second.json()) == (201, "/gnomes/1", first.json())
    assert "idempotency-replayed" not in first.headers
    assert second.headers["idempotency-replayed"] == "true"
    assert await gnomes(garden) == 1


async def test_a_key_is_for_one_request_only(client: httpx.AsyncClient, garden: Database) -> None:
    """The same key with another body or query is refused with 422 and does nothing."""
    await plant(client, "key-grumpy")
    headers = {"Idempotency-Key": "key-grumpy"}
    for again in (
        await plant(client, "key-grumpy", "Doc"),
        await client.post("/gnomes?colour=red", json={"name": "Grumpy"}, headers=headers),
    ):
        assert (again.status_code, again.json()["type"]) == (422, "urn:vcc:problem:idempotency-key-reused")
    assert await gnomes(garden) == 1


async def test_others_may_use_the_same_key(garden: Database) -> None:
    """Keys of another principal or another tenant are other keys."""
    for principal in (a_principal("ann", "kew"), a_principal("bob", "kew"), a_principal("ann", "eden")):
        async with asking(build(garden.pool, principal)) as client:
            response = await plant(client, "key-shared")
            assert "idempotency-replayed" not in response.headers
    assert await gnomes(garden) == 3


async def test_a_refusal_is_kept_as_an_answer(client: httpx.AsyncClient) -> None:
    """A refusal is given again as it was, as a problem document."""
    first, second = await plant(client, "key-seven", "seventh"), await plant(client, "key-seven", "seventh")
    assert (first.status_code, second.status_code) == (409, 409)
    assert first.json() == second.json()
    assert second.headers["content-type"] == "application/problem+json"
    assert second.headers["idempotency-replayed"] == "true"


@pytest.mark.expects_error_log("request failed")
async def test_a_fault_leaves_no_trace_of_the_key(client: httpx.AsyncClient, garden: Database) -> None:
    """After a fault neither effect nor key is there, so the request may be sent again and is tried again."""
    for _ in range(2):
        response = await plant(client, "key-eight", "eighth")
        assert response.status_code == 500
        assert "idempotency-replayed" not in response.headers
    assert await gnomes(garden) == 0
    async with transaction(garden.pool, "*") as connection:
        assert await connection.fetchval("select count(*) from idempotency_key") == 0


async def test_a_duplicate_at_the_same_time_waits(garden: Database) -> None:
    """Of ten at once one does the work; the others wait for its commit and get its answer."""
    async with asking(build(garden.pool)) as client:
        responses = await asyncio.gather(*(plant(client, "key-many") for _ in range(10)))
    assert [response.json() for response in responses] == [{"gnome_id": 1}] * 10
    assert sum("idempotency-replayed" in response.headers for response in responses) == 9
    assert await gnomes(garden) == 1


async def test_a_duplicate_of_a_rolled_back_request_does_the_work(garden: Database) -> None:
    """When the first one fails while a second waits, the second does the work."""
    identity = RequestIdentity("kew", "ann", "key-unlucky", "POST /gnomes", b"same")
    inside, go_on = asyncio.Event(), asyncio.Event()

    async def stumble(_work: UnitOfWork) -> Answer:
        inside.set()
        await go_on.wait()
        raise RuntimeError("stumbled")

    async def succeed(_work: UnitOfWork) -> Answer:
        return Answer(200, "done")

    async def attempt(effect: Callable[[UnitOfWork], Any]) -> Answer:
        async with working(garden.pool, "kew") as work:
            return await once(work, identity, effect)

    first = asyncio.create_task(attempt(stumble))
    await inside.wait()
    second = asyncio.create_task(attempt(succeed))
    await _until(garden.pool, SOMEBODY_WAITS)
    go_on.set()
    with pytest.raises(RuntimeError, match="stumbled"):
        await first
    assert await second == Answer(200, "done")


SOMEBODY_WAITS = """
    select count(*) > 0 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'
"""
NOBODY_ELSE_WORKS = """
    select count(*) = 0 from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid() and state <> 'idle'
"""


async def _until(pool: asyncpg.Pool, condition: str) -> None:
    async with asyncio.timeout(10):
        while not await pool.fetchval(condition):  # noqa: ASYNC110 - the event happens in the server
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("committed", [True, False], ids=["reply lost", "commit lost"])
@pytest.mark.expects_error_log("dependency unavailable")
async def test_a_commit_of_unknown_outcome_is_safe_to_repeat(garden: Database, committed: bool) -> None:
    """The connection dies at COMMIT, after or before the server got it: the client sees 503, repeats with the same
    key, and the effect is there once."""
    async with _cutting_at_commit(garden.dsn, committed) as broken:
        pool = await postgres.Pool(broken, max_size=1, timeout=10, ssl=False, init=prepare_tests)
        async with asking(build(pool)) as client:
            response = await plant(client, "key-fragile")
            assert (response.status_code, response.headers["retry-after"]) == (503, "5")
        pool.terminate()
    await _until(garden.pool, NOBODY_ELSE_WORKS)
    assert await gnomes(garden) == committed
    async with asking(build(garden.pool)) as client:
        again = await plant(client, "key-fragile")
    assert (again.status_code, "idempotency-replayed" in again.headers) == (201, committed)
    assert await gnomes(garden) == 1


@asynccontextmanager
async def _cutting_at_commit(dsn: str, committed: bool) -> AsyncIterator[str]:
    """The DSN of a wire to the server that is cut at the first COMMIT: behind the server's answer, or before it."""
    server = urlsplit(dsn)
    wires: set[asyncio.Task[None]] = set()

    async def serve(from_client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        from_server, to_server = await asyncio.open_connection(server.hostname, server.port)
        answers = asyncio.create_task(_pump(from_server, to_client))
        while (data := await from_client.read(65536)) and b"COMMIT" not in data:
            to_server.write(data)
        answers.cancel()
        await asyncio.wait([answers])
        if committed and data:
            to_server.write(data)
            await from_server.read(65536)
        for end in (to_server, to_client):
            end.close()
            await end.wait_closed()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        wires.add(asyncio.create_task(serve(reader, writer)))

    listener = await asyncio.start_server(connected, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    try:
        yield server._replace(netloc=server.netloc.replace(f":{server.port}", f":{port}")).geturl()
    finally:
        listener.close()
        await asyncio.wait_for(asyncio.gather(*wires), 10)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)


async def test_old_keys_are_forgotten(client: httpx.AsyncClient, garden: Database) -> None:
    """Pruning removes keys past their age, of every tenant, and no others."""
    await plant(client, "key-grumpy")
    async with transaction(garden.pool, "*") as connection:
        await connection.execute("update idempotency_key set created_at = now() - interval '8 days'")
    await plant(client, "key-sneezy")
    assert (await prune(garden.pool, all_kept(30)))["idempotency_key"] == 1
    async with transaction(garden.pool, "*") as connection:
        assert await connection.fetchval("select array_agg(key) from idempotency_key") == ["key-sneezy"]


async def test_a_tenant_sees_its_own_keys_only(client: httpx.AsyncClient, garden: Database) -> None:
    """Row-level security hides kept answers from other tenants and from who names none; none may write for others."""
    await plant(client, "key-grumpy")
    count = "select count(*) from idempotency_key"
    seen = {}
    for tenant in ("kew", "eden", "*", ""):
        async with transaction(garden.pool, tenant) as connection:
            seen[tenant] = await connection.fetchval(count)
    assert seen == {"kew": 1, "eden": 0, "*": 1, "": 0}
    assert await garden.pool.fetchval(count) == 0
    foreign = RequestIdentity("kew", "ann", "key-foreign", "POST /gnomes", b"")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with transaction(garden.pool, "eden") as connection:
            await once(UnitOfWork(connection), foreign, _nothing)


async def _nothing(_work: UnitOfWork) -> Answer:
    return Answer(204)


async def test_an_answer_given_again_is_a_look_again(client: httpx.AsyncClient, garden: Database) -> None:
    """Whoever gets a kept answer that shows somebody stands in the trail each time; where the effect showed nobody,
    nobody is said to have been seen."""
    for _ in range(3):
        assert (await plant(client, "key-seen-thrice", "seen")).status_code == 201
    await plant(client, "key-unseen")
    await plant(client, "key-unseen")
    async with transaction(garden.owner, "kew") as connection:
        query = (
            "select principal, roles, action, kind, subjects, reason from audit where action = 'read' order by audit_id"
        )
        rows = await connection.fetch(query)
    seen = ("gardener", ["gardener"], "read", "gnome", ["1"])
    assert [tuple(row) for row in rows] == [(*seen, None), (*seen, "replayed"), (*seen, "replayed")]
