"""The service processes of a round: started through the launcher, started again when they die, watched all the time:
whether they are ready, how much memory they hold, how long they take to drain."""

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from deploy.local.plan import SERVICES
from deploy.local.ports import free_port
from deploy.local.postgres import ROLES
from deploy.local.process import plain_environment
from deploy.local.state import ROOT
from tests.chaos import launcher
from tests.chaos.nursery import Forked, Nursery
from tests.chaos.servers import Servers
from tests.keys import RING
from tests.servers import as_role

RESTART_S = 0.3
TEND_S = 0.05
LOOK_S = 0.5
START_TIMEOUT_S = 180.0
BATCH_RECORDS = "200"  # small, so that there are many commits for a blow to fall between


class NotStruckError(Exception):
    """A fault found nothing to hit; it does not count."""


@dataclass(slots=True)
class Seen:
    """What one process said or was at an instant of the monotonic clock."""

    at: float
    pid: int
    is_ready: bool
    rss_mb: float
    reasons: str = ""


@dataclass(slots=True, eq=False)
class Instance:
    """One running copy of a service. `extra`: what only its next start is told."""

    service: str
    number: int
    port: int
    nursery: Nursery
    environment: Mapping[str, str]
    log: Path
    extra: dict[str, str] = field(default_factory=dict)
    process: Forked | None = None
    is_wanted: bool = True
    started_at: float = 0.0
    starts: int = 0
    died_at: float = 0.0
    is_frozen: bool = False
    seen: list[Seen] = field(default_factory=list)

    @property
    def name(self) -> str:
        return f"{self.service}-{self.number}"

    @property
    def pid(self) -> int | None:
        return self.process.pid if self.process is not None and self.process.poll() is None else None

    def start(self) -> None:
        self.process = self.nursery.start([self.service], {**self.environment, **self.extra}, self.log)
        self.started_at, self.died_at, self.is_frozen = time.monotonic(), 0.0, False
        self.starts += 1

    def signal(self, number: signal.Signals) -> int | None:
        """The process that got it, if one runs."""
        pid = self.pid
        if pid is not None:
            os.kill(pid, number)
        return pid

    def tend(self) -> None:
        """Start again what died."""
        if self.process is None or self.process.poll() is None or not self.is_wanted:
            return
        self.died_at = self.died_at or time.monotonic()
        if time.monotonic() - self.died_at > RESTART_S:
            self.start()

    @property
    def is_ready(self) -> bool:
        return bool(self.seen) and self.seen[-1].is_ready and self.seen[-1].pid == self.pid

    async def gone_tasks(self) -> str:
        """Which of its background tasks are gone, as `/live` says; or that it does not say."""
        if self.is_frozen:
            return ""
        lives, body = await _asked(self.port, "/live")
        return "" if lives else f"{self.name}: {body[:300]}"


