"""Every route of every service, asked by every role: it does what the table of roles says, and the trail shows each
denial."""

import re
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI

from services.kit import audit
from services.kit.auth import Principal, authenticate
from services.kit.postgres import transaction
from services.kit.roles import TABLE
from tests.servers import Database, OpenDatabase
from tests.unit.kit.test_roles import apps

pytestmark = [pytest.mark.postgres, pytest.mark.expects_error_log("request failed")]


@pytest.fixture
async def house(database: OpenDatabase) -> Database:
    return await database("kit")


def routes(app: FastAPI) -> list[tuple[str, str, str]]:
    """Method, path and permission of each route that asks for one, with an id in the place of each parameter."""
    return [
        (method.upper(), re.sub(r"\{\w+\}", str(UUID(int=1)), path), operation["x-permission"])
        for path, operations in app.openapi()["paths"].items()
        for method, operation in operations.items()
        if not operation.get("x-signed")
    ]


@pytest.mark.parametrize("app", apps(), ids=lambda app: app.title)
async def test_a_route_lets_in_whom_the_table_names(house: Database, app: FastAPI) -> None:
    """Each other role gets 403 and a row in the trail; somebody without any role, too (v5.0.0-8.3.1, v5.0.0-16.3.2)."""
    app.state.pool = house.pool
    app.state.auth.on_denied = audit.denials(lambda tenant: transaction(house.pool, tenant))
    denied = 0
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://house") as client:
        for role in (*TABLE.roles, "nobody"):
            principal = Principal(role, frozenset({role}), frozenset({"*"}), "*")
            app.dependency_overrides[authenticate] = lambda principal=principal: principal
            for method, path, permission in routes(app):
                answer = await client.request(method, path)
                is_denied = answer.status_code == 403 and answer.json()["type"] == "urn:vcc:problem:forbidden"
                assert is_denied == (role not in TABLE.that_may(permission)), (role, method, path, answer.status_code)
                denied += is_denied
    async with transaction(house.owner, "*") as connection:
        rows = await connection.fetchval(
            "select count(*) from audit where action = 'denied' and reason is distinct from 'of-no-partner'"
        )
    assert rows == denied > 0
