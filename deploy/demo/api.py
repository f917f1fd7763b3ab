"""A thin client of the services' public interfaces, as a plan's or a site's own software would be."""

import asyncio
import ssl
import time
from collections.abc import Mapping
from functools import cache
from typing import Any

import httpx

from deploy.errors import StackError

AWAY_TIMEOUT_S = 60.0  # how long a service may take to come back: it starts, and compares its database with the log
RETRY_S = 0.25


@cache
def _certificates() -> ssl.SSLContext:
    """Loaded once and not for each client."""
    return httpx.create_ssl_context()


class UnexpectedAnswerError(StackError):
    """A service answered with a fault; the message names the call and the status."""

    def __init__(self, what: str) -> None:
        super().__init__(what, "see ./vcc logs")


class Api:
    """One service, asked as one client. What got no answer, or 503, is sent again, a write under the
    same key."""

    def __init__(self, base_url: str, token: str) -> None:
        self._client = httpx.AsyncClient(
            base_url=base_url,
            headers={"Authorization": f"Bearer {token}"},
            timeout=30.0,
            limits=httpx.Limits(max_connections=16),
            verify=_certificates(),
        )

    async def get(self, path: str, **params: Any) -> Any:
        """The answer's JSON. A refusal is an UnexpectedAnswerError: reads of the demo are all allowed."""
        answer = await self._send("GET", path, params=params)
        if answer.is_error:
            raise UnexpectedAnswerError(f"GET {path}: {answer.status_code}")
        return answer.json()

    async def post(self, path: str, key: str, body: Mapping[str, Any] | None = None) -> tuple[int, Any]:
        """Status and JSON; 4xx is a refusal, for the caller to read."""
        return await self._write(path, key, json=dict(body or {}))

    async def upload(self, path: str, key: str, content: bytes) -> tuple[int, Any]:
        """The same with a file as the body."""
        return await self._write(path, key, content=content, headers={"Content-Type": "application/octet-stream"})

    async def _write(self, path: str, key: str, **request: Any) -> tuple[int, Any]:
        headers = {"Idempotency-Key": key, "X-Reason": "a day of the demo", **request.pop("headers", {})}
        answer = await self._send("POST", path, headers=headers, **request)
        if answer.status_code >= 500:
            raise UnexpectedAnswerError(f"POST {path}: {answer.status_code}")
        return answer.status_code, answer.json() if answer.content else None

    async def _send(self, method: str, path: str, **request: Any) -> httpx.Response:
        """The answer, once there is one that is not "ask again"."""
        deadline = time.monotonic() + AWAY_TIMEOUT_S
        while True:
            try:
                answer = await self._client.request(method, path, **request)
            except httpx.TransportError:
                if time.monotonic() > deadline:
                    raise
            else:
                if answer.status_code != 503 or time.monotonic() > deadline:
                    return answer
            await asyncio.sleep(RETRY_S)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()
