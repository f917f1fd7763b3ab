"""Blows in mid-flow: each kills a service at a moment of which it is known that work was under way."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import date, timedelta

import asyncpg

from deploy.groups import topic_by_group
from tests.flow import kafka_log
from tests.flow.world import World

LISTENERS = ("outreach", "scheduling", "reporting")
SEEN_TIMEOUT_S = 180.0
POLL_S = 0.002
AUTOMATIC_COMMIT_S = 6.5  # the client's interval is 5 s; a batch itself gives up waiting after 10 s
MID_FILE = "select count(*) from feed_file where state = 'processing' and cursor_row > 0"
APPLIED = "select count(*) from inbox"
BLOCKED = """
select count(*) from pg_locks where not granted and database = (select oid from pg_database where datname = $1)
"""
WRITTEN = {"scheduling": "appointment", "outreach": "attempt"}


@dataclass(slots=True)
class Strikes:
    """What was hit, in words; the plan of a season is `at`."""

    world: World
    first_day: date
    hits: list[str] = field(default_factory=list)

    def at(self, moment: str) -> AbstractAsyncContextManager[object]:
        """What happens around a moment of the season."""
        monday, tuesday, friday = (self.first_day + timedelta(days=n) for n in (0, 1, 4))
        planned: dict[str, Callable[[], AbstractAsyncContextManager[object]]] = {
            f"{monday} files": self._while_files_are_read,
            f"{tuesday} calls": self._while_requests_wait,
            f"{friday} calls": self._when_requests_are_done,
            f"{monday + timedelta(days=7)} files": self._while_batches_are_held,
        }
        return planned.get(moment, nullcontext)()

    @asynccontextmanager
    async def _while_files_are_read(self) -> AsyncIterator[None]:
        """The listeners are stopped, so that a backlog grows; eligibility dies in the middle of a file; then each
        listener goes on and dies in the middle of its backlog."""
        async with frozen(self.world, LISTENERS):
            reading = asyncio.create_task(self._kill_mid_file())
            yield
            await reading
            backlog = {name: await applied(self.world, name) for name in LISTENERS}
        await asyncio.gather(*(self._kill_mid_backlog(name, before) for name, before in backlog.items()))

    async def _kill_mid_file(self) -> None:
        await until(self.world, "eligibility", MID_FILE, 0)
        killed = self.world.stack.kill("eligibility")
        assert (await self.world.rows("eligibility", MID_FILE))[0]["count"] == 1, "the file was read to its end already"
        await self.world.stack.until_restarted("eligibility", killed)
        self.hits.append("eligibility while a file was being read")

    async def _kill_mid_backlog(self, service: str, before: int) -> None:
        await until(self.world, service, APPLIED, before)
        await self._kill(service)
        waiting = await records_for(self.world, service) - await applied(self.world, service)
        assert waiting > 0, f"{service} had applied everything before it was hit"
        self.hits.append(f"{service} while {waiting} records waited")

    @asynccontextmanager
    async def _while_requests_wait(self) -> AsyncIterator[None]:
        """Each service that takes requests dies while one is inside its transaction."""
        blows = [asyncio.create_task(self._kill_blocked(name, WRITTEN[name])) for name in ("scheduling", "outreach")]
        await asyncio.sleep(0)
        yield
        await asyncio.gather(*blows)

    async def _kill_blocked(self, service: str, table: str) -> None:
        """A lock of ours holds the request in the middle of its transaction."""
        dsn = self.world.stack.dsns[service]
        async with locked(dsn, table):
            await until(self.world, service, BLOCKED, 0, dsn.rpartition("/")[2])
            await self._kill(service)
        self.hits.append(f"{service} inside a request's transaction")

    @asynccontextmanager
    async def _when_requests_are_done(self) -> AsyncIterator[None]:
        """Each dies right after a commit: the reply may be lost, and the outbox is full."""
        blows = [asyncio.create_task(self._kill_after_commit(name)) for name in ("scheduling", "outreach")]
        blows.append(asyncio.create_task(self._kill_applying("eligibility")))
        await asyncio.sleep(0)
        yield
        await asyncio.gather(*blows)

    async def _kill_after_commit(self, service: str) -> None:
        done = f"select count(*) from {WRITTEN[service]}"
        before = (await self.world.rows(service, done))[0]["count"]
        await until(self.world, service, done, before + 1)
        await self._kill(service)
        self.hits.append(f"{service} right after a request's commit")

    async def _kill_applying(self, service: str) -> None:
        await until(self.world, service, APPLIED, await applied(self.world, service))
        await self._kill(service)
        self.hits.append(f"{service} while it applied facts")

    @asynccontextmanager
    async def _while_batches_are_held(self) -> AsyncIterator[None]:
        """Each listener dies with a batch in hand that waits for a lock of ours, longer than a client takes to commit
        by itself what it has fetched: nothing of the batch may count as read."""
        async with AsyncExitStack() as locks:
            for name in LISTENERS:
                await locks.enter_async_context(locked(self.world.stack.dsns[name], "inbox"))
            yield
            for name in LISTENERS:
                await until(self.world, name, BLOCKED, 0, self.world.stack.dsns[name].rpartition("/")[2])
            await asyncio.sleep(AUTOMATIC_COMMIT_S)
            killed = {name: self.world.stack.kill(name) for name in LISTENERS}
        for name, pid in killed.items():
            await self.world.stack.until_restarted(name, pid)
            self.hits.append(f"{name} with a batch in hand")

    async def _kill(self, service: str) -> None:
        killed = self.world.stack.kill(service)
        await self.world.stack.until_restarted(service, killed)


@asynccontextmanager
async def locked(dsn: str, table: str) -> AsyncIterator[None]:
    """Nobody writes to this table within the block."""
    database = await asyncpg.connect(dsn)
    try:
        async with database.transaction():
            await database.execute(f"lock table {table} in exclusive mode")
            yield
    finally:
        await database.close()


async def applied(world: World, service: str) -> int:
    return int((await world.rows(service, APPLIED))[0]["count"])


async def records_for(world: World, service: str) -> int:
    """How many records there are for all groups of the service."""
    there = await kafka_log.lengths(world.stack.bootstrap)
    return sum(there[topic] for group, topic in topic_by_group().items() if group.startswith(f"{service}."))


async def until(world: World, service: str, count: str, more_than: int, *arguments: object) -> None:
    """Looks on one connection and as often as it can, for the moment is short."""
    deadline = time.monotonic() + SEEN_TIMEOUT_S
    database = await asyncpg.connect(world.stack.dsns[service], server_settings={"vcc.tenant": "*"})
    try:
        while await database.fetchval(count, *arguments) <= more_than:
            assert time.monotonic() < deadline, f"{service} was never seen at work"
            await asyncio.sleep(POLL_S)
    finally:
        await database.close()


@asynccontextmanager
async def frozen(world: World, services: Sequence[str]) -> AsyncIterator[None]:
    """These processes stand still within this block."""
    pids = [pid for name in services if (pid := world.stack.pid(name))]
    try:
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
