"""What a role may not see of an answer is not sent."""

from collections.abc import Mapping
from typing import Annotated, Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from services.kit.auth import Auth, Principal, authenticate, may
from services.kit.http import create_app
from services.kit.issuer_keys import TrustedIssuer
from services.kit.masking import mask_of, protected
from services.kit.roles import Role, Roles

TABLE = Roles(
    {"cases.read": ""},
    {"names": "", "tokens": ""},
    {
        "keeper": Role("keeper", "", frozenset({"cases.read"}), frozenset({"names", "tokens"})),
        "guest": Role("guest", "", frozenset({"cases.read"}), frozenset({"tokens"})),
        "owner": Role("owner", "", frozenset(), frozenset({"names"})),
    },
)


class Cub(BaseModel):
    token: Annotated[int, protected("tokens")]
    name: Annotated[str, protected("names", "tokens")]


class Den(BaseModel):
    size: int
    cubs: list[Cub]
    by_age: Mapping[str, Cub] = {}
    eldest: Cub | None = None


CUB = {"token": 7, "name": "Brock"}
DEN = {"size": 1, "cubs": [CUB], "by_age": {"1": CUB}, "eldest": CUB}
MASKED = {"size": 1, "cubs": [{"token": 7}], "by_age": {"1": {"token": 7}}, "eldest": {"token": 7}}


@pytest.mark.parametrize(
    ("sees", "shown"),
    [({"names", "tokens"}, CUB), ({"tokens"}, {"token": 7}), ({"names"}, {}), (set(), {})],
)
def test_a_field_goes_to_whoever_sees_all_that_it_protects(sees: set[str], shown: dict[str, Any]) -> None:
    """In lists, in mappings and in what may be missing alike."""
    mask = mask_of(list[Den] | None)
    assert mask.over([DEN], sees) == [{"size": 1, "cubs": [shown], "by_age": {"1": shown}, "eldest": shown}]
    assert mask.hides_from(sees) == (shown != CUB)


def build() -> FastAPI:
    app = create_app("Den", "1", auth=Auth(TrustedIssuer(issuer="http://127.0.0.1:1", audience="vcc")))

    @app.get("/as-model")
    async def as_model(_: Annotated[Principal, may("cases.read", TABLE)]) -> Den:
        return Den.model_validate(DEN)

    @app.get("/as-response", responses={200: {"model": Den}})
    async def as_response(_: Annotated[Principal, may("cases.read", TABLE)]) -> JSONResponse:
        return JSONResponse(DEN)

    @app.get("/unasked")
    async def unasked() -> Den:
        return Den.model_validate(DEN)

    return app


@pytest.mark.parametrize(
    ("path", "roles", "body"),
    [
        ("/as-model", {"keeper"}, DEN),
        ("/as-model", {"guest"}, MASKED),
        ("/as-response", {"guest"}, MASKED),
        ("/as-model", {"guest", "keeper"}, DEN),
        ("/as-model", {"guest", "owner"}, MASKED),  # what owners see they see on no route of this permission
        ("/unasked", {"keeper"}, {"size": 1, "cubs": [{}], "by_age": {"1": {}}, "eldest": {}}),
    ],
)
async def test_the_edge_sends_what_the_roles_of_the_route_see(path: str, roles: set[str], body: dict[str, Any]) -> None:
    """Whether the route gives a model or a finished answer; where nothing was asked nobody sees anything protected
    (v5.0.0-8.2.3)."""
    app = build()
    app.dependency_overrides[authenticate] = lambda: Principal("brock", frozenset(roles), frozenset({"sett"}), "sett")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://den") as client:
        answer = await client.get(path)
    assert answer.status_code == 200
    assert (answer.json(), answer.headers["content-length"]) == (body, str(len(answer.content)))


def test_a_shape_says_what_it_protects() -> None:
    """The published schema names the protected fields."""
    schema = build().openapi()["components"]["schemas"]["Cub"]["properties"]
    assert (schema["token"]["x-protected"], schema["name"]["x-protected"]) == (["tokens"], ["names", "tokens"])
