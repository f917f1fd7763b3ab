"""How long a topic stays unread when its consumer is restarted: cleanly or killed, with a name of its own in the group
(static membership, `group.instance.id`) or without.
"""

import asyncio
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from statistics import median

from aiokafka import AIOKafkaProducer

from deploy.local.process import plain_environment
from deploy.local.state import ROOT
from tests.load.report import Figure
from tests.load.stage import Stage

PERIOD_S = 0.05
STEADY_S = 1.0
TIMEOUT_S = 60.0


def measure(servers: Stage, rounds: int) -> list[Figure]:
    """The median of some restarts of each kind."""
    figures = []
    for member in ("dynamic", "static"):
        for how in (signal.SIGTERM, signal.SIGKILL):
            gaps = [asyncio.run(_gap(servers, member, how)) for _ in range(rounds)]
            what = f"restart gap, {member} member, {'stopped' if how is signal.SIGTERM else 'killed'}"
            note = f"of which the process's own start {median(start for _, start in gaps):.2f} s"
            figures.append(Figure(what, median(gap for gap, _ in gaps), "s", note=note))
    return figures


async def _gap(servers: Stage, member: str, how: signal.Signals) -> tuple[float, float]:
    """Seconds from the old process's end until the new one reads, and how many of them its start took."""
    topic, group = servers.new_name("bench.restart"), servers.new_name("restart")
    await servers.make_topic(topic, [])
    arguments = [servers.bootstrap, topic, group, *(["reporting-0"] if member == "static" else [])]
    async with _producing(servers.bootstrap, topic):
        first = await _start(arguments)
        await _reads(first)
        await asyncio.sleep(STEADY_S)
        began = time.monotonic()
        first.send_signal(how)
        await first.communicate()
        second = await _start(arguments)
        await _line(second)  # "up"
        up_at = time.monotonic()
        await _reads(second)
        gap = time.monotonic() - began
        second.kill()
        await second.communicate()
    return gap, up_at - began


async def _start(arguments: list[str]) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.load.restart_consumer", *arguments, cwd=ROOT, env=plain_environment(),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip


async def _reads(process: asyncio.subprocess.Process) -> None:
    """Until it has read a batch."""
    while not (await _line(process)).strip().isdigit():
        pass


async def _line(process: asyncio.subprocess.Process) -> bytes:
    assert process.stdout is not None
    line = await asyncio.wait_for(process.stdout.readline(), TIMEOUT_S)
    assert line, "the consumer ended"
    return line


@asynccontextmanager
async def _producing(bootstrap: str, topic: str) -> AsyncIterator[None]:
    """A record every moment within this block."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await producer.start()

    async def produce() -> None:
        while True:
            await producer.send_and_wait(topic, b"tick")
            await asyncio.sleep(PERIOD_S)

    task = asyncio.create_task(produce())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
        await producer.stop()
