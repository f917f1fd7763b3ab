"""Keeps a relay that was away (its machine stood still, its session ended) from saying an old word after a newer one.

Whoever takes a shard begins its next epoch in the shard's row. Before anything leaves for the broker, a retry too, the
rows are asked whether these epochs still hold: on the connection that holds the locks, so that a relay without its
session sends nothing either.
"""

import asyncio
import math
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.protocol.produce import ProduceRequest

from services.kit.log_loss import LogGuard
from services.kit.outbox import SHARDS
from services.kit.postgres import is_fault

LOCK_NAMESPACE = 0x766363  # "vcc"
TRY_LOCK = "select pg_try_advisory_lock($1, $2)"
UNLOCK = "select pg_advisory_unlock($1, $2)"
PRESENT = 1000
"""Held by every relay beside the shards', so that each knows how many they are."""
BE_PRESENT = "select pg_advisory_lock_shared($1, $2)"
COUNT_PRESENT = """
select count(*) from pg_locks
where locktype = 'advisory' and granted and classid::bigint = $1 and objid::bigint = $2
    and database = (select oid from pg_database where datname = current_database())
"""
BEGIN_EPOCHS = """
insert into relay_shard (shard, epoch, holder) select shard, 1, $2 from unnest($1::smallint[]) as taken (shard)
on conflict (shard) do update
    set epoch = relay_shard.epoch + 1, holder = excluded.holder, taken_at = clock_timestamp()
returning shard, epoch
"""
COUNT_LOST = """
select count(*) from unnest($1::smallint[], $2::bigint[]) as held (shard, epoch)
left join relay_shard as now using (shard) where now.epoch is distinct from held.epoch
"""


class FencedError(KafkaError):  # type: ignore[misc]
    """Another relay may hold the shards by now; what was read before must be read again. As a `KafkaError` that is not
    retriable it ends what the client still holds."""

    retriable = False


class Fence:
    """The shards that one connection of a relay holds, with the epoch of each. `log` is asked as well before anything
    leaves."""

    def __init__(self, connection: asyncpg.Connection, log: LogGuard) -> None:
        self._connection, self._log = connection, log
        self._epochs: dict[int, int] = {}
        self._asking = asyncio.Lock()  # the client sends to several brokers at once

    @property
    def shards(self) -> list[int]:
        """Those that are held."""
        return list(self._epochs)

    async def be_present(self) -> None:
        """Count as one of the relays from now on."""
        await self._connection.execute(BE_PRESENT, LOCK_NAMESPACE, PRESENT)

    async def share(self) -> None:
        """Hold a fair part of the shards from now on. What is too much is given up, so nothing of it may be under way;
        of what nobody holds as much is taken as is lacking."""
        relays = await self._connection.fetchval(COUNT_PRESENT, LOCK_NAMESPACE, PRESENT)
        fair = math.ceil(SHARDS / max(1, relays))
        for shard in sorted(self._epochs)[fair:]:
            del self._epochs[shard]
            await self._connection.execute(UNLOCK, LOCK_NAMESPACE, shard)
        await self._take_free(fair - len(self._epochs))

    async def _take_free(self, most: int) -> None:
        free: list[int] = []
        for shard in range(SHARDS):
            is_wanted = len(free) < most and shard not in self._epochs
            if is_wanted and await self._connection.fetchval(TRY_LOCK, LOCK_NAMESPACE, shard):
                free.append(shard)
        if free:
            holder = f"{socket.gethostname()}:{os.getpid()}"
            rows = await self._connection.fetch(BEGIN_EPOCHS, free, holder)
            self._epochs |= {row["shard"]: row["epoch"] for row in rows}

    async def confirm(self) -> None:
        """Raises FencedError unless all that is held is held still."""
        async with self._asked():
            lost = await self._connection.fetchval(COUNT_LOST, self.shards, list(self._epochs.values()))
        if lost:
            raise FencedError

    @asynccontextmanager
    async def _asked(self) -> AsyncIterator[None]:
        """One question at a time; a database that does not answer has confirmed nothing."""
        try:
            async with self._asking:
                yield
        except Exception as error:
            if isinstance(error, KafkaError) or not is_fault(error):
                raise
            raise FencedError(type(error).__name__) from error

    def guard(self, producer: AIOKafkaProducer) -> None:
        """Let nothing out of this producer from now on that was not confirmed right before."""
        client = producer.client
        send = client.send

        async def confirmed(node_id: int, request: Any, **options: Any) -> Any:
            if isinstance(request, ProduceRequest):
                await client.ready(node_id)  # a new connection takes its time
                async with self._asked():
                    await self._log.require(client, node_id, self._connection)
                await self.confirm()
            return await send(node_id, request, **options)

        client.send = confirmed