@dataclass(slots=True)
class Fleet:
    """All instances of one round. `told` goes into every environment: a mutant, say."""

    servers: Servers
    folder: Path
    first_day: str
    told: Mapping[str, str] = field(default_factory=dict)
    instances: list[Instance] = field(default_factory=list)
    drains_s: dict[str, float] = field(default_factory=dict)
    _task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "Fleet":
        (self.folder / "logs").mkdir(parents=True, exist_ok=True)
        (self.folder / "arms").mkdir(exist_ok=True)
        for service in SERVICES:
            self.add(service).start()
        self._task = asyncio.create_task(self._tend())
        await self.until_ready()
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._task is not None
        self._task.cancel()
        for one in self.instances:
            one.is_wanted = False
            one.signal(signal.SIGCONT)
            one.signal(signal.SIGKILL)
        for one in self.instances:
            if one.process is not None:
                await asyncio.to_thread(one.process.wait)

    @property
    def arms(self) -> Path:
        return self.folder / "arms"

    def of(self, service: str) -> list[Instance]:
        return [one for one in self.instances if one.service == service and one.is_wanted]

    def first(self, service: str) -> Instance:
        if not self.of(service):
            raise NotStruckError(f"no {service} runs")
        return self.of(service)[0]

    def add(self, service: str, extra: Mapping[str, str] | None = None) -> Instance:
        """Another instance of the service, not started yet."""
        number = 1 + sum(one.service == service for one in self.instances)
        port = free_port([one.port for one in self.instances])
        environment = self.environment_of(service, port)
        log = self.folder / "logs" / f"{service}-{number}.log"
        one = Instance(service, number, port, self.servers.nursery, environment, log, dict(extra or {}))
        self.instances.append(one)
        return one

    def environment_of(self, service: str, port: int) -> dict[str, str]:
        """All of what a process of the service is told."""
        return {**plain_environment(), **self._environment(service, port), **self.told}

    def _environment(self, service: str, port: int) -> dict[str, str]:
        prefix, dsn = f"VCC_{service.upper()}_", self.servers.dsn_by_proxy(service)
        return {
            "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", launcher.FOLDER: str(self.arms),
            **self.servers.kafka_by_proxy(service),
            "VCC_OIDC_ISSUER": self.servers.issuer_url, "VCC_FIRST_BUSINESS_ON": self.first_day,
            "VCC_BUSINESS_DAYS": "by-hand", "VCC_CLAIMS_ASK_GATE": "no",
            **{prefix + setting.upper(): as_role(dsn, setting) for setting in ROLES if setting != "owner_dsn"},
            prefix + "HTTP_PORT": str(port),
            prefix + "BATCH_RECORDS": BATCH_RECORDS, prefix + "KEY_RING": RING,
            prefix + "TOPIC_KEY_RING": RING, prefix + "MAY_RUN_AS_ROOT": "true",
        }  # fmt: skip

    async def until_ready(self, timeout_s: float = START_TIMEOUT_S) -> None:
        async with asyncio.timeout(timeout_s):
            while not all(one.is_ready for one in self.instances if one.is_wanted):  # noqa: ASYNC110
                await asyncio.sleep(TEND_S)

    async def until_one_is_ready(self, service: str) -> None:
        async with asyncio.timeout(START_TIMEOUT_S):
            while not any(one.is_ready for one in self.of(service)):  # noqa: ASYNC110
                await asyncio.sleep(TEND_S)

    async def drain(self, one: Instance, timeout_s: float = 40.0) -> float | None:
        """SIGTERM, and how long it took to end by itself; None if it did not and had to be killed."""
        one.is_wanted = False
        if one.process is None or one.pid is None:
            return 0.0
        began = time.monotonic()
        one.signal(signal.SIGTERM)
        try:
            await asyncio.to_thread(one.process.wait, timeout_s)
        except subprocess.TimeoutExpired:
            one.signal(signal.SIGKILL)
            await asyncio.to_thread(one.process.wait)
            return None
        return time.monotonic() - began

    async def _tend(self) -> None:
        looked_at = 0.0
        while True:
            for one in self.instances:
                one.tend()
            if time.monotonic() - looked_at > LOOK_S:
                looked_at = time.monotonic()
                await asyncio.gather(*(_look(one) for one in self.instances if one.pid))
            await asyncio.sleep(TEND_S)


async def _look(one: Instance) -> None:
    pid = one.pid
    if pid is None or one.is_frozen:
        return
    is_ready, reasons = await _asked(one.port, "/ready")
    one.seen.append(Seen(time.monotonic(), pid, is_ready, _rss_mb(pid), reasons))


async def _asked(port: int, path: str) -> tuple[bool, str]:
    """Whether the answer was 200, and what it says."""
    try:
        async with asyncio.timeout(1.0):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
                answer = await reader.read()
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False, "no answer"
    head, _, body = answer.partition(b"\r\n\r\n")
    return head.startswith(b"HTTP/1.1 200"), body.decode(errors="replace")


def _rss_mb(pid: int) -> float:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0.0
    return pages * os.sysconf("SC_PAGESIZE") / 1e6
