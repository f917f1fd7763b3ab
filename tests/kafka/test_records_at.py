"""What is read of a log that is another one before all of it was read."""

import asyncio
from collections.abc import Mapping
from contextlib import aclosing
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from services.kit.offsets import records_at
from services.kit.settings import KafkaSettings
from tests.builders import a_day, a_record
from tests.kafka.calendars import TOPIC, drop_topic, make_topic, produce

pytestmark = [pytest.mark.kafka, pytest.mark.slow]
ENDS_WITHIN_S = 30.0


@pytest.mark.parametrize("left", [0, 2])
async def test_a_topic_that_is_made_anew_meanwhile_ends_the_reading(
    topic: str, monkeypatch: pytest.MonkeyPatch, left: int
) -> None:
    """Five records of a day's partition were to be read, and its topic is deleted and made anew, with fewer records,
    after its end was asked for: the reading gives what stands there and ends, instead of waiting for the rest."""
    record = a_record(a_day(0))
    await produce(topic, [record] * 5)
    ends = AIOKafkaConsumer.end_offsets

    async def ends_and_then_another_topic(reader: AIOKafkaConsumer, places: list[TopicPartition]) -> Mapping[Any, int]:
        found: Mapping[Any, int] = await ends(reader, places)
        monkeypatch.setattr(AIOKafkaConsumer, "end_offsets", ends)
        await _make_anew(topic)
        await produce(topic, [record] * left)
        return found

    monkeypatch.setattr(AIOKafkaConsumer, "end_offsets", ends_and_then_another_topic)
    wanted = {TopicPartition(TOPIC, number): range(5) for number in range(3)}
    async with (
        asyncio.timeout(ENDS_WITHIN_S),
        aclosing(records_at(KafkaSettings(bootstrap_servers=topic), wanted)) as batches,
    ):
        assert sum([len(batch) async for batch in batches]) == left


async def _make_anew(bootstrap: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await drop_topic(admin)
    await make_topic(admin)
    await admin.close()
