"""The log loses what was said in it, and is healed as the runbook `docs/runbooks/log-lost-its-tail.md` says."""

import asyncio
import contextlib
import signal
import sys
from random import Random

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from schemas.catalog import TOPIC_BY_NAME, TOPICS
from tests.chaos.faults.catalog import OWNERS, SERVICES, Parameters, fault
from tests.chaos.fleet import NotStruckError
from tests.chaos.scene import Scene, until
from tests.torn_logs import tear

HEALED_WITHIN_S, GONE_WITHIN_S, READY_WITHIN_S = 60.0, 20.0, 60.0
TOPIC_NAMES = sorted(topic.name for topic in TOPICS if topic.producer in OWNERS)


def _draw(random: Random) -> Parameters:
    return {"topic": random.choice(TOPIC_NAMES), "records": random.choice((1, 5, 40))}


def _draw_topic(random: Random) -> Parameters:
    return {"topic": random.choice(TOPIC_NAMES)}


@fault("the broker loses the ends of a topic", _draw, is_long=True)
async def lose_ends(scene: Scene, topic: str, records: int) -> None:
    """Power goes before the disk has them; of no partition more than what came behind the last planted record."""
    servers = scene.servers
    firsts: dict[TopicPartition, int] = {}

    async def lose() -> None:
        firsts.update(await _first_lost(scene, topic, records))
        await servers.kafka.end(signal.SIGKILL)
        for place, first in firsts.items():
            await asyncio.to_thread(tear, servers.broker.data, topic, place.partition, first)

    async def give_back() -> None:
        await servers.kafka.start()
        if firsts:
            await _heal(scene, topic)

    async with scene.ground:
        await lose()
        await give_back()
    await _until_ready(scene)
    if not firsts:
        raise NotStruckError(f"nothing stood in {topic} that could be lost")


@fault("a topic is deleted and made anew", _draw_topic, is_long=True)
async def make_anew(scene: Scene, topic: str) -> None:
    async with scene.ground:
        if any(planted_in == topic for planted_in, *_ in scene.driver.ledger.planted):
            raise NotStruckError(f"{topic} holds planted records, which nobody would say again")
        admin = AIOKafkaAdminClient(bootstrap_servers=scene.servers.bootstrap)
        await admin.start()
        try:
            await _delete(admin, topic)
            await _make(scene, admin, topic)
        finally:
            await admin.close()
    await _until_ready(scene)


async def _until_ready(scene: Scene) -> None:
    """Healing takes its time, and the broker is there meanwhile: all are ready by themselves soon after."""

    def all_ready() -> bool:
        return all(one.is_ready for service in SERVICES for one in scene.fleet.of(service))

    try:
        await until(all_ready, READY_WITHIN_S, TimeoutError())
    except TimeoutError:
        late = "; ".join(f"{service}: {scene.why(service)}" for service in SERVICES)
        scene.found(f"not ready {READY_WITHIN_S:.0f} s after the log was healed: {late}")


async def _delete(admin: AIOKafkaAdminClient, topic: str) -> None:
    await admin.delete_topics([topic])
    async with asyncio.timeout(GONE_WITHIN_S):
        while True:
            if topic not in await admin.list_topics():
                return
            await asyncio.sleep(0.05)


async def _make(scene: Scene, admin: AIOKafkaAdminClient, topic: str) -> None:
    known = TOPIC_BY_NAME[topic]
    async with asyncio.timeout(GONE_WITHIN_S):
        while True:
            made = await admin.create_topics([NewTopic(topic, known.partitions, 1, topic_configs=known.config())])
            if all(code == 0 for _, code, *_ in made.topic_errors):
                break
            await asyncio.sleep(0.05)
    await _heal(scene, topic)


async def _first_lost(scene: Scene, topic: str, records: int) -> dict[TopicPartition, int]:
    """So many of the newest of each partition, behind whatever was planted in it."""
    places = [TopicPartition(topic, number) for number in range(TOPIC_BY_NAME[topic].partitions)]
    async with AIOKafkaConsumer(bootstrap_servers=scene.servers.bootstrap, group_id=None) as reader:
        ends = await reader.end_offsets(places)
    planted = dict.fromkeys(places, 0)
    for planted_in, partition, offset in scene.driver.ledger.planted:
        if planted_in == topic:
            place = TopicPartition(topic, partition)
            planted[place] = max(planted[place], offset + 1)
    firsts = {place: max(planted[place], end - records, 0) for place, end in ends.items()}
    return {place: first for place, first in firsts.items() if first < ends[place]}


async def _heal(scene: Scene, topic: str) -> None:
    """By the owner's own command, beside its running processes."""
    service = TOPIC_BY_NAME[topic].producer
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", f"services.{service}.app", "republish-lost",
        env=scene.fleet.environment_of(service, 0), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        lines, _ = await asyncio.wait_for(process.communicate(), HEALED_WITHIN_S)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
    if process.returncode:
        scene.found(f"republish-lost of {service} ended with {process.returncode}")
    scene.measure("facts said again", len(lines.splitlines()))
