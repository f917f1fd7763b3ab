"""A TCP proxy that a service reaches its database or its broker through, so that the network between them can be made
to fail: refuse, stall, delay, half-open, or lose exactly the reply to a COMMIT."""

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from tests.silence import fall_silent

HOST = "127.0.0.1"
CHUNK_BYTES = 1 << 18
STARTUP_VERSION = 196_608
Mode = Literal["pass", "black-hole", "refuse"]
Result = TypeVar("Result")


@dataclass(slots=True)
class FrontendFrames:
    """Follows what a Postgres client sends, message by message, as far as it takes to know that a transaction which
    wrote something is about to commit."""

    is_started: bool = False
    _rest: bytes = b""
    _writing: set[bytes] = field(default_factory=set)
    _has_written: bool = False

    def feed(self, data: bytes) -> bool:
        """Whether a COMMIT of written rows is in here."""
        buffer, commits = self._rest + data, False
        while (length := self._length(buffer)) and len(buffer) >= length:
            commits |= self._see(buffer[:length])
            buffer = buffer[length:]
        self._rest = buffer
        return commits

    def _length(self, buffer: bytes) -> int:
        """Of the first message; 0 while that can't be told. Before the start messages have no type."""
        head = 1 if self.is_started else 0
        if len(buffer) < head + 4:
            return 0
        return head + int(struct.unpack_from("!I", buffer, head)[0])

    def _see(self, message: bytes) -> bool:
        if not self.is_started:
            self.is_started = len(message) >= 8 and struct.unpack_from("!I", message, 4)[0] == STARTUP_VERSION
            return False
        kind, body = message[:1], message[5:]
        if kind == b"P":
            name, query = body.split(b"\0", 2)[:2]
            if query.lstrip().lower().startswith((b"insert", b"update", b"delete", b"with")):
                self._writing.add(name)
        elif kind == b"B":
            self._has_written |= body.split(b"\0", 2)[1] in self._writing
        elif kind == b"Q":
            commits = body.startswith(b"COMMIT") and self._has_written
            self._has_written = self._has_written and not body.startswith((b"COMMIT", b"ROLLBACK"))
            return commits
        return False


@dataclass(slots=True, eq=False)
class Link:
    """One connection through the proxy."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    frames: FrontendFrames = field(default_factory=FrontendFrames)
    is_cut: bool = False
    is_dead: bool = False
    is_vanished: bool = False

    def reset(self) -> None:
        """As if the other end had vanished: a reset, no orderly end."""
        for writer in (self.client, self.server):
            sock = writer.get_extra_info("socket")
            with contextlib.suppress(OSError, AttributeError):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()


class Proxy:
    """Listens on `port` and forwards to `target`. Every method runs in the proxies' own loop."""

    def __init__(self, target: int, *, port: int, is_postgres: bool) -> None:
        self.port, self.target, self.is_postgres = port, target, is_postgres
        self.mode: Mode = "pass"
        self.delay_s: Callable[[], float] = float
        self.commit_delay_s: Callable[[], float] = float
        self.commits_until_cut = 0
        self.cuts = 0
        self._links: set[Link] = set()
        self._vanished: list[Link] = []
        self._open = asyncio.Event()
        self._open.set()
        self._server: asyncio.Server | None = None

    async def listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, HOST, self.port, limit=CHUNK_BYTES)

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        await self.forget_vanished()
        await self.reset()

    async def set_mode(self, mode: Mode) -> None:
        """`black-hole`: nothing gets through in either direction and nobody is told. Its end, like that of a firewall
        which has lost its table, resets what was there."""
        before, self.mode = self.mode, mode
        if mode == "pass":
            self._open.set()
        else:
            self._open.clear()
        if "refuse" in {mode, before} or before == "black-hole":
            await self.reset()

    async def reset(self) -> int:
        """Cut every connection; how many there were."""
        links = list(self._links)
        for link in links:
            link.reset()
        return len(links)

    async def half_open(self) -> int:
        """The server's ends are gone and the clients are not told: what they send is swallowed."""
        links = [link for link in self._links if not link.is_dead]
        for link in links:
            link.is_dead = True
            link.server.transport.abort()
        return len(links)

    async def forget_dead(self) -> None:
        """The half-open connections end at last."""
        for link in [link for link in self._links if link.is_dead]:
            link.reset()

    async def vanish(self) -> int:
        """The clients' machine loses its power: the server's ends stay as they are, and nothing is acknowledged there
        any more. Kill the clients then."""
        links = [link for link in self._links if not (link.is_dead or link.is_vanished)]
        for link in links:
            link.is_vanished = True
            fall_silent(link.server.get_extra_info("socket"))
            self._vanished.append(link)
        return len(links)

    async def forget_vanished(self) -> None:
        """Let go of what nobody holds on the other side any more."""
        while self._vanished:
            self._vanished.pop().reset()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.mode == "refuse":
            writer.transport.abort()
            return
        try:
            await self._open.wait()
            server_reader, server_writer = await asyncio.open_connection(HOST, self.target, limit=CHUNK_BYTES)
        except OSError:
            writer.transport.abort()
            return
        link = Link(writer, server_writer)
        self._links.add(link)
        try:
            with contextlib.suppress(asyncio.CancelledError):  # at the end of all proxies
                await asyncio.gather(self._up(reader, link), self._down(server_reader, link))
        finally:
            self._links.discard(link)
            writer.close()
            if not link.is_vanished:
                server_writer.close()

    async def _up(self, reader: asyncio.StreamReader, link: Link) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(CHUNK_BYTES):
                await self._wait()
                if link.is_dead or link.is_vanished:
                    continue
                if self.is_postgres and link.frames.feed(data):
                    await self._before_commit(link)
                link.server.write(data)
                await link.server.drain()
        if not link.is_vanished:
            link.server.close()

    async def _before_commit(self, link: Link) -> None:
        if late_s := self.commit_delay_s():
            await asyncio.sleep(late_s)
        if self.commits_until_cut:
            self.commits_until_cut -= 1
            link.is_cut = self.commits_until_cut == 0

    async def _down(self, reader: asyncio.StreamReader, link: Link) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(CHUNK_BYTES):
                await self._wait()
                if link.is_cut:  # this is the reply to the COMMIT: the server has done it, the client never hears
                    self.cuts += 1
                    link.reset()
                    return
                link.client.write(data)
                await link.client.drain()
        if not link.is_dead:
            link.client.close()

    async def _wait(self) -> None:
        if late_s := self.delay_s():
            await asyncio.sleep(late_s)
        if not self._open.is_set():
            await self._open.wait()


class Proxies:
    """All proxies of a stack, in a thread of their own: whatever the driver computes, the network goes on."""

    def __init__(self) -> None:
        self.by_name: dict[str, Proxy] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxies", daemon=True)
        self._thread.start()

    def add(self, name: str, target: int, port: int, *, is_postgres: bool) -> Proxy:
        proxy = Proxy(target, port=port, is_postgres=is_postgres)
        asyncio.run_coroutine_threadsafe(proxy.listen(), self._loop).result(5)
        self.by_name[name] = proxy
        return proxy

    async def call(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Run one of a proxy's methods where the proxies live."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _end(self) -> None:
        for proxy in self.by_name.values():
            await proxy.close()
        rest = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)
        await asyncio.sleep(0.05)  # the transports say goodbye
