"""Strays: records in a service's name that its store never made. Somebody else has written them, or the database has
forgotten them (docs/runbooks/log-lost-its-tail.md). What an operator has acknowledged is left out."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

import asyncpg
from aiokafka import TopicPartition

from schemas.envelope import Event
from services.kit import log_loss, own_log, published
from services.kit.contract import Delivery
from services.kit.kafka import ALL_RECORDS
from services.kit.offsets import offsets
from services.kit.own_log import Owned
from services.kit.postgres import create_pool
from services.kit.settings import Settings


async def list_strays(settings: Settings, owned: Mapping[type[Event], Owned]) -> AsyncGenerator[str]:
    """One line for each in the whole log: where it stands, its type, and the fields that name it."""
    pool = await create_pool(settings)
    try:
        async with aclosing(find(settings, pool, owned)) as strays:
            async for stray in strays:
                yield own_log.line_of(stray, owned[type(stray.event)].fields)
    finally:
        await pool.close()


async def find(
    settings: Settings, pool: asyncpg.Pool, owned: Mapping[type[Event], Owned],
    wanted: Mapping[TopicPartition, range] | None = None,
) -> AsyncGenerator[Delivery]:  # fmt: skip
    """Those at these offsets of the service's own topics, or at all."""
    if not owned:
        return
    names = [topic.name for topic in published.topics_of(settings.service)]
    async with offsets(settings.kafka, ALL_RECORDS) as broker:
        topic_ids = await broker.topic_ids(names)
        ends = await broker.ends(await broker.partitions(names))
    whole = {place: range(end) for place, end in ends.items()}
    spans = whole if wanted is None else {
        place: range(span.start, min(span.stop, ends[place])) for place, span in wanted.items() if place in ends
    }  # fmt: skip
    async with aclosing(log_loss.compare(settings, pool, spans)) as parts:
        async for part in parts:
            unheld = [record for _, record in part.unheld]
            for stray in await own_log.never_said(settings, pool, owned, unheld, topic_ids):
                yield stray
