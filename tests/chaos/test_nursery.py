"""Service processes forked off one that has imported everything."""

import os
import signal
import time
from pathlib import Path

import pytest

from deploy.local.ports import free_port
from deploy.local.probes import get
from deploy.local.process import plain_environment
from deploy.local.state import ROOT
from tests.chaos import launcher
from tests.chaos.nursery import Nursery


@pytest.mark.slow
def test_a_forked_service_lives_answers_and_dies(tmp_path: Path) -> None:
    """It is a process of its own with its own settings and log, is seen to live, and is seen to be dead once killed."""
    nursery, port = Nursery(tmp_path / "nursery.log"), free_port()
    told = {
        **plain_environment(), "PYTHONPATH": str(ROOT), launcher.FOLDER: str(tmp_path),
        "VCC_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1", "VCC_OIDC_ISSUER": "http://127.0.0.1:1",
        "VCC_OUTREACH_DSN": "postgresql://nobody@127.0.0.1:1/nothing", "VCC_OUTREACH_HTTP_PORT": str(port),
    }  # fmt: skip
    began, child = time.monotonic(), nursery.start(["outreach"], told, tmp_path / "outreach.log")
    while get(port, "/live")[0] != 200:
        assert child.poll() is None, (tmp_path / "outreach.log").read_text()
        assert time.monotonic() - began < 20
    os.kill(child.pid, signal.SIGKILL)
    child.wait(5)
    assert child.poll()
    assert '"started"' in (tmp_path / "outreach.log").read_text()
    nursery.close()
