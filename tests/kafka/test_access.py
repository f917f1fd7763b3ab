"""Who gets into the broker, and what each may do there: the catalog's rights, on the real broker."""

import asyncio
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import GroupAuthorizationFailedError, KafkaConnectionError, TopicAuthorizationFailedError

from deploy.acls import ADMIN, Acl, acls_of, user_of
from deploy.local.kafka import Kafka
from deploy.local.kafka_users import provide_users
from deploy.topics import kafka_settings, provide_topics
from schemas.catalog import CASE, CONTACT_ATTEMPT, PROGRAMME, TOPICS
from services.kit.kafka import administering, client_options, create_producer
from services.kit.offsets import offsets
from services.kit.settings import KafkaSettings
from tests.servers import WatchedKafka, running, running_kafka, watched_kafka

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def broker() -> Iterator[WatchedKafka]:
    """One of this module's own, with the catalog's topics."""
    with running_kafka() as made:
        asyncio.run(provide_topics(made.access.environment(ADMIN, made.port)))
        yield made


def settings_of(broker: WatchedKafka, user: str) -> KafkaSettings:
    return kafka_settings(broker.access.environment(user, broker.port))


async def write(broker: WatchedKafka, service: str, topic: str) -> None:
    producer = await create_producer(settings_of(broker, user_of(service)), service)
    try:
        await producer.send_and_wait(topic, b"{}")
    finally:
        await producer.stop()


async def read(broker: WatchedKafka, service: str, topic: str, group: str | None = None) -> bytes | None:
    consumer = AIOKafkaConsumer(
        group_id=group, auto_offset_reset="earliest", enable_auto_commit=False,
        **client_options(settings_of(broker, user_of(service))),
    )  # fmt: skip
    await consumer.start()
    try:
        if group is None:
            consumer.assign([TopicPartition(topic, number) for number in range(4)])
        else:
            consumer.subscribe([topic])
        value: bytes | None = (await asyncio.wait_for(consumer.getone(), 120)).value
        return value
    finally:
        await consumer.stop()


async def seen(broker: WatchedKafka, service: str, topic: str) -> int:
    """What the broker says to a service of a topic: 0, or that it may neither read nor write it."""
    async with administering(settings_of(broker, user_of(service))) as asking:
        (answer,) = await asking.describe_topics([topic])
    return int(answer["error_code"])


async def test_nobody_enters_without_a_login(broker: WatchedKafka) -> None:
    """A client without a user gets no connection, and a wrong password none either (v5.0.0-12.3.5)."""
    with pytest.raises(KafkaConnectionError):
        await AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap, request_timeout_ms=2000).start()
    told = broker.access.environment(user_of("outreach"), broker.port) | {"VCC_KAFKA_SASL_PASSWORD": "guess"}
    del told["VCC_KAFKA_SASL_PASSWORD_FILE"]
    with pytest.raises(KafkaConnectionError):
        await create_producer(kafka_settings(told), "guesser")


async def test_a_service_writes_its_own_topics_only(broker: WatchedKafka) -> None:
    """Outreach may write what it produces; what eligibility produces it may not, nor a topic of nobody
    (v5.0.0-8.2.1)."""
    await write(broker, "outreach", CASE.name)
    with pytest.raises(TopicAuthorizationFailedError):
        await write(broker, "outreach", PROGRAMME.name)
    with pytest.raises(TopicAuthorizationFailedError):
        await write(broker, "reporting", CASE.name)


async def test_a_service_reads_what_it_hears_and_what_it_said(broker: WatchedKafka) -> None:
    """Reporting reads outreach's cases, outreach its own; scheduling, which hears of no case, is refused
    (v5.0.0-8.2.2)."""
    await write(broker, "outreach", CASE.name)
    assert await read(broker, "reporting", CASE.name, "reporting.case") == b"{}"
    assert await read(broker, "outreach", CASE.name) == b"{}"
    assert await seen(broker, "reporting", CASE.name) == 0
    assert await seen(broker, "scheduling", CASE.name) == TopicAuthorizationFailedError.errno


