"""Clients that never end what they begin: a request has so long for its headers, and a body has to keep coming."""

import asyncio
import time

import h11
from starlette.types import Message, Receive
from uvicorn.protocols.http.h11_impl import H11Protocol

from services.kit.problem import Refusal, RefusedError

HEADERS_WITHIN_S = 15.0
BODY_SLACK_S = 20.0
LEAST_BYTES_A_S = 1024
"""A mobile line in a poor place sends ten times as fast."""
TOO_SLOW = Refusal("request-timeout", "Request Timeout", "The body comes too slowly.", 408)


class ImpatientProtocol(H11Protocol):
    """uvicorn's protocol, with an end to headers that trickle in; it has one for silence between requests only."""

    _waiting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_watching()
        super().connection_lost(exc)

    def _watch(self) -> None:
        """The clock runs from the first byte of a request, and on a new connection from its beginning, until its
        headers are there."""
        begun = self.conn.trailing_data[0] or self.cycle is None
        if self.conn.their_state is not h11.IDLE or not begun:
            self._stop_watching()
        elif self._waiting is None:
            self._waiting = self.loop.call_later(HEADERS_WITHIN_S, self.transport.close)

    def _stop_watching(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None


def hurried(receive: Receive) -> Receive:
    """The body as it comes. One that comes slower than `LEAST_BYTES_A_S`, but for `BODY_SLACK_S`, ends in 408."""
    began, received, is_whole = time.monotonic(), 0, False

    async def receive_hurried() -> Message:
        nonlocal received, is_whole
        if is_whole:  # what comes now is the client's going away, which may take as long as the answer
            return await receive()
        left_s = began + BODY_SLACK_S + received / LEAST_BYTES_A_S - time.monotonic()
        try:
            async with asyncio.timeout(left_s):
                message = await receive()
        except TimeoutError:
            raise RefusedError(TOO_SLOW) from None
        received += len(message.get("body", b""))
        is_whole = not message.get("more_body", False)
        return message

    return receive_hurried
