"""Creates the topics of the catalog and refuses to go on where the brokers' differ in what can't be changed."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, NodeNotReadyError, TopicAlreadyExistsError, for_code

from deploy.errors import StackError
from schemas.catalog import TOPICS, Topic
from services.kit.kafka import client_options
from services.kit.offsets import offsets
from services.kit.settings import KafkaSettings

SETTLES_WITHIN_S, ASK_AGAIN_S = 10.0, 0.5
REPLICAS = 3  # where there are as many brokers
PREFIX = "VCC_KAFKA_"


def kafka_settings(environment: Mapping[str, str]) -> KafkaSettings:
    """`VCC_KAFKA_*`, a password also by file."""
    values = {
        name.removeprefix(PREFIX).lower(): value for name, value in environment.items() if name.startswith(PREFIX)
    }
    if named := values.pop("sasl_password_file", None):
        values["sasl_password"] = Path(named).read_text().strip()
    return KafkaSettings.model_validate(values)


async def provide_topics(environment: Mapping[str, str], topics: Sequence[Topic] = TOPICS) -> None:
    """Every topic exists with the catalog's settings. Raises StackError for a partition count that differs. A broker
    that has just started may not be ready for a second connection: it is asked again."""
    asked_until = time.monotonic() + SETTLES_WITHIN_S
    while True:
        try:
            return await _provide(environment, topics)
        except StackError as error:
            if not isinstance(error.__cause__, NodeNotReadyError) or time.monotonic() > asked_until:
                raise
            await asyncio.sleep(ASK_AGAIN_S)


async def _provide(environment: Mapping[str, str], topics: Sequence[Topic]) -> None:
    async with _admin(kafka_settings(environment)) as admin:
        brokers = len((await admin.describe_cluster())["brokers"])
        known = {
            entry["topic"]: len(entry["partitions"])
            for entry in await admin.describe_topics()
            if entry["error_code"] == 0
        }
        _refuse_other_partitions(topics, known)
        await _create(admin, [topic for topic in topics if topic.name not in known], min(REPLICAS, brokers))
        await _configure(admin, [topic for topic in topics if topic.name in known], min(REPLICAS, brokers))


def _refuse_other_partitions(topics: Sequence[Topic], known: Mapping[str, int]) -> None:
    for topic in topics:
        if (found := known.get(topic.name, topic.partitions)) != topic.partitions:
            raise StackError(
                f"topic {topic.name} has {found} partitions, the catalog says {topic.partitions}",
                "keys would move between partitions and lose their order: give the topic a new version in the catalog",
            )


async def _create(admin: AIOKafkaAdminClient, topics: Sequence[Topic], replicas: int) -> None:
    if not topics:
        return
    wanted = [
        NewTopic(topic.name, topic.partitions, replicas, topic_configs=_config(topic, replicas)) for topic in topics
    ]
    answer = await admin.create_topics(wanted)
    _refuse_errors((name, code) for name, code, *_ in answer.topic_errors if code != TopicAlreadyExistsError.errno)


async def _configure(admin: AIOKafkaAdminClient, topics: Sequence[Topic], replicas: int) -> None:
    """Sets right only what drifted, so that a user without the right to alter can run where nothing did."""
    if not topics:
        return
    described = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic.name) for topic in topics])
    found = {
        name: {entry[0]: entry[1] for entry in entries}
        for answer in described
        for _, _, _, name, entries in answer.resources
    }
    wanted = {topic.name: _config(topic, replicas) for topic in topics}
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
