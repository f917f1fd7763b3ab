"""Eligibility's routes over HTTP without a server, and who is asking."""

import httpx
from fastapi import APIRouter, FastAPI

from services.kit.auth import Auth, Principal, authenticate
from services.kit.http import create_app
from services.kit.issuer_keys import TrustedIssuer
from services.kit.look_ups import LookUps
from tests.servers import Database


def door(database: Database, *routers: APIRouter) -> FastAPI:
    """These routes beside this database; without `acting` nobody's token is believed."""
    app = create_app("Eligibility", "1", auth=Auth(TrustedIssuer(issuer="http://127.0.0.1:1", audience="vcc")))
    app.state.pool, app.state.look_ups = database.pool, LookUps(120.0)
    for router in routers:
        app.include_router(router)
    return app


def client_of(app: FastAPI) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://door")


def acting(app: FastAPI, role: str, tenant: str = "*") -> None:
    """Whoever asks from now on has this role."""
    principal = Principal("grover", frozenset({role}), frozenset({tenant}), tenant)
    app.dependency_overrides[authenticate] = lambda: principal
