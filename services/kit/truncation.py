"""A log that has lost its end, as who reads it sees it: offsets that were read stand for other records by now, or for
none. Whoever has read beyond the loss goes back to it; the inbox drops what comes again."""

from collections.abc import Mapping

import asyncpg
import structlog
from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient

from services.kit import leader_epochs, positions, topic_ids
from services.kit.positions import Position
from services.kit.postgres import ALL_TENANTS, transaction


async def go_back(
    pool: asyncpg.Pool, client: AIOKafkaClient, topic_by_consumer: Mapping[str, str], prefix: str
) -> dict[TopicPartition, int]:
    """Send back whoever of these consumers has read what the log has lost. Where each of those begins that was sent
    back, now or before, and has not gone on yet. `prefix`: of the topics' names on the brokers."""
    described = await topic_ids.describe(client, set(topic_by_consumer.values()), prefix)
    ids = {name: one.topic_id for name, one in described.items()}
    leaders = {
        TopicPartition(name, at): leader for name, one in described.items() for at, leader in one.leaders.items()
    }
    async with transaction(pool, ALL_TENANTS) as connection:
        known = await positions.load_all(connection, topic_by_consumer, ids)
    asked = {one.place: one.leader_epoch for one in known if one.leader_epoch is not None}
    ends = await leader_epochs.load_ends(client, asked, leaders, prefix)
    lost = {one: ends[one.place] for one in known if one.place in ends and ends[one.place] < one.next_offset}
    if lost:
        _tell(lost)
        async with transaction(pool, ALL_TENANTS) as connection:
            await positions.go_back(connection, lost, {place: leader.epoch for place, leader in leaders.items()})
            known = await positions.load_all(connection, topic_by_consumer, ids)
    return {one.place: one.next_offset for one in known if one.goes_back}


def _tell(lost: Mapping[Position, int]) -> None:
    for one, end in lost.items():
        structlog.get_logger().warning(
            "read again what came after the leader's end", topic=one.place.topic, partition=one.place.partition,
            group=one.consumer, offset=end, records=one.next_offset - end,
        )  # fmt: skip
