"""Clients that take a connection and never end what they begin, at a real server."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any

import pytest
import uvicorn
from fastapi import FastAPI, Request

from services.kit import slow_clients
from services.kit.auth import Principal
from services.kit.slow_clients import ImpatientProtocol
from tests.roles import require
from tests.unit.kit.issuer import a_token

HEAD = b"POST /v1/burrows HTTP/1.1\r\nHost: den\r\nContent-Type: application/json\r\n"
ENOUGH_S = 60.0


@pytest.fixture
def taken(app: FastAPI) -> list[bytes]:
    """What the routes have read of bodies."""
    taken: list[bytes] = []

    @app.post("/v1/burrows")
    async def dig(body: dict[str, Any], _: Annotated[Principal, require("badger")]) -> int:
        taken.append(str(body).encode())
        return 1

    @app.post("/v1/tunnels")
    async def tunnel(request: Request, _: Annotated[Principal, require("badger")]) -> int:
        async for chunk in request.stream():
            taken.append(chunk)
        return 1

    return taken


@pytest.fixture
async def port(app: FastAPI, taken: list[bytes]) -> AsyncIterator[int]:
    config = uvicorn.Config(app, port=0, access_log=False, log_config=None, lifespan="off", http=ImpatientProtocol)
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve())
    async with asyncio.timeout(ENOUGH_S):
        while not server.started:  # noqa: ASYNC110 - the server has no event for it
            await asyncio.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = server.force_exit = True
    await running


async def said(port: int, *parts: bytes) -> bytes:
    """What the server says to these bytes until it closes the connection, while we keep it open."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for part in parts:
        writer.write(part)
        await writer.drain()
    async with asyncio.timeout(ENOUGH_S):
        answer = await reader.read()
    writer.close()
    return answer


@pytest.mark.parametrize(
    "begun", [b"", b"GET /v1/d", HEAD, b"GET /none HTTP/1.1\r\nHost: den\r\n\r\nGET /v1/dens/7 HT"]
)
async def test_headers_that_dont_come_end_the_connection(
    port: int, monkeypatch: pytest.MonkeyPatch, begun: bytes
) -> None:
    """A connection is closed that says nothing, a part of a request, or a part of its second request
    (v5.0.0-15.2.2)."""
    monkeypatch.setattr(slow_clients, "HEADERS_WITHIN_S", 0.2)
    answer = await said(port, begun)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 404")


async def test_a_request_after_another_is_answered(port: int, monkeypatch: pytest.MonkeyPatch, state: Path) -> None:
    """The clock of one request's headers does not run on into its answer or the next request."""
    monkeypatch.setattr(slow_clients, "HEADERS_WITHIN_S", 0.2)
    one = f"GET /v1/dens/7 HTTP/1.1\r\nHost: den\r\nAuthorization: Bearer {a_token(state)}\r\n\r\n".encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    async with asyncio.timeout(ENOUGH_S):
        for part in (one, one[:20], one[20:]):
            writer.write(part)
        for _ in range(2):
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
            await reader.readexactly(len(b'{"who":"brock","tenant":"sett","roles":["badger"]}'))
    writer.close()


@pytest.mark.parametrize("path", ["/v1/burrows", "/v1/tunnels"])
async def test_a_body_that_trickles_in_is_408(
    port: int, monkeypatch: pytest.MonkeyPatch, state: Path, path: str
) -> None:
    """A body that stops, or comes too slowly, ends in a problem document, whether the route takes JSON or a stream
    (v5.0.0-15.2.2)."""
    monkeypatch.setattr(slow_clients, "BODY_SLACK_S", 0.2)
    head = HEAD.replace(b"/v1/burrows", path.encode()) + f"Authorization: Bearer {a_token(state)}\r\n".encode()
    answer = await said(port, head + b"Connection: close\r\nContent-Length: 100\r\n\r\n{", b'"')
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"urn:vcc:problem:request-timeout" in answer


@pytest.mark.parametrize("path", ["/v1/burrows", "/v1/tunnels"])
@pytest.mark.parametrize("token", ["", "Authorization: Bearer moonshine\r\n", "Authorization: Basic YTpi\r\n"])
async def test_no_body_is_read_before_the_token_is_believed(
    port: int, taken: list[bytes], path: str, token: str
) -> None:
    """401 comes while the body is still awaited, and nothing of it was taken (v5.0.0-15.2.2)."""
    head = HEAD.replace(b"/v1/burrows", path.encode()) + token.encode()
    answer = await said(port, head + b"Connection: close\r\nContent-Length: 100\r\n\r\n{")
    assert answer.startswith(b"HTTP/1.1 401")
    assert taken == []
