"""The log from outside: how long it is, what stands in it, and all of it once more."""

from collections.abc import Sequence

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition

from schemas.catalog import TOPICS

PARTITIONS = [TopicPartition(topic.name, number) for topic in TOPICS for number in range(topic.partitions)]


async def lengths(bootstrap: str) -> dict[str, int]:
    """The number of records by topic."""
    async with AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=None) as consumer:
        ends = await consumer.end_offsets(PARTITIONS)
    found = dict.fromkeys((topic.name for topic in TOPICS), 0)
    for partition, end in ends.items():
        found[partition.topic] += end
    return found


async def read(bootstrap: str) -> list[ConsumerRecord]:
    """Every record of every topic from offset 0, in each partition's order; keys, values and headers as bytes."""
    records: list[ConsumerRecord] = []
    async with AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=None) as consumer:
        consumer.assign(PARTITIONS)
        await consumer.seek_to_beginning()
        ends = await consumer.end_offsets(PARTITIONS)
        while any([await consumer.position(partition) < end for partition, end in ends.items()]):
            for found in (await consumer.getmany(timeout_ms=500)).values():
                records += found
    return records


async def repeat(bootstrap: str, records: Sequence[ConsumerRecord]) -> None:
    """Produce these records again, each to its partition, as they were."""
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", linger_ms=5) as producer:
        sent = [
            await producer.send(one.topic, one.value, one.key, partition=one.partition, headers=list(one.headers))
            for one in records
        ]
        for one in sent:
            await one
