"""Every route of every service stands in the trail, whatever it answers (v5.0.0-16.2.1, v5.0.0-16.3.1)."""

import importlib
import re
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI

from services.kit import answers
from services.kit.app import create
from services.kit.auth import Principal, authenticate
from services.kit.look_ups import LookUps
from services.kit.postgres import transaction
from services.kit.roles import TABLE
from tests.servers import Database, OpenDatabase

pytestmark = pytest.mark.postgres

SERVICES = ("eligibility", "outreach", "scheduling", "reporting")
EVERYBODY = Principal("everybody", frozenset(TABLE.roles), frozenset("*"), "*")


def an_app(service: str, database: Database) -> FastAPI:
    made = importlib.import_module(f"services.{service}.app").build()
    app = create(made, database.settings())
    app.state.pool, app.state.settings = database.pool, database.settings()
    app.state.audit_pool = database.owner
    app.state.subscriptions = made.subscriptions
    app.state.look_ups = LookUps(1000)
    return app


def operations(app: FastAPI) -> list[tuple[str, str]]:
    return [
        (method.upper(), path)
        for path, each in app.openapi()["paths"].items()
        for method, operation in each.items()
        if not operation.get("x-signed")  # its sender has no token: tests/service/outreach/messages
    ]


async def told(database: Database, correlation: str) -> list[dict[str, Any]]:
    async with transaction(database.owner, "*") as connection:
        query = "select principal, action, reason, outcome, purpose, route from audit where correlation_id = $1"
        return [dict(row) for row in await connection.fetch(query, correlation)]


async def send(client: httpx.AsyncClient, method: str, path: str, correlation: str) -> httpx.Response:
    headers = {"X-Correlation-Id": correlation, "X-Reason": "ticket 7", "Idempotency-Key": correlation}
    return await client.request(method, re.sub(r"\{[a-z_]+\}", "7", path), headers=headers)


@pytest.mark.expects_error_log("dependency unavailable")  # no business day is open yet
@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("known", [True, False], ids=["known", "without a token"])
async def test_every_route_of_every_service_is_told_of(
    database: OpenDatabase, service: str, known: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever a route answers below 500, a row of this request says who, by which route, for what and how it ended;
    strangers' rows of other services count for nothing here."""
    monkeypatch.setattr(answers, "_strangers", answers.Strangers())
    opened = await database(service)
    app = an_app(service, opened)
    if known:
        app.dependency_overrides[authenticate] = lambda: EVERYBODY
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    untold = []
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        for method, path in operations(app):
            correlation = str(uuid4())
            status = (await send(client, method, path, correlation)).status_code
            rows = await told(opened, correlation)
            outcome = "done" if status < 400 else "denied" if status in (401, 403) else "refused"
            expected = ("everybody" if known else None, f"{method} {path}", outcome)
            if status < 500 and expected not in [(row["principal"], row["route"], row["outcome"]) for row in rows]:
                untold.append((method, path, status, rows))
            if not known:
                assert [row["reason"] for row in rows] == ["no-token"], path
    assert untold == []
