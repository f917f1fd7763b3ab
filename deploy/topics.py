"""Creates the topics of the catalog and refuses to go on where the brokers' differ in what can't be changed."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, NodeNotReadyError, TopicAlreadyExistsError, for_code

from deploy.errors import StackError
from schemas.catalog import TOPICS, Topic
from services.kit.kafka import client_options
from services.kit.offsets import offsets
from services.kit.settings import KafkaSettings, SettingsError, read_kafka_settings

SETTLES_WITHIN_S, ASK_AGAIN_S = 10.0, 0.5
REPLICAS = 3  # where there are as many brokers


def kafka_settings(environment: Mapping[str, str]) -> KafkaSettings:
    """`VCC_KAFKA_*`, each also by file. Raises StackError that names what is unusable."""
    try:
        return read_kafka_settings(environment)
    except SettingsError as error:
        raise StackError(f"unusable: {error}", "see deploy/local/README.md for what they may be") from None


async def provide_topics(
    environment: Mapping[str, str], topics: Sequence[Topic] = TOPICS, replicas: int | None = None
) -> list[str]:
    """Every topic exists with the catalog's settings, and so many replicas if it is made here: three, or as many as
    there are brokers. Gives the catalog's names of those that were made. Raises StackError for a partition
    count that differs. A broker that has just started may not be ready for a second connection: it is asked again."""
    asked_until = time.monotonic() + SETTLES_WITHIN_S
    while True:
        try:
            return await _provide(environment, topics, replicas)
        except StackError as error:
            if not isinstance(error.__cause__, NodeNotReadyError) or time.monotonic() > asked_until:
                raise
            await asyncio.sleep(ASK_AGAIN_S)


async def _provide(environment: Mapping[str, str], topics: Sequence[Topic], replicas: int | None) -> list[str]:
    settings = kafka_settings(environment)
    topics = [replace(topic, name=settings.prefix + topic.name) for topic in topics]
    async with _admin(settings) as admin:
        wanted = _replicas(replicas, len((await admin.describe_cluster())["brokers"]))
        described = {
            entry["topic"]: entry["partitions"] for entry in await admin.describe_topics() if entry["error_code"] == 0
        }
        known = {name: len(partitions) for name, partitions in described.items()}
        _refuse_other_partitions(topics, known)
        made = await _create(admin, [topic for topic in topics if topic.name not in known], wanted)
        there = [(topic, replicas_of(described[topic.name])) for topic in topics if topic.name in known]
        await _configure(admin, there)
        return [name.removeprefix(settings.prefix) for name in made]


def replicas_of(partitions: Sequence[Mapping[str, Any]]) -> int:
    """How many replicas each partition of a topic has at the least. More in sync than those there can't be, whatever is
    wanted of new topics: who asked for more would stop every producer."""
    return min(len(partition["replicas"]) for partition in partitions)


def _replicas(wanted: int | None, brokers: int) -> int:
    if wanted is not None and wanted > brokers:
        raise StackError(f"{wanted} replicas are wanted of {brokers} brokers", "ask for as many as there are brokers")
    return wanted or min(REPLICAS, brokers)


def _refuse_other_partitions(topics: Sequence[Topic], known: Mapping[str, int]) -> None:
    for topic in topics:
        if (found := known.get(topic.name, topic.partitions)) != topic.partitions:
            raise StackError(
                f"topic {topic.name} has {found} partitions, the catalog says {topic.partitions}",
                "keys would move between partitions and lose their order: give the topic a new version in the catalog",
            )


async def _create(admin: AIOKafkaAdminClient, topics: Sequence[Topic], replicas: int) -> list[str]:
    """Gives the names of those that were made. One that somebody else made meanwhile is left to him."""
    if not topics:
        return []
    wanted = [
        NewTopic(topic.name, topic.partitions, replicas, topic_configs=_config(topic, replicas)) for topic in topics
    ]
    answer = await admin.create_topics(wanted)
    errors = {name: code for name, code, *_ in answer.topic_errors}
    _refuse_errors((name, code) for name, code in errors.items() if code != TopicAlreadyExistsError.errno)
    return [topic.name for topic in topics if not errors[topic.name]]


async def _configure(admin: AIOKafkaAdminClient, topics: Sequence[tuple[Topic, int]]) -> None:
    """Sets right only what drifted, so that a user without the right to alter can run where nothing did. Each with the
    replicas that it has."""
    if not topics:
        return
    asked = [ConfigResource(ConfigResourceType.TOPIC, topic.name) for topic, _ in topics]
    described = await admin.describe_configs(asked)
    found = {
        name: {entry[0]: entry[1] for entry in entries}
        for answer in described
        for _, _, _, name, entries in answer.resources
    }
    wanted = {topic.name: _config(topic, replicas) for topic, replicas in topics}
    drifted = [name for name in wanted if wanted[name].items() - found[name].items()]
    if drifted:
        changes = [ConfigResource(ConfigResourceType.TOPIC, name, wanted[name]) for name in drifted]
        for answer in await admin.alter_configs(changes):
            _refuse_errors((name, code) for code, _, _, name in answer.resources)


def _refuse_errors(answers: Iterable[tuple[str, int]]) -> None:
    for name, code in answers:
        if code:
            raise StackError(
                f"topic {name} could not be created or changed: {for_code(code).__name__}",
                "give the Kafka user the right to create and alter topics, or have them made as the catalog says",
            )


def _config(topic: Topic, replicas: int) -> dict[str, str]:
    return {**topic.config(), "min.insync.replicas": str(max(1, replicas - 1))}


async def end_offsets(environment: Mapping[str, str], topics: Sequence[Topic] = TOPICS) -> dict[str, int | None]:
    """How many records each topic has ever had; None for a topic that is not there."""
    async with offsets(kafka_settings(environment)) as broker:
        ends = await broker.ends(await broker.partitions({topic.name for topic in topics}))
    counts: dict[str, int | None] = {topic.name: None for topic in topics}
    for place, end in ends.items():
        counts[place.topic] = (counts[place.topic] or 0) + end
    return counts


@asynccontextmanager
async def _admin(settings: KafkaSettings) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(**client_options(settings))
    try:
        await admin.start()
        yield admin
    except (TimeoutError, KafkaError, OSError) as error:
        raise StackError(
            f"Kafka at {settings.bootstrap_servers} does not do what is asked: {type(error).__name__}",
            "check VCC_KAFKA_BOOTSTRAP_SERVERS, the security settings beside it, and the user's ACLs",
        ) from error
    finally:
        await admin.close()
