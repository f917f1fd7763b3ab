"""What may become of the broker, the database and the network that the services stand on. One at a time."""

import asyncio
import signal
from collections.abc import Sequence
from random import Random

from tests.chaos.faults.catalog import ASKED, SERVICES, Parameters, fault
from tests.chaos.fleet import NotStruckError
from tests.chaos.proxy import Mode
from tests.chaos.scene import Scene, until
from tests.chaos.servers import Server


def _soon(random: Random) -> Parameters:
    return {"after_s": round(random.uniform(0, 3), 2)}


def _away(random: Random) -> Parameters:
    return {"seconds": random.choice((20, 30, 60))}


async def _restart(scene: Scene, server: Server, number: signal.Signals, away_s: float = 0.0) -> None:
    """The server ends in this way, is away for a time, and comes back on its data."""
    async with scene.ground:
        await scene.outage(SERVICES, lambda: server.end(number), server.start, away_s)


@fault("broker restarts cleanly", _soon)
async def broker_restarts(scene: Scene, after_s: float) -> None:
    await asyncio.sleep(after_s)
    await _restart(scene, scene.servers.kafka, signal.SIGTERM)


@fault("broker is killed", _soon)
async def broker_killed(scene: Scene, after_s: float) -> None:
    await asyncio.sleep(after_s)
    await _restart(scene, scene.servers.kafka, signal.SIGKILL)


@fault("broker is away", _away, is_long=True)
async def broker_away(scene: Scene, seconds: int) -> None:
    await _restart(scene, scene.servers.kafka, signal.SIGKILL, seconds)


@fault("database stops at once", _soon)
async def database_immediate(scene: Scene, after_s: float) -> None:
    """What `pg_ctl stop -m immediate` does."""
    await asyncio.sleep(after_s)
    await _restart(scene, scene.servers.postgres, signal.SIGQUIT)


@fault("database is killed", _soon)
async def database_killed(scene: Scene, after_s: float) -> None:
    await asyncio.sleep(after_s)
    await _restart(scene, scene.servers.postgres, signal.SIGKILL)


@fault("database is away", lambda random: {"seconds": random.choice((20, 25))}, is_long=True)
async def database_away(scene: Scene, seconds: int) -> None:
    await _restart(scene, scene.servers.postgres, signal.SIGINT, seconds)


def _commit(random: Random) -> Parameters:
    return {"service": random.choice(SERVICES), "commits": random.randint(1, 12)}


@fault("connection cut at COMMIT's reply", _commit, ("files", "calls"))
async def cut_commit(scene: Scene, service: str, commits: int) -> None:
    """The database has committed and the client never hears of it."""
    proxy = scene.servers.proxy(service, "postgres")
    before, proxy.commits_until_cut = proxy.cuts, commits
    try:
        await until(lambda: proxy.cuts > before, 25, NotStruckError(f"{service} committed nothing"))
    finally:
        proxy.commits_until_cut = 0


@fault("connection cut at COMMIT's reply, to a request", lambda random: {"service": random.choice(ASKED)}, ("calls",))
async def cut_request(scene: Scene, service: str) -> None:
    await cut_commit(scene, service, 2)


def _hole(random: Random) -> Parameters:
    return {"service": random.choice(SERVICES), "to": random.choice(("postgres", "kafka")),
            "seconds": random.choice((4, 8, 20))}  # fmt: skip


@fault("black hole", _hole)
async def black_hole(scene: Scene, service: str, to: str, seconds: int) -> None:
    """Nothing gets through and nobody is told."""
    await _without(scene, [service], to, "black-hole", seconds)


@fault("connections refused", _hole)
async def refused(scene: Scene, service: str, to: str, seconds: int) -> None:
    await _without(scene, [service], to, "refuse", seconds)


async def _without(scene: Scene, services: Sequence[str], to: str, mode: Mode, seconds: float) -> None:
    proxies = [scene.servers.proxy(service, to) for service in services]

    async def turn(mode: Mode) -> None:
        for proxy in proxies:
            await scene.servers.proxies.call(proxy.set_mode(mode))

    async with scene.ground:
        await scene.outage(services, lambda: turn(mode), lambda: turn("pass"), seconds)


def _line(random: Random) -> Parameters:
    return {"service": random.choice(SERVICES), "to": random.choice(("postgres", "kafka"))}


@fault("half of the commits late", lambda random: {"ms": random.choice((80, 300)), "seconds": 10}, ("files", "calls"))
async def late_commits(scene: Scene, ms: int, seconds: int) -> None:
    """Transactions end in another order than they numbered their news."""
    proxies = [scene.servers.proxy(service, "postgres") for service in SERVICES]
    random = Random(scene.random.random())
    for proxy in proxies:
        proxy.commit_delay_s = lambda: random.choice((0.0, ms / 1000))
    await asyncio.sleep(seconds)
    for proxy in proxies:
        proxy.commit_delay_s = float


@fault("half-open connections", _line)
async def half_open(scene: Scene, service: str, to: str) -> None:
    """The other end is gone and this one was not told; new connections are fine."""
    proxy = scene.servers.proxy(service, to)
    if not await scene.servers.proxies.call(proxy.half_open()):
        raise NotStruckError("there was no connection")
    await asyncio.sleep(20)
    await scene.servers.proxies.call(proxy.forget_dead())


@fault("connections reset", _line)
async def reset(scene: Scene, service: str, to: str) -> None:
    if not await scene.servers.proxies.call(scene.servers.proxy(service, to).reset()):
        raise NotStruckError("there was no connection")


def _slow(random: Random) -> Parameters:
    return {**_line(random), "ms": random.choice((20, 60, 150)), "seconds": random.choice((4, 8))}


@fault("slow line", _slow)
async def slow_line(scene: Scene, service: str, to: str, ms: int, seconds: int) -> None:
    proxy = scene.servers.proxy(service, to)
    proxy.delay_s = lambda: ms / 1000
    await asyncio.sleep(seconds)
    proxy.delay_s = float


def _jitter(to: str) -> None:
    def draw(random: Random) -> Parameters:
        return {"ms": random.choice((30, 80)), "seconds": random.choice((6, 12))}

    async def strike(scene: Scene, ms: int, seconds: int) -> None:
        """On every such line everything comes a little late, each time by another while."""
        random, proxies = Random(scene.random.random()), [scene.servers.proxy(service, to) for service in SERVICES]
        for proxy in proxies:
            proxy.delay_s = lambda: random.uniform(0, ms / 1000)
        await asyncio.sleep(seconds)
        for proxy in proxies:
            proxy.delay_s = float

    fault(f"jittery lines to {to}", draw)(strike)


for _to in ("postgres", "kafka"):
    _jitter(_to)
