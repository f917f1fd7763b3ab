"""A real mail server, and a stand-in of a provider of text messages: both on loopback, and told how to behave."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

HANGS, DROPS = "hangs", "drops"
LONGEST_S = 60.0


@dataclass(slots=True)
class MailServer:
    """Keeps what it takes. `answers_rcpt` and `answers_data`: its replies, or how it behaves instead."""

    port: int = 0
    taken: list[EmailMessage] = field(default_factory=list)
    given: asyncio.Event = field(default_factory=asyncio.Event)
    answers_rcpt: str = "250 OK"
    answers_data: str = "250 OK"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        del server, session, options
        if self.answers_rcpt.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.answers_rcpt

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        del session
        self.taken.append(message_from_bytes(envelope.original_content or b"", policy=default))
        self.given.set()
        if self.answers_data == HANGS:
            await asyncio.sleep(LONGEST_S)
        if self.answers_data == DROPS:
            assert server.transport is not None
            server.transport.close()
        return self.answers_data


@asynccontextmanager
async def a_mail_server() -> AsyncIterator[MailServer]:
    known, loop, sessions = MailServer(), asyncio.get_running_loop(), list[SMTP]()

    def accept() -> SMTP:
        sessions.append(SMTP(known, loop=loop))
        return sessions[-1]

    server = await loop.create_server(accept, "127.0.0.1", 0)
    known.port = server.sockets[0].getsockname()[1]
    try:
        yield known
    finally:
        server.close()
        for session in sessions:
            if session.transport is not None:
                session.transport.close()
        await asyncio.sleep(0)


@dataclass(slots=True)
class Provider:
    """Keeps what is posted to it. `answers`: a status, or how it behaves instead; who hangs waits to be `released`."""

    port: int = 0
    taken: list[dict[str, Any]] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    given: asyncio.Event = field(default_factory=asyncio.Event)
    released: asyncio.Event = field(default_factory=asyncio.Event)
    answers: int | str = 201

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/messages"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._answer(reader, writer)
        finally:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        headers = dict(line.split(": ", 1) for line in head.splitlines()[1:] if ": " in line)
        self.taken.append(json.loads(await reader.readexactly(int(headers["content-length"]))))
        self.tokens.append(headers["authorization"])
        self.given.set()
        answers, body = self.answers, json.dumps({"id": f"sms-{len(self.taken)}"}).encode()
        if answers == HANGS:
            await asyncio.wait_for(self.released.wait(), LONGEST_S)
            answers = 201
        if isinstance(answers, int):
            said = f"HTTP/1.1 {answers} .\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
            writer.write(said.encode() + body)
            await writer.drain()


@asynccontextmanager
async def a_provider() -> AsyncIterator[Provider]:
    known, tasks = Provider(), set[asyncio.Task[None]]()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.create_task(known.serve(reader, writer)))

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    known.port = server.sockets[0].getsockname()[1]
    try:
        yield known
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
