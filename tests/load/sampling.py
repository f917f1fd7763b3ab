"""Looks at the running processes once in a while: processor time, memory, and how far each subscription has come."""

import asyncio
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx
import psutil

from deploy.local.plan import SERVICES
from deploy.local.running import connection
from tests.load.stage import machine_s, processor_s

PERIOD_S = 0.5
_LINE = re.compile(r"^vcc_(records|published)_total\{([^}]*)\} ([0-9.e+]+)$", re.MULTILINE)
_LABEL = re.compile(r'(\w+)="([^"]*)"')


@dataclass(frozen=True, slots=True)
class Look:
    """One look. `counts`: records applied by group, and events published by service."""

    at: float
    cpu_s: Mapping[str, float]
    rss_mb: Mapping[str, float]
    counts: Mapping[str, int]


@dataclass(slots=True)
class Sampler:
    """Looks until stopped."""

    processes: Mapping[str, psutil.Process]
    looks: list[Look] = field(default_factory=list)
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        async with httpx.AsyncClient(timeout=10) as client:
            urls = {name: f"{connection(name).base_url}/metrics" for name in SERVICES}
            while not self._stopping.is_set():
                self.looks.append(await self._look(client, urls))
                await asyncio.wait([asyncio.create_task(self._stopping.wait())], timeout=PERIOD_S)
            self.looks.append(await self._look(client, urls))

    def stop(self) -> None:
        self._stopping.set()

    async def _look(self, client: httpx.AsyncClient, urls: Mapping[str, str]) -> Look:
        counts: dict[str, int] = {}
        for name, url in urls.items():
            counts |= counts_in(name, (await client.get(url)).text)
        cpu_s = {name: processor_s(one.pid) for name, one in self.processes.items()}
        cpu_s["others"] = machine_s() - sum(cpu_s.values())
        return Look(time.monotonic(), cpu_s, {name: resident_mb(one) for name, one in self.processes.items()}, counts)


def counts_in(service: str, metrics: str) -> dict[str, int]:
    """Records applied by group, and events published by this service."""
    counts: dict[str, int] = {}
    for kind, labels, value in _LINE.findall(metrics):
        told = dict(_LABEL.findall(labels))
        key = told["group"] if kind == "records" else f"{service} published"
        counts[key] = counts.get(key, 0) + int(float(value))
    return counts


def resident_mb(process: psutil.Process) -> float:
    """Of the process and its children, what they share counted once (Postgres's buffers)."""
    total = 0
    for one in [process, *process.children(recursive=True)]:
        try:
            memory = one.memory_info()
        except psutil.NoSuchProcess:
            continue
        total += memory.rss - (memory.shared if one.pid != process.pid else 0)
    return total / 2**20
