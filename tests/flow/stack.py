"""A whole stack for a test: real Kafka, real Postgres, the token issuer and the four services as processes, held up by
the project's own supervisor, so that what a test kills comes back as it would anywhere."""

import asyncio
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import MappingProxyType

from deploy.local.plan import SERVICES
from deploy.local.postgres import ROLES
from deploy.local.process import Spec, plain_environment
from deploy.local.state import ROOT, TOPICS, Folder
from tests import servers
from tests.keys import RING
from tests.servers import PostgresServer, as_role

FIRST_DAY = date(2021, 3, 1)  # a Monday
START_TIMEOUT_S = 240.0
RESTART_TIMEOUT_S = 180.0
POLL_S = 0.02


@dataclass(frozen=True, slots=True)
class Stack:
    """One stack that is up: its folder, its broker (where everything may be seen) and the database of each service."""

    folder: Folder
    bootstrap: str
    dsns: dict[str, str]

    def pid(self, service: str) -> int | None:
        identity = self.folder.read().components[service].identity
        return identity.pid if identity else None

    def kill(self, service: str) -> int:
        """kill -9, of the process that runs now."""
        pid = self.pid(service)
        assert pid is not None, f"{service} is not running"
        os.kill(pid, signal.SIGKILL)
        return pid

    async def until_restarted(self, service: str, killed: int) -> None:
        deadline = time.monotonic() + RESTART_TIMEOUT_S
        while self.pid(service) in {None, killed}:
            assert time.monotonic() < deadline, f"{service} was not started again"
            await asyncio.sleep(POLL_S)

    def log_bytes(self) -> dict[str, bytes]:
        """Everything that any process of the stack has logged, by file."""
        return {path.name: path.read_bytes() for path in self.folder.logs.iterdir()}

    def errors(self) -> list[str]:
        """Lines that a service logged at level error: nobody expects one. A Kafka client's own noise is none."""
        logged = (self.folder.log(name).read_text().splitlines() for name in SERVICES)
        lines = [json.loads(line) for log in logged for line in log if line.startswith("{")]
        return [str(line) for line in lines if line["level"] in {"error", "critical"} and not _is_noise(line)]


def _is_noise(line: dict[str, str]) -> bool:
    return line.get("logger", "").startswith("aiokafka")


@contextmanager
def running_stack(postgres: PostgresServer, more: Mapping[str, str] = MappingProxyType({})) -> Iterator[Stack]:
    """A fresh stack, up within this block, with `more` settings. Topics and groups have fixed names, so each stack has
    a broker of its own."""
    with tempfile.TemporaryDirectory(prefix="vcc-flow-") as path, servers.running_kafka() as kafka:
        folder = Folder(Path(path) / "state")
        folder.make()
        for name in (*SERVICES, TOPICS):
            folder.secret(f"{name}.keys", RING)
        dsns = {name: asyncio.run(postgres.create(name)) for name in SERVICES}
        with servers.running(supervisor(folder, kafka.environment(), dsns, FIRST_DAY, more)):
            await_up(folder)
            yield Stack(folder, kafka.watched, dsns)
        for dsn in dsns.values():
            asyncio.run(postgres.drop(dsn))


def supervisor(
    folder: Folder,
    kafka: Mapping[str, str],
    dsns: Mapping[str, str],
    first_day: date,
    more: Mapping[str, str] = MappingProxyType({}),
) -> Spec:
    """How the project's own supervisor is started on these servers."""
    told = {
        "PYTHONPATH": str(ROOT),
        "VCC_STATE_DIR": str(folder.path),
        **kafka,
        "VCC_FIRST_BUSINESS_ON": first_day.isoformat(),
        "VCC_BUSINESS_DAYS": "by-hand",
        "VCC_CLAIMS_ASK_GATE": "no",
        "VCC_ELIGIBILITY_LOOK_UPS_A_MINUTE": "6000",  # tests ask as nobody does
        **{
            f"VCC_{name.upper()}_{setting.upper()}": as_role(dsn, setting)
            for name, dsn in dsns.items()
            for setting in ROLES
        },
        **more,
    }
    return Spec(
        name="supervisor",
        command=[sys.executable, "-P", "-m", "deploy.local.supervisor"],
        environment={**plain_environment(), **told},
        log=folder.log("supervisor"),
        grace_s=75.0,
    )


def await_up(folder: Folder) -> None:
    """The supervisor knows best when to give up; this only outlasts it."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while (state := folder.read()).phase != "up":
        assert state.phase != "failed", state.what
        assert time.monotonic() < deadline, f"still {state.phase} {state.step}"
        time.sleep(POLL_S)
