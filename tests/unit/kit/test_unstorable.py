"""A text that no database holds is the request's fault, wherever in the request it stands."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from services.kit.http import create_app

JSON = {"Content-Type": "application/json"}
ESCAPED = b'{"name": "a\\u0000b"}'


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app: FastAPI = create_app("Aviary", "1")

    @app.get("/nests/{nest}")
    async def look(nest: str, bird: str = "") -> str:
        return bird

    @app.post("/nests")
    async def lay(egg: dict[str, Any]) -> dict[str, Any]:
        if egg.get("breaks") == "text":
            raise asyncpg.CharacterNotInRepertoireError("invalid byte sequence")
        if egg.get("breaks") == "jsonb":
            raise asyncpg.UntranslatableCharacterError("unsupported Unicode escape sequence")
        return egg

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://aviary") as asking:
        yield asking


@pytest.mark.parametrize("path", ["/nests/n1?bird=a%00b", "/nests/a%00b", "/nests/n1?a%00=b"])
async def test_no_nul_in_path_or_query(client: httpx.AsyncClient, path: str) -> None:
    """Refused at the edge, with a problem document and a correlation id like any other answer."""
    answer = await client.get(path)
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:vcc:problem:invalid-request")
    assert answer.json()["correlation_id"] == answer.headers["x-correlation-id"]


def halves() -> Iterator[tuple[bytes, bytes]]:
    yield from ((ESCAPED[:cut], ESCAPED[cut:]) for cut in range(len(ESCAPED) + 1))


@pytest.mark.parametrize("parts", [*halves(), (b'{"name": "\\\\\\u0000"}', b""), (b'{"a\\u0000": 1}', b"")])
async def test_no_nul_in_json(client: httpx.AsyncClient, parts: tuple[bytes, bytes]) -> None:
    """Also where the network cuts the escape in two, behind an escaped backslash, or in a name."""

    async def body() -> AsyncIterator[bytes]:
        for part in parts:
            yield part

    answer = await client.post("/nests", content=body(), headers=JSON)
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:vcc:problem:invalid-request")


async def test_a_backslash_before_digits_is_text(client: httpx.AsyncClient) -> None:
    """Six characters that only look like the escape are let through, as is a percent sign before two zeros."""
    said = {"name": "a\\u0000b, 100%00"}
    assert (await client.post("/nests", json=said)).json() == said
    assert (await client.get("/nests/n1", params={"bird": "100%00"})).json() == "100%00"


@pytest.mark.parametrize("column", ["text", "jsonb"])
async def test_what_the_database_says_of_a_text_is_told(client: httpx.AsyncClient, column: str) -> None:
    """Should such a text get as far as the database, its refusal is the request's fault too, and no service's."""
    assert (await client.post("/nests", json={"breaks": column})).status_code == 422
