"""What may become of service processes beside a quick death: they stand still, come in numbers, have a wrong clock,
hold a topic back, or have a bug."""

import asyncio
import json
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random

from tests.chaos import launcher
from tests.chaos.faults.catalog import LISTENERS, SERVICES, Parameters, fault
from tests.chaos.fleet import Instance, NotStruckError
from tests.chaos.points import HANDLER_BUG
from tests.chaos.scene import READY_TIMEOUT_S, RETURNS_WITHIN_S, Scene, until

HELD_BACK = ("scheduling.member-eligibility", "outreach.member-eligibility", "reporting.dose-administered",
             "outreach.appointment", "eligibility.appointment")  # fmt: skip
REBALANCED_S = 13.0  # the session of a process that stands still is over after 10
FOUND_DEAD = """
select consumer, topic, "partition", "offset" from dead_letter where reason = 'handler-error' and consumer like $1
"""
LATE_S = 5.0
WAITING_BUGS = (
    "select min(id) as id from dead_letter where reason = 'handler-error' and state = 'dead' group by consumer, key"
)


def _owner(random: Random) -> Parameters:
    point = random.choice(("batch.before-commit", "batch.handled", "batch.after-commit", "ack.before"))
    return {"service": random.choice(LISTENERS), "point": point, "passes": random.randint(1, 4)}


@fault("SIGSTOP of an owner across a rebalance, then SIGCONT", _owner, ("files", "calls"), is_long=True)
async def stop_owner(scene: Scene, service: str, point: str, passes: int) -> None:
    """It stops in the middle of its work, a second instance takes over its partitions, and then it goes on."""
    async with scene.owning(service):
        await _stop_owner(scene, service, point, passes)


async def _stop_owner(scene: Scene, service: str, point: str, passes: int) -> None:
    second = await another(scene, service)
    try:
        async with standing_still(scene, service, point, passes):
            await asyncio.sleep(REBALANCED_S)
    finally:
        await scene.drain(second)


@asynccontextmanager
async def standing_still(scene: Scene, service: str, point: str, passes: int) -> AsyncIterator[Instance]:
    """The process that comes by this point is stopped within this block; then it goes on, and gets ready again."""
    pid = await scene.fire(service, point, passes, "stop")
    frozen = next(one for one in scene.fleet.of(service) if one.pid == pid)
    frozen.is_frozen = True
    try:
        yield frozen
    finally:
        frozen.is_frozen = False
        began = time.monotonic()
        frozen.signal(signal.SIGCONT)
    await until(
        lambda: frozen.is_ready and frozen.seen[-1].at > began, RETURNS_WITHIN_S + 30,
        AssertionError(f"{frozen.name} stayed unready"),
    )  # fmt: skip
    scene.measure("ready after SIGCONT", time.monotonic() - began)


def _numbers(random: Random) -> Parameters:
    return {"service": random.choice(SERVICES), "more": random.choice((1, 2)), "stay_s": round(random.uniform(1, 4), 1),
            "ends": random.choice(("SIGTERM", "SIGKILL"))}  # fmt: skip


@fault("instances start and stop", _numbers)
async def start_and_stop(scene: Scene, service: str, more: int, stay_s: float, ends: str) -> None:
    """Two or three at once; then the oldest leaves, orderly or not, and at last all but one."""
    async with scene.owning(service):
        await _start_and_stop(scene, service, more, stay_s, ends)


async def _start_and_stop(scene: Scene, service: str, more: int, stay_s: float, ends: str) -> None:
    added = [await another(scene, service) for _ in range(more)]
    await asyncio.sleep(stay_s)
    oldest = scene.fleet.first(service)
    if ends == "SIGTERM":
        await scene.drain(oldest)
    else:
        oldest.is_wanted = False
        oldest.signal(signal.SIGKILL)
    await asyncio.sleep(stay_s)
    for one in added[:-1]:
        await scene.drain(one)


async def another(scene: Scene, service: str, **extra: str) -> Instance:
    """One more instance, ready."""
    one = scene.fleet.add(service, extra)
    one.start()
    await until(
        lambda: one.is_ready, READY_TIMEOUT_S, AssertionError(f"{one.name} did not become ready: {scene.why(service)}")
    )
    return one


def _wrong_clock(random: Random) -> Parameters:
    return {"service": random.choice(SERVICES), "seconds": random.choice((-600, 600)), "stay_s": 8}


@fault("clock ten minutes off", _wrong_clock)
async def wrong_clock(scene: Scene, service: str, seconds: int, stay_s: int) -> None:
    """One service lives for a while in the past or the future."""
    async with scene.owning(service):
        one = scene.fleet.first(service)
        one.extra[launcher.CLOCK_S] = str(seconds)
        await scene.kill(one)
        await asyncio.sleep(stay_s)
        del one.extra[launcher.CLOCK_S]
        await scene.kill(one)


def _topic(random: Random) -> Parameters:
    return {"group": random.choice(HELD_BACK), "seconds": random.choice((15, 30, 60))}


@fault("one topic held back", _topic, is_long=True)
async def hold_back(scene: Scene, group: str, seconds: int) -> None:
    """Everything else of the service goes on: a booking comes before its member's eligibility."""
    service = group.partition(".")[0]
    held = scene.fleet.arms / f"{service}.held-{group}"
    async with scene.owning(f"{group} held"):
        held.touch()
        await asyncio.sleep(seconds)
        held.unlink()


def _bug(random: Random) -> Parameters:
    return {"service": random.choice(LISTENERS), "residue": random.randrange(100)}


@fault("a handler bug for a few members", _bug, ("files",))
async def handler_bug(scene: Scene, service: str, residue: int) -> None:
    """Their facts are set aside and what follows waits behind; then the bug is mended and the operator replays."""
    async with scene.owning(f"{service}'s bug"):
        await _handler_bug(scene, service, residue)


async def _handler_bug(scene: Scene, service: str, residue: int) -> None:
    modulus = max(2, scene.driver.truth.members // 4)
    armed = scene.fleet.arms / f"{service}.{HANDLER_BUG}"
    armed.write_text(json.dumps([modulus, residue % modulus]))
    try:
        deadline = time.monotonic() + 20
        while not await _dead(scene, service):
            if time.monotonic() > deadline:
                raise NotStruckError("no such member came by")
            await asyncio.sleep(0.3)
        await asyncio.sleep(5)  # more of the same members comes, and waits behind
    finally:
        armed.unlink()
    await replay_bugs(scene, service)
    for topic, partition, offset, group in await _dead(scene, service):
        scene.driver.ledger.poison(topic, partition, offset, "handler-bug", groups=[group])


async def replay_bugs(scene: Scene, service: str) -> None:
    """As the operator does once the bug is mended: key by key, twice each, as clicks are doubled; until nothing has
    come for a while, since a batch that met the bug may still be setting its records aside."""
    deadline = time.monotonic() + 60
    quiet_at = time.monotonic() + LATE_S
    while time.monotonic() < min(quiet_at, deadline):
        for row in await scene.driver.rows(service, WAITING_BUGS):
            for _ in range(2):
                await scene.driver.write(service, "operator", f"/dead-letters/{row['id']}/replay")
            quiet_at = time.monotonic() + LATE_S
        await asyncio.sleep(0.3)


async def _dead(scene: Scene, service: str) -> list[tuple[str, int, int, str]]:
    rows = await scene.driver.rows(service, FOUND_DEAD, f"{service}.%")
    return [(row["topic"], row["partition"], row["offset"], row["consumer"]) for row in rows]
