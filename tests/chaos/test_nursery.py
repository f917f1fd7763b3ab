"""Service processes forked off one that has imported everything."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from deploy.local.ports import free_port
from deploy.local.probes import get
from deploy.local.process import plain_environment
from deploy.local.state import ROOT
from tests.chaos import launcher
from tests.chaos.nursery import Forked, Nursery
from tests.keys import RING


def _started(nursery: Nursery, folder: Path) -> Forked:
    """A service that answers, without servers to talk to."""
    port = free_port()
    told = {
        **plain_environment(), "PYTHONPATH": str(ROOT), launcher.FOLDER: str(folder),
        "VCC_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1", "VCC_OIDC_ISSUER": "http://127.0.0.1:1",
        "VCC_OUTREACH_DSN": "postgresql://nobody@127.0.0.1:1/nothing", "VCC_OUTREACH_HTTP_PORT": str(port),
        "VCC_OUTREACH_KEY_RING": RING, "VCC_OUTREACH_TOPIC_KEY_RING": RING, "VCC_OUTREACH_MAY_RUN_AS_ROOT": "true",
    }  # fmt: skip
    began, child = time.monotonic(), nursery.start(["outreach"], told, folder / "outreach.log")
    while get(port, "/live")[0] != 200:
        assert child.poll() is None, (folder / "outreach.log").read_text()
        assert time.monotonic() - began < 20
    return child


@pytest.mark.slow
def test_a_forked_service_lives_answers_and_dies(tmp_path: Path) -> None:
    """It is a process of its own with its own settings and log, is seen to live, and is seen to be dead once killed."""
    nursery = Nursery(tmp_path / "nursery.log")
    child = _started(nursery, tmp_path)
    os.kill(child.pid, signal.SIGKILL)
    child.wait(5)
    assert child.poll()
    assert '"started"' in (tmp_path / "outreach.log").read_text()
    nursery.close()


@pytest.mark.slow
def test_no_service_outlives_its_driver(tmp_path: Path) -> None:
    """When the driver's end of the pipe closes, as it does when he is killed, the services end too."""
    nursery = Nursery(tmp_path / "nursery.log")
    child = _started(nursery, tmp_path)
    nursery.close()
    child.wait(5)


@pytest.mark.slow
def test_no_server_outlives_its_driver(tmp_path: Path) -> None:
    """A process that the driver started himself and gave in care ends by the signal that it was to end by."""
    nursery = Nursery(tmp_path / "nursery.log")
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as server:
        nursery.adopt(server.pid, signal.SIGINT)
        nursery.close()
        assert server.wait(5) == -signal.SIGINT
