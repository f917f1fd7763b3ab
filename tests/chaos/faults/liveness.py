"""What ends a part of a service in silence: a cancellation that leaks, a machine that vanishes, a flood that nobody may
set aside."""

import asyncio
import signal
import time
from random import Random
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from deploy.groups import topic_by_group
from tests.chaos.faults.catalog import OWNERS, Parameters, fault
from tests.chaos.faults.records import MEMBER_TOPICS
from tests.chaos.fleet import NotStruckError
from tests.chaos.scene import Scene, until

SESSIONS_END_WITHIN_S = 25.0
STANDS_STILL_WITHIN_S = 60.0
FLOOD = 700
SESSIONS = "select pid from pg_stat_activity where datname = current_database() and application_name = $1"
HELD_BY = "batches fail: too many can't be read"


def _leak(random: Random) -> Parameters:
    return {"service": random.choice(OWNERS), "passes": random.randint(1, 4)}


@fault("a cancellation leaks into the relay", _leak, ("files", "calls"))
async def leak(scene: Scene, service: str, passes: int) -> None:
    """As the Kafka client lets one out that it meant for a task of its own."""
    await scene.fire(service, "relay.marked", passes, "leak")


@fault("a machine vanishes", lambda random: {"service": random.choice(OWNERS)}, ("files", "calls"))
async def machine_vanishes(scene: Scene, service: str) -> None:
    """Its sessions at the database hold shards, files and rows until the server gives them up by itself."""
    async with scene.owning(service), scene.ground:
        proxy = scene.servers.proxy(service, "postgres")
        sessions = {row["pid"] for row in await scene.driver.rows(service, SESSIONS, f"vcc-{service}")}
        began = time.monotonic()
        if not await scene.servers.proxies.call(proxy.vanish()):
            raise NotStruckError("there was no connection")
        try:
            for one in scene.fleet.of(service):
                one.signal(signal.SIGKILL)
            await _until_ended(scene, service, sessions, began)
        finally:
            await scene.servers.proxies.call(proxy.forget_vanished())
    await scene.until_back(service, began)


async def _until_ended(scene: Scene, service: str, sessions: set[int], began: float) -> None:
    while left := sessions & {row["pid"] for row in await scene.driver.rows(service, SESSIONS, f"vcc-{service}")}:
        if time.monotonic() - began > SESSIONS_END_WITHIN_S:
            scene.found(f"{len(left)} sessions of {service} outlived their machine by {SESSIONS_END_WITHIN_S:.0f} s")
            return
        await asyncio.sleep(0.3)
    scene.measure("sessions of a vanished machine ended", time.monotonic() - began)


def _flood(random: Random) -> Parameters:
    return {"topic": random.choice(MEMBER_TOPICS), "partition": random.randrange(2)}


@fault("a flood of garbage", _flood, ("files", "calls"))
async def flood(scene: Scene, topic: str, partition: int) -> None:
    """It is not set aside by itself; an operator lifts the limit of each group that it holds up, and all go on."""
    groups = [group for group, read in topic_by_group().items() if read == topic]
    async with scene.ground:  # meanwhile nobody is ready
        await _plant(scene, topic, partition)
        await asyncio.gather(*(_lift(scene, group) for group in groups))


async def _plant(scene: Scene, topic: str, partition: int) -> None:
    """No key: nothing waits behind it."""
    producer = AIOKafkaProducer(bootstrap_servers=scene.servers.bootstrap, acks="all", linger_ms=50)
    try:
        await producer.start()
        sent: list[Any] = [await producer.send(topic, b"{", partition=partition) for _ in range(FLOOD)]
        placed = await asyncio.gather(*sent)
    except KafkaError as error:
        raise NotStruckError(f"the broker took no garbage: {type(error).__name__}") from None
    finally:
        await producer.stop()
    for one in placed:
        scene.driver.ledger.poison(topic, one.partition, one.offset, "flood")


async def _lift(scene: Scene, group: str) -> None:
    """Before or after the group has come to stand still: the operator's word holds for a time."""
    service = group.partition(".")[0]

    def stands_still() -> bool:
        return any(one.seen and f"{group}: {HELD_BY}" in one.seen[-1].reasons for one in scene.fleet.of(service))

    await until(stands_still, STANDS_STILL_WITHIN_S, AssertionError(f"{group} does not say that it stands still"))
    answer = await scene.driver.write(service, "operator", f"/dead-letter-limits/{group}/lift", {"minutes": 30})
    if answer is None or answer[0] != 200:
        scene.found(f"the operator could not lift the limit of {group}: {answer}")
