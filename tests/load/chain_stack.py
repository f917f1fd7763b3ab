"""The four services as processes on a benchmark's servers, held up by the project's own supervisor."""

import os
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil

from deploy.local.plan import SERVICES
from deploy.local.process import Spec, plain_environment
from deploy.local.state import ROOT, Folder
from tests.flow.stack import Stack
from tests.load.facts import DAY
from tests.load.stage import Stage
from tests.servers import running

START_TIMEOUT_S = 120.0
POLL_S = 0.05


@contextmanager
def running_services(servers: Stage) -> Iterator[Stack]:
    """Up within this block; VCC_STATE_DIR names the stack's folder."""
    with tempfile.TemporaryDirectory(prefix="vcc-bench-") as path:
        folder = Folder(Path(path) / "state")
        folder.make()
        dsns = {name: servers.database(name) for name in SERVICES}
        with running(_supervisor(folder, servers.bootstrap, dsns)), _state_of(folder):
            _await_up(folder)
            yield Stack(folder, servers.bootstrap, dsns)


def _supervisor(folder: Folder, bootstrap: str, dsns: Mapping[str, str]) -> Spec:
    told = {
        "PYTHONPATH": str(ROOT),
        "VCC_STATE_DIR": str(folder.path),
        "VCC_KAFKA_BOOTSTRAP_SERVERS": bootstrap,
        "VCC_FIRST_BUSINESS_ON": DAY.isoformat(),
        **{f"VCC_{name.upper()}_DSN": dsn for name, dsn in dsns.items()},
    }
    return Spec(
        name="supervisor",
        command=[sys.executable, "-P", "-m", "deploy.local.supervisor"],
        environment={**plain_environment(), **told},
        log=folder.log("supervisor"),
        grace_s=75.0,
    )


@contextmanager
def _state_of(folder: Folder) -> Iterator[None]:
    before = os.environ.get("VCC_STATE_DIR")
    os.environ["VCC_STATE_DIR"] = str(folder.path)
    try:
        yield
    finally:
        if before is None:
            del os.environ["VCC_STATE_DIR"]
        else:
            os.environ["VCC_STATE_DIR"] = before


def _await_up(folder: Folder) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while (state := folder.read()).phase != "up":
        assert state.phase != "failed", state.what
        assert time.monotonic() < deadline, f"still {state.phase} {state.step}"
        time.sleep(POLL_S)


def processes(stack: Stack, servers: Stage) -> dict[str, psutil.Process]:
    """Every process of the chain by its name."""
    pids = {name: stack.pid(name) for name in SERVICES}
    return {name: psutil.Process(pid) for name, pid in {**pids, **servers.pids}.items() if pid is not None}
