"""What holds for one process of tests holds for each of several, among which `./vcc test` spreads them."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.commands.test import NO_TEST_RAN, SPREAD
from deploy.local.state import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
PROCESSES = int(SPREAD[SPREAD.index("-n") + 1])
SERVER = """
import pathlib, time, pytest

@pytest.fixture(scope="session")
def server(worker_id):
    up = pathlib.Path(__file__).with_name(worker_id)
    up.write_text("up")
    yield
    time.sleep(6)
    up.write_text("stopped")

def test_long(server):
    time.sleep(60)
"""
LOGS = """
import logging

def test_silent():
    logging.getLogger("kettle").error("boiled dry")
"""


@contextmanager
def spread(folder: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Tests in `folder`, under the fixtures of all tests."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.conftest", "-c", str(ROOT / "pyproject.toml")]
    command += ["-p", "no:cacheprovider", *SPREAD, *arguments, str(folder)]
    running = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        yield running
    finally:
        running.kill()
        running.communicate()


def test_whoever_is_told_to_end_lets_all_processes_stop_their_servers(tmp_path: Path) -> None:
    """Also servers that take longer than the five seconds after which the processes are interrupted anyway."""
    servers = [tmp_path / f"gw{number}" for number in range(PROCESSES)]
    for number in range(PROCESSES):
        (tmp_path / f"test_{number}.py").write_text(SERVER)
    with spread(tmp_path) as run:
        _until(lambda: all(one.exists() for one in servers))
        run.terminate()
        assert run.wait(40) == pytest.ExitCode.INTERRUPTED
    assert {one.read_text() for one in servers} == {"stopped"}


def test_an_error_that_was_only_logged_fails_in_any_process(tmp_path: Path) -> None:
    """Each process listens to its own log."""
    for name in ("test_a.py", "test_b.py"):
        (tmp_path / name).write_text(LOGS)
    with spread(tmp_path) as run:
        said, _ = run.communicate(timeout=50)
    assert "2 failed" in said or "2 errors" in said, said
    assert said.count("kettle: boiled dry") >= 2


def test_nothing_spread_is_no_success(tmp_path: Path) -> None:
    """A selection that leaves no test says so by its exit code."""
    (tmp_path / "test_a.py").write_text(LOGS)
    with spread(tmp_path, "-k", "no_such_test") as run:
        run.communicate(timeout=50)
    assert run.returncode == NO_TEST_RAN


def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)
