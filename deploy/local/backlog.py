"""What is still under way in a running stack: files not read, events not published, records not applied."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import asyncpg
from aiokafka import TopicPartition

from deploy.errors import StackError
from deploy.local.plan import SERVICES
from deploy.local.running import connection
from deploy.topics import kafka_settings
from schemas.catalog import TOPICS
from services.kit import outbox as outbox_store
from services.kit.app import Service
from services.kit.generation import Generation, group_of, load
from services.kit.offsets import offsets

POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class Backlog:
    """Counts of what is under way; `log_end` is the number of records in all topics."""

    files: int
    answers: int
    outbox: int
    lag: int
    log_end: int

    @property
    def is_empty(self) -> bool:
        return not (self.files or self.answers or self.outbox or self.lag)


def by_generation(groups: Mapping[str, str], generations: Mapping[str, Generation]) -> dict[str, str]:
    """The same groups as they are called by now: after a rebuild a service reads in new ones. `generations`: by
    service, of those that can be rebuilt."""
    return {group_of(group, generations.get(group.partition(".")[0])): topic for group, topic in groups.items()}


class Watch:
    """Looks at the databases and the broker of the stack that is up, from the outside."""

    def __init__(self, services: Sequence[Service]) -> None:
        self._services = services
        self._databases: dict[str, asyncpg.Connection] = {}
        self._clients = AsyncExitStack()
        self._last_lag = 0

    async def __aenter__(self) -> Self:
        endpoints = {name: connection(name) for name in SERVICES}
        for name, endpoint in endpoints.items():
            self._databases[name] = await asyncpg.connect(endpoint.dsn, server_settings={"vcc.tenant": "*"})
        kafka = kafka_settings(endpoints["eligibility"].kafka)
        self._broker = await self._clients.enter_async_context(offsets(kafka))
        self._partitions = [TopicPartition(topic.name, n) for topic in TOPICS for n in range(topic.partitions)]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self._clients.aclose()
        for database in self._databases.values():
            await database.close()

    async def look(self) -> Backlog:
        """One look. The broker is asked how far the groups are only once the databases have nothing more to say."""
        waiting = Counter({"files": 0, "answers": 0})
        for service in self._services:
            for what, count in service.waiting.items():
                waiting[what] += await self._databases[service.name].fetchval(count)
        files, answers = waiting["files"], waiting["answers"]
        outbox = sum([await database.fetchval(outbox_store.WAITING) for database in self._databases.values()])
        ends = await self._broker.ends(self._partitions)
        lag = await self._lag(ends) if not (files or answers or outbox) else self._last_lag
        self._last_lag = lag
        return Backlog(files, answers, outbox, lag, sum(ends.values()))

    async def _lag(self, ends: Mapping[TopicPartition, int]) -> int:
        groups = {
            subscription.group: subscription.topic.name
            for service in self._services
            for subscription in service.subscriptions
        }
        return await self._broker.behind(by_generation(groups, await self._generations()), ends)

    async def _generations(self) -> dict[str, Generation]:
        rebuilt = [service.name for service in self._services if service.rebuilds]
        return {name: await load(self._databases[name]) for name in rebuilt}

    async def drain(self, timeout_s: float, seen: Callable[[Backlog], None] = lambda _: None) -> Backlog:
        """Wait until nothing is under way: two empty looks on end between which nobody has written to the log, for what
        one service applies another announces."""
        deadline = time.monotonic() + timeout_s
        ended_at: int | None = None
        while True:
            backlog = await self.look()
            seen(backlog)
            if backlog.is_empty and ended_at == backlog.log_end:
                return backlog
            ended_at = backlog.log_end if backlog.is_empty else None
            if time.monotonic() > deadline:
                answers, events = f"{backlog.answers} answers", f"{backlog.outbox} events to publish"
                what = f"{backlog.files} files, {answers}, {events}, {backlog.lag} records to apply"
                raise StackError(f"after {timeout_s:.0f} s still under way: {what}", "see ./vcc status and ./vcc logs")
            if not backlog.is_empty:
                await asyncio.sleep(POLL_S)

    async def counts(self, service: str, query: str) -> Sequence[asyncpg.Record]:
        """The rows of a counting query against one service's database."""
        return await self._databases[service].fetch(query)
