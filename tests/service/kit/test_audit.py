"""The trail: written before the answer, never changed, seen by its own tenant only."""

from collections.abc import AsyncIterator
from itertools import product
from typing import Annotated, Any

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from services.kit import audit
from services.kit.auth import Auth, Principal, authenticate
from services.kit.http import create_app
from services.kit.issuer_keys import TrustedIssuer
from services.kit.postgres import transaction
from services.kit.requests import Pool, reading
from services.kit.unit_of_work import working
from tests.roles import require
from tests.servers import Database, OpenDatabase

pytestmark = pytest.mark.postgres

CORRELATION = "0190f2b5-7a4b-7c3e-9d2a-1f2e3d4c5b6a"
TOKENS = ["tok-7", "tok-9"]


def a_principal(*roles: str, tenant: str = "hogwarts") -> Principal:
    return Principal("minerva", frozenset(roles), frozenset({tenant} if tenant else ()), tenant)


@pytest.fixture
async def archive(database: OpenDatabase) -> Database:
    return await database("kit")


@pytest.fixture
def app(archive: Database) -> FastAPI:
    on_denied = audit.denials(lambda tenant: transaction(archive.pool, tenant))
    trusted = TrustedIssuer(issuer="http://127.0.0.1:1", audience="vcc")
    app = create_app("Archive", "1", auth=Auth(trusted, on_denied=on_denied))
    app.state.pool = archive.pool

    @app.get("/pupils/{token}")
    async def read(token: str, pool: Pool, principal: Annotated[Principal, require("teacher")]) -> dict[str, str]:
        async with reading(pool, principal) as work:
            await audit.record(work, principal, "read", "pupil", [token])
        return {"house": "Hufflepuff"}

    return app


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"X-Correlation-Id": CORRELATION}
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://archive", headers=headers) as client:
        yield client


def acting(app: FastAPI, principal: Principal) -> None:
    app.dependency_overrides[authenticate] = lambda: principal


async def trail(archive: Database, tenant: str = "*") -> list[dict[str, Any]]:
    async with transaction(archive.owner, tenant) as connection:
        return [dict(row) for row in await connection.fetch("select * from audit order by audit_id")]


async def test_a_read_is_recorded_with_who_what_and_when(
    app: FastAPI, client: httpx.AsyncClient, archive: Database
) -> None:
    """The row names principal, roles, tenant, kind, ids, their count, the instant and the request."""
    acting(app, a_principal("teacher", "animagus"))
    before = await archive.pool.fetchval("select clock_timestamp()")
    assert (await client.get("/pupils/tok-7")).status_code == 200
    (row,) = await trail(archive)
    assert before <= row.pop("recorded_at")
    assert row == {
        "audit_id": 1,
        "tenant_id": "hogwarts",
        "principal": "minerva",
        "roles": ["animagus", "teacher"],
        "action": "read",
        "kind": "pupil",
        "subjects": ["tok-7"],
        "subject_count": 1,
        "reason": None,
        "correlation_id": CORRELATION,
        "purpose": "HOPERAT",
        "route": "GET /pupils/{token}",
        "outcome": "done",
    }


@pytest.mark.expects_error_log("request failed")
async def test_no_row_no_answer(app: FastAPI, client: httpx.AsyncClient, archive: Database) -> None:
    """When the trail can't be written the data does not go out."""
    acting(app, a_principal("teacher"))
    await archive.owner.execute("alter table audit rename to shredded")
    response = await client.get("/pupils/tok-7")
    assert response.status_code == 500
    assert "Hufflepuff" not in response.text


async def test_a_denial_is_recorded(app: FastAPI, client: httpx.AsyncClient, archive: Database) -> None:
    """A 403 leaves a row with the route, the id in the path and the reason."""
    acting(app, a_principal("poltergeist"))
    assert (await client.get("/pupils/tok-7")).status_code == 403
    (row,) = await trail(archive, "hogwarts")
    assert (row["action"], row["kind"]) == ("denied", "GET /pupils/{token}")
    assert (row["subjects"], row["reason"], row["correlation_id"]) == (["tok-7"], "role", CORRELATION)


async def test_a_denial_of_somebody_without_a_tenant_is_recorded(
    app: FastAPI, client: httpx.AsyncClient, archive: Database
) -> None:
    """Whoever has no tenant is recorded where only those see it who see every tenant."""
    acting(app, a_principal("poltergeist", tenant=""))
    assert (await client.get("/pupils/tok-7")).status_code == 403
    assert [row["tenant_id"] for row in await trail(archive)] == ["*"]
    assert await trail(archive, "hogwarts") == []


async def test_an_export_names_everybody_in_it(archive: Database) -> None:
    """An export is one row with all ids and their count; one that found nobody is a row too."""
    principal = a_principal("teacher")
    async with working(archive.pool, "hogwarts") as work:
        await audit.record(work, principal, "export", "pupil", iter(TOKENS))
        await audit.record(work, principal, "export", "pupil", [])
    rows = [(row["action"], row["subjects"], row["subject_count"]) for row in await trail(archive)]
    assert rows == [("export", TOKENS, 2), ("export", [], 0)]


@pytest.mark.parametrize("change", ["update audit set principal = 'tom'", "delete from audit", "truncate audit"])
@pytest.mark.parametrize("regranted", [False, True], ids=["as it is", "after a grant"])
async def test_the_trail_is_never_changed(archive: Database, change: str, regranted: bool) -> None:
    """Neither the service's own role nor the owner of the table can change or remove a row, nor after the owner has
    granted itself the right."""
    async with working(archive.pool, "hogwarts") as work:
        await audit.record(work, a_principal("teacher"), "read", "pupil", TOKENS)
    if regranted:
        await archive.owner.execute("grant all on audit to current_user")
    for pool, tenant in product((archive.pool, archive.owner), ("*", "durmstrang")):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with transaction(pool, tenant) as connection:
                await connection.execute(change)
    assert [row["subjects"] for row in await trail(archive)] == [TOKENS]


async def test_a_tenant_sees_its_own_trail_only(archive: Database) -> None:
    """Another tenant sees nothing, and can't write a row in this one's name."""
    async with working(archive.pool, "hogwarts") as work:
        await audit.record(work, a_principal("teacher"), "read", "pupil", TOKENS)
    assert [len(await trail(archive, tenant)) for tenant in ("hogwarts", "durmstrang", "")] == [1, 0, 0]
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with working(archive.pool, "durmstrang") as work:
            await audit.record(work, a_principal("teacher"), "read", "pupil", TOKENS)
