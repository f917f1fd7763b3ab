"""The catalog's topics on a real broker."""

import asyncio
import dataclasses
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import NodeNotReadyError

from deploy.errors import StackError
from deploy.topics import end_offsets, kafka_settings, provide_topics
from schemas.catalog import SLOT_POOL, TARGET_ZIPS, Topic

pytestmark = pytest.mark.kafka


def nursery(topic: Topic, **changes: Any) -> Topic:
    """A topic of the catalog under a name of the tests' own."""
    return dataclasses.replace(topic, name=f"nursery.{topic.name}", **changes)


async def settings_of(bootstrap: str, topic: str) -> dict[str, str]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    (answer,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
    await admin.close()
    return {entry[0]: entry[1] for entry in answer.resources[0][4]}


async def test_topics_are_made_as_the_catalog_says_and_brought_back_to_it(kafka_bootstrap: str) -> None:
    """A second run changes nothing, and a setting that drifted is set right."""
    environment = {"VCC_KAFKA_BOOTSTRAP_SERVERS": kafka_bootstrap}
    pool, zips = nursery(SLOT_POOL), nursery(TARGET_ZIPS)
    await provide_topics(environment, [dataclasses.replace(pool, retention_ms=60_000)])
    await provide_topics(environment, [pool, zips])
    await provide_topics(environment, [pool, zips])
    async with asyncio.timeout(10):  # a broker learns of a change a moment after it was accepted
        while (await settings_of(kafka_bootstrap, pool.name))["retention.ms"] != "-1":  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    assert (await settings_of(kafka_bootstrap, zips.name))["cleanup.policy"] == "compact"


async def test_a_broker_that_is_not_ready_yet_is_asked_again(
    kafka_bootstrap: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broker that has just started refuses once; the topics are made nevertheless."""
    describe, asked = AIOKafkaAdminClient.describe_cluster, []

    async def not_at_first(self: AIOKafkaAdminClient) -> dict[str, object]:
        asked.append(1)
        if len(asked) == 1:
            raise NodeNotReadyError
        described: dict[str, object] = await describe(self)
        return described

    monkeypatch.setattr(AIOKafkaAdminClient, "describe_cluster", not_at_first)
    environment, topic = (
        {"VCC_KAFKA_BOOTSTRAP_SERVERS": kafka_bootstrap},
        dataclasses.replace(SLOT_POOL, name="nursery.late"),
    )
    await provide_topics(environment, [topic])
    assert (await end_offsets(environment, [topic]))[topic.name] == 0


async def test_another_number_of_partitions_is_refused(kafka_bootstrap: str) -> None:
    """Keys would move: the error names both numbers and asks for a new version."""
    environment = {"VCC_KAFKA_BOOTSTRAP_SERVERS": kafka_bootstrap}
    topic = dataclasses.replace(SLOT_POOL, name="nursery.partitions")
    await provide_topics(environment, [topic])
    with pytest.raises(StackError, match=r"has 4 partitions, the catalog says 6[\s\S]*new version"):
        await provide_topics(environment, [dataclasses.replace(topic, partitions=6)])


async def test_records_are_counted_over_partitions(kafka_bootstrap: str) -> None:
    """The count of a topic is the sum of its partitions' ends; a topic that is not there has none."""
    environment = {"VCC_KAFKA_BOOTSTRAP_SERVERS": kafka_bootstrap}
    topic = dataclasses.replace(SLOT_POOL, name="nursery.rhymes")
    await provide_topics(environment, [topic])
    async with AIOKafkaProducer(bootstrap_servers=kafka_bootstrap) as producer:
        for number in range(7):
            await producer.send_and_wait(topic.name, b"baa", partition=number % topic.partitions)
    absent = dataclasses.replace(SLOT_POOL, name="nursery.crimes")
    assert await end_offsets(environment, [topic, absent]) == {topic.name: 7, absent.name: None}


async def test_a_broker_that_is_not_there_is_a_sentence() -> None:
    """Where nobody answers, the error names the address and the setting."""
    with pytest.raises(StackError, match=r"127\.0\.0\.1:1 [\s\S]*VCC_KAFKA_BOOTSTRAP_SERVERS"):
        await provide_topics({"VCC_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"})


def test_a_password_may_come_by_file(tmp_path: Path) -> None:
    """VCC_KAFKA_SASL_PASSWORD_FILE names the file that holds the password."""
    path = tmp_path / "password"
    path.write_text("open sesame\n")
    made = kafka_settings({"VCC_KAFKA_BOOTSTRAP_SERVERS": "kafka:9093", "VCC_KAFKA_SASL_PASSWORD_FILE": str(path)})
    assert made.sasl_password is not None
    assert made.sasl_password.get_secret_value() == "open sesame"
