"""A service that trusts the local issuer."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI

from deploy.local import issuer as local_issuer
from services.kit.auth import Auth, Denial, Principal
from services.kit.http import create_app
from tests.roles import require
from tests.unit.kit.issuer import ISSUER, TRUSTED, Clock, Wire


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    state = tmp_path_factory.mktemp("issuer")
    local_issuer.build(state, ISSUER)
    return state


@pytest.fixture
def state(made_once: Path, tmp_path: Path) -> Path:
    """The issuer's folder, with a key that is not made anew for each test."""
    return Path(shutil.copytree(made_once, tmp_path / "issuer"))


@pytest.fixture
def wire(state: Path) -> Wire:
    return Wire(local_issuer.build(state, ISSUER))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def denied() -> list[Denial]:
    return []


@pytest.fixture
def app(wire: Wire, clock: Clock, denied: list[Denial]) -> FastAPI:
    async def on_denied(denial: Denial) -> None:
        denied.append(denial)

    app = create_app("Den", "1", auth=Auth(TRUSTED, on_denied=on_denied, transport=wire, clock=clock))
    router = APIRouter(prefix="/dens")

    @router.get("/{den_id}")
    async def enter(den_id: str, principal: Annotated[Principal, require("badger", "operator")]) -> dict[str, Any]:
        return {"who": principal.subject, "tenant": principal.tenant, "roles": sorted(principal.roles)}

    app.include_router(router, prefix="/v1")
    return app


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://den") as client:
        yield client
