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

from deploy.cli import main
from deploy.errors import StackError
from deploy.topics import end_offsets, kafka_settings, provide_topics
from schemas import catalog
from schemas.catalog import MEMBER_CONTACT, SLOT_POOL, TARGET_ZIPS, Topic
from tests.kafka.calendars import until

pytestmark = pytest.mark.kafka


def nursery(topic: Topic, **changes: Any) -> Topic:
    """A topic of the catalog under a name of the tests' own."""
    return dataclasses.replace(topic, **{"name": f"nursery.{topic.name}"} | changes)


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

    async def set_right() -> bool:
        return (await settings_of(kafka_bootstrap, pool.name))["retention.ms"] == "-1"

    await until(set_right)  # a broker learns of a change a moment after it was accepted
    assert (await settings_of(kafka_bootstrap, zips.name))["cleanup.policy"] == "compact"


async def test_what_is_superseded_on_a_restricted_topic_goes_in_time(kafka_bootstrap: str) -> None:
    """It is compacted, and the broker may not put that off for longer than half a day."""
    contacts = nursery(MEMBER_CONTACT)
    await provide_topics({"VCC_KAFKA_BOOTSTRAP_SERVERS": kafka_bootstrap}, [contacts])
    found = await settings_of(kafka_bootstrap, contacts.name)
    assert (found["cleanup.policy"], found["max.compaction.lag.ms"]) == ("compact", "43200000")


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


async def test_topics_are_made_with_partitions_and_replicas_of_ones_own(
    kafka_bootstrap: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`./vcc topics create --partitions 7 --replication 1` makes what is missing, and only that when it is repeated;
    more replicas than brokers are refused with a sentence."""
    monkeypatch.setenv("VCC_KAFKA_BOOTSTRAP_SERVERS", kafka_bootstrap)
    monkeypatch.setattr(catalog, "TOPICS", (dataclasses.replace(SLOT_POOL, name="nursery.sized"),))
    arguments = ["topics", "create", "--partitions", "7", "--replication", "1"]
    for said in ("made", "is there"):
        assert await asyncio.to_thread(main, arguments) == 0
        assert capsys.readouterr().out.split() == [*said.split(), "nursery.sized,", "7", "partitions"]
    assert await asyncio.to_thread(main, [*arguments[:-1], "2"]) == 3
    assert "2 replicas are wanted of 1 brokers" in capsys.readouterr().err


async def test_more_brokers_stop_no_producer_of_the_topics_that_are_there(
    kafka_bootstrap: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a topic with one replica one is enough in sync, though topics that are made now would get three."""
    environment, topic = {"VCC_KAFKA_BOOTSTRAP_SERVERS": kafka_bootstrap}, nursery(SLOT_POOL, name="nursery.grown")
    await provide_topics(environment, [topic])

    async def told_of() -> bool:
        return (await end_offsets(environment, [topic]))[topic.name] is not None

    await until(told_of)

    async def three(_: AIOKafkaAdminClient) -> dict[str, object]:
        return {"brokers": [{}, {}, {}]}

    monkeypatch.setattr(AIOKafkaAdminClient, "describe_cluster", three)
    assert await provide_topics(environment, [dataclasses.replace(topic, retention_ms=60_000)]) == []

    async def changed() -> bool:
        return (await settings_of(kafka_bootstrap, topic.name))["retention.ms"] == "60000"

    await until(changed)
    assert (await settings_of(kafka_bootstrap, topic.name))["min.insync.replicas"] == "1"
    async with AIOKafkaProducer(bootstrap_servers=kafka_bootstrap, acks="all", request_timeout_ms=5000) as producer:
        await producer.send_and_wait(topic.name, b"baa")


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
    named = {"VCC_KAFKA_BOOTSTRAP_SERVERS": "kafka:9093", "VCC_KAFKA_SASL_PASSWORD_FILE": str(path)}
    made = kafka_settings({**named, "VCC_KAFKA_SECURITY_PROTOCOL": "SASL_SSL"})
    assert made.sasl_password is not None
    assert made.sasl_password.get_secret_value() == "open sesame"


def test_commands_speak_to_no_broker_elsewhere_in_the_clear() -> None:
    """What makes and counts topics refuses plain text to another machine as the services do, and says what allows it
    (v5.0.0-12.3.1)."""
    named = {"VCC_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1,kafka:9093"}
    with pytest.raises(StackError, match="expected SASL_SSL or SSL for brokers on other machines"):
        kafka_settings(named)
    assert kafka_settings({**named, "VCC_KAFKA_ALLOWS_PLAINTEXT": "true"}).allows_plaintext
