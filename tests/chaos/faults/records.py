"""What may stand in the log, or not get there: poison, an incompatible producer's records, a send that fails, and all
of it delivered once more."""

import asyncio
import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from random import Random
from typing import Any
from uuid import UUID

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka import TopicPartition as Place
from aiokafka.errors import KafkaError
from confluent_kafka import ConsumerGroupTopicPartitions, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from deploy.groups import topic_by_group
from schemas.catalog import TOPIC_BY_NAME
from tests.chaos.faults.catalog import LISTENERS, SERVICES, Parameters, fault
from tests.chaos.fleet import NotStruckError
from tests.chaos.scene import Scene
from tests.chaos.servers import groups_of

Headers = list[tuple[str, bytes | None]]
MEMBER_TOPICS = ("vcc.member-eligibility.v1", "vcc.dose-administered.v1", "vcc.appointment.v1")
KINDS = (
    "bad-json",
    "bad-schema",
    "null-key",
    "tombstone",
    "null-header",
    "binary-header",
    "missing-header",
    "two-megabytes",
)
SOMEBODY = "select member_token from person where merged_into is null order by md5(member_token::text || $1) limit 1"
OURS = 'select id from dead_letter where topic = $1 and "partition" = $2 and "offset" = $3 and state = \'dead\''


def _poison(kind: str) -> Any:
    def draw(random: Random) -> Parameters:
        return {"topic": random.choice(MEMBER_TOPICS), "of_a_member": random.choice((0, 1))}

    async def strike(scene: Scene, topic: str, of_a_member: int) -> None:
        """One such record; with a member's key, everything of that member waits until the operator gives it up."""
        key = await _key(scene, of_a_member)
        place = await _plant(scene, topic, kind, *_record(kind, topic, key))
        if of_a_member and kind != "null-key":
            await asyncio.sleep(4)
            await _give_up(scene, topic, [place])

    return fault(f"poison: {kind}", draw)(strike)


for _kind in KINDS:
    _poison(_kind)


@fault("poison: wrong-source", lambda random: {"topic": random.choice(MEMBER_TOPICS)})
async def wrong_source(scene: Scene, topic: str) -> None:
    """Somebody who is not the topic's producer says once more what its producer has said."""
    key, value, headers = await _said_by_another(scene, topic)
    place = await _plant(scene, topic, "wrong-source", key, value, headers)
    await asyncio.sleep(4)
    await _give_up(scene, topic, [place])


async def _said_by_another(scene: Scene, topic: str) -> tuple[bytes | None, bytes | None, Headers]:
    """The first record of the topic, whole, under another id and in another name."""
    places = [Place(topic, number) for number in range(TOPIC_BY_NAME[topic].partitions)]
    async with AIOKafkaConsumer(
        bootstrap_servers=scene.servers.bootstrap, group_id=None, auto_offset_reset="earliest"
    ) as reader:
        reader.assign(places)
        try:
            found = await asyncio.wait_for(reader.getone(), 15)
        except TimeoutError:
            raise NotStruckError("nothing was said there yet") from None
    other = {"ce_source": b"/vcc/somebody", "ce_id": str(UUID(int=scene.random.getrandbits(128))).encode()}
    return found.key, found.value, [(name, other.get(name, value)) for name, value in found.headers]


@fault(
    "an incompatible producer", lambda random: {"topic": random.choice(MEMBER_TOPICS), "records": random.randint(2, 6)}
)
async def incompatible(scene: Scene, topic: str, records: int) -> None:
    """Somebody speaks a version that nobody knows, or leaves out what the contract demands."""
    for number in range(records):
        kind = ("unknown-type", "missing-field", "unknown-specversion")[number % 3]
        await _plant(scene, topic, kind, *_record(kind, topic, _nobody(scene)))


async def _key(scene: Scene, of_a_member: int) -> bytes:
    if not of_a_member:
        return _nobody(scene)
    deadline = time.monotonic() + 15
    while not (found := await scene.driver.rows("eligibility", SOMEBODY, str(scene.random.random()))):
        if time.monotonic() > deadline:
            raise NotStruckError("there is no member yet")
        await asyncio.sleep(0.3)
    return str(found[0]["member_token"]).encode()


def _nobody(scene: Scene) -> bytes:
    return str(UUID(int=scene.random.getrandbits(128))).encode()


