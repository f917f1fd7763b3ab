"""The four services as processes on a benchmark's servers, held up by the project's own supervisor."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from deploy.local.plan import SERVICES
from deploy.local.state import Folder
from tests.flow.stack import Stack, await_up, supervisor
from tests.load.facts import DAY
from tests.load.stage import Stage
from tests.servers import running


@contextmanager
def running_services(servers: Stage) -> Iterator[Stack]:
    """Up within this block; VCC_STATE_DIR names the stack's folder."""
    with tempfile.TemporaryDirectory(prefix="vcc-bench-") as path:
        folder = Folder(Path(path) / "state")
        folder.make()
        dsns = {name: servers.database(name) for name in SERVICES}
        with running(supervisor(folder, servers.kafka.environment(), dsns, DAY)), _state_of(folder):
            await_up(folder)
            yield Stack(folder, servers.bootstrap, dsns)


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


def processes(stack: Stack, servers: Stage) -> dict[str, psutil.Process]:
    """Every process of the chain by its name."""
    pids = {name: stack.pid(name) for name in SERVICES}
    return {name: psutil.Process(pid) for name, pid in {**pids, **servers.pids}.items() if pid is not None}