async def test_a_service_has_its_own_groups_only(broker: WatchedKafka) -> None:
    """Another's group, whose offsets it could move, is refused; its own after a rebuild is not."""
    await write(broker, "outreach", CONTACT_ATTEMPT.name)
    assert await read(broker, "reporting", CONTACT_ATTEMPT.name, "reporting.contact-attempt.2") == b"{}"
    for group in ("eligibility.contact-attempt", "reporting-of-mine", "reporting"):
        with pytest.raises(GroupAuthorizationFailedError):
            await read(broker, "reporting", CONTACT_ATTEMPT.name, group)


async def test_the_admin_sees_how_far_everybody_is(broker: WatchedKafka) -> None:
    """The commands' own user makes topics and sees every topic's end and every group's offsets."""
    await write(broker, "outreach", CASE.name)
    async with offsets(settings_of(broker, ADMIN)) as asked:
        ends = await asked.ends(await asked.partitions({topic.name for topic in TOPICS}))
        assert sum(ends.values()) >= 1
        assert await asked.committed("reporting.nothing") == {}


async def test_a_right_that_the_catalog_took_back_is_gone(
    broker: WatchedKafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next start takes back what the catalog no longer gives; a stranger whom an operator let in keeps his."""

    def without_cases(service: str) -> list[Acl]:
        return [acl for acl in acls_of(service) if not (service == "reporting" and acl.name == CASE.name)]

    await write(broker, "outreach", CASE.name)
    monkeypatch.setattr("deploy.local.kafka_users.acls_of", without_cases)
    await provide_users(broker.access, broker.port, broker.controller_port)
    try:
        assert await seen(broker, "reporting", CASE.name) == TopicAuthorizationFailedError.errno
    finally:
        monkeypatch.undo()
        await provide_users(broker.access, broker.port, broker.controller_port)
    assert await read(broker, "reporting", CASE.name) == b"{}"


def test_passwords_are_for_their_owner_only(broker: WatchedKafka) -> None:
    """Each user has a password of its own, in a file that nobody else may read; so are the broker's settings
    (v5.0.0-13.3.1)."""
    access = broker.access
    files = [*access.folder.secrets.iterdir(), broker.data / "server.properties"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert len({access.password(user) for user in access.users}) == len(access.users)
    assert all(access.password(user) not in repr(access) + repr(broker) for user in access.users)


class FormerKafka(WatchedKafka):
    """The broker as it was before it asked for a login."""

    def properties(self) -> dict[str, str]:
        known = WatchedKafka.properties(self)
        return {name: value for name, value in known.items() if name not in self.access.settings()} | {
            "listeners": f"PLAINTEXT://{self.bootstrap},CONTROLLER://127.0.0.1:{self.controller_port}",
            "advertised.listeners": f"PLAINTEXT://{self.bootstrap}",
        }


@pytest.mark.slow
async def test_a_folder_from_before_keeps_records_and_offsets(tmp_path: Path) -> None:
    """A folder whose broker took everybody has users after its next start, and every record and offset
    that it had."""
    made = watched_kafka(tmp_path)
    fields = (made.data, made.port, made.controller_port, made.log, made.access)
    place = TopicPartition(CASE.name, 0)
    with running(FormerKafka(*fields, durable=False).prepare()):
        await _fill_former(made.bootstrap, place)
    with running(Kafka(*fields).prepare()):
        await provide_users(made.access, made.port, made.controller_port)
        async with offsets(settings_of(made, ADMIN)) as asked:
            assert await asked.ends([place]) == {place: 3}
            assert await asked.committed("reporting.case") == {place: 2}
        assert await read(made, "reporting", CASE.name, "reporting.case") == b"3"


async def _fill_former(bootstrap: str, place: TopicPartition) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(place.topic, 4, 1)])
    await admin.close()
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all") as producer:
        for number in (1, 2, 3):
            await producer.send_and_wait(place.topic, b"%d" % number, partition=place.partition)
    reader = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id="reporting.case", enable_auto_commit=False)
    await reader.start()
    reader.assign([place])
    await reader.commit({place: 2})
    await reader.stop()