def _record(kind: str, topic: str, key: bytes) -> tuple[bytes | None, bytes | None, Headers]:
    """Key, value and headers of a record with this fault and no other."""
    event = TOPIC_BY_NAME[topic].events[0].event_type
    headers: dict[str, bytes | None] = {
        "ce_specversion": b"1.0", "ce_id": str(UUID(bytes=_bytes_of(key))).encode(), "ce_source": b"/vcc/somebody",
        "ce_type": event.encode(), "ce_time": datetime.now(UTC).isoformat().encode(),
        "content-type": b"application/json",
    }  # fmt: skip
    value: bytes | None = json.dumps({"member_token": key.decode(), "occurred_at": "2021-03-01T00:00:00Z"}).encode()
    match kind:
        case "bad-json":
            value = b'{"member_token": '
        case "tombstone":
            value = None
        case "null-header":
            headers["ce_id"] = None
        case "binary-header":
            headers["ce_type"] = b"\xff\xfe\x00"
        case "missing-header":
            del headers["ce_id"]
        case "unknown-type":
            headers["ce_type"] = event.encode() + b".next"
        case "unknown-specversion":
            headers["ce_specversion"] = b"2.0"
        case "two-megabytes":
            value = json.dumps({"note": "x" * 2_000_000}).encode()
    return None if kind == "null-key" else key, value, list(headers.items())


def _bytes_of(key: bytes) -> bytes:
    return UUID(key.decode()).bytes[::-1]


async def _plant(scene: Scene, topic: str, kind: str, key: bytes | None, value: bytes | None, headers: Headers) -> Any:
    async with scene.ground:
        producer = AIOKafkaProducer(bootstrap_servers=scene.servers.bootstrap, acks="all", max_request_size=4_000_000)
        try:
            await producer.start()
            placed = await producer.send_and_wait(topic, value, key, headers=headers)
        except KafkaError as error:
            raise NotStruckError(f"the broker took no poison: {type(error).__name__}") from None
        finally:
            await producer.stop()
    scene.driver.ledger.poison(topic, placed.partition, placed.offset, kind)
    return placed.partition, placed.offset


async def _give_up(scene: Scene, topic: str, places: Sequence[tuple[int, int]]) -> None:
    """The operator discards these records in every service that has set them aside."""
    for service in {group.partition(".")[0] for group, read in topic_by_group().items() if read == topic}:
        for partition, offset in places:
            for row in await _waiting(scene, service, topic, partition, offset):
                await scene.driver.write(service, "operator", f"/dead-letters/{row['id']}/discard")


async def _waiting(scene: Scene, service: str, topic: str, partition: int, offset: int) -> list[Any]:
    deadline = time.monotonic() + 20
    while not (found := await scene.driver.rows(service, OURS, topic, partition, offset)):
        if time.monotonic() > deadline:
            return []
        await asyncio.sleep(0.3)
    return found


def _send(random: Random) -> Parameters:
    return {"service": random.choice(("eligibility", "outreach")), "passes": random.randint(2, 90)}


@fault("a send fails in the middle", _send, ("files", "calls"))
async def failed_send(scene: Scene, service: str, passes: int) -> None:
    await scene.fire(service, "relay.sending", passes, "fail")


@fault(
    "the whole log is delivered again", lambda random: {"service": random.choice(SERVICES)}, ("files", "calls", "sites")
)
async def delivered_again(scene: Scene, service: str) -> None:
    """The groups of a service go back to offset 0."""
    async with scene.owning(service), scene.ground:
        for one in scene.fleet.of(service):
            await scene.drain(one)
        try:
            await asyncio.to_thread(rewind, scene.servers.bootstrap, service)
        finally:
            scene.fleet.add(service).start()
    await scene.until_back(service, time.monotonic())


def rewind(bootstrap: str, service: str) -> None:
    """All of the service's groups, which have no member now, begin again at the log's beginning."""
    admin = AdminClient({"bootstrap.servers": bootstrap})
    for group, topic in groups_of(service).items():
        partitions = [TopicPartition(topic, number, 0) for number in range(TOPIC_BY_NAME[topic].partitions)]
        _retried(admin, ConsumerGroupTopicPartitions(group, partitions))


def _retried(admin: AdminClient, wanted: ConsumerGroupTopicPartitions) -> None:
    """A group whose member was killed counts as lived in until the session is over."""
    deadline = time.monotonic() + 40
    while True:
        try:
            for future in admin.alter_consumer_group_offsets([wanted]).values():
                future.result()
        except KafkaException:
            if time.monotonic() > deadline:
                raise NotStruckError("the group was never empty") from None
            time.sleep(0.5)
        else:
            return


__all__ = ["LISTENERS", "rewind"]
