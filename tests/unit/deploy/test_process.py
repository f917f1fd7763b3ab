"""Only what the stack started is ever signalled."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.children import end_all
from deploy.local.process import Identity, Spec, alive, end, identity, start
from deploy.local.state import Component

STUBBORN = (
    "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('ready', flush=True)\ntime.sleep(60)"
)


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "60"]) as process:
        yield process
        process.kill()


def test_a_recycled_pid_is_left_alone(sleeper: subprocess.Popen[bytes]) -> None:
    """A process whose pid is recorded with another start time is a stranger: it is not ended."""
    stranger = Identity(sleeper.pid, "long before")
    assert not alive(stranger)
    end(stranger, signal.SIGTERM, 1)
    end_all([Component("outreach", "running", stranger)])
    assert sleeper.poll() is None


def test_what_was_recorded_is_ended(sleeper: subprocess.Popen[bytes]) -> None:
    """The process that was recorded, and that still runs, gets its own stop signal."""
    end_all([Component("outreach", "running", identity(sleeper.pid), stop_signal=signal.SIGINT)])
    assert sleeper.wait(5) == -signal.SIGINT


def test_who_ignores_the_signal_is_killed_after_the_grace() -> None:
    """A process that ignores SIGTERM is killed when its grace is over."""
    with subprocess.Popen([sys.executable, "-c", STUBBORN], stdout=subprocess.PIPE, start_new_session=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        who = identity(process.pid)
        assert who is not None
        assert not end(who, signal.SIGTERM, grace_s=0.2)
    assert process.returncode == -signal.SIGKILL


def test_a_zombie_is_dead() -> None:
    """A process that ended, but whose parent has not looked, is not alive."""
    process = subprocess.Popen(["true"])
    while identity(process.pid) is not None:
        pass
    assert identity(process.pid) is None
    process.wait()


def test_services_end_before_what_they_need(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Services are ended first, then the issuer, then Kafka and Postgres."""
    ended: list[str] = []
    monkeypatch.setattr("deploy.local.children._end", lambda one: ended.append(one.name))
    end_all([Component(name) for name in ("kafka", "postgres", "issuer", "outreach", "reporting")])
    assert (set(ended[:2]), ended[2], set(ended[3:])) == ({"outreach", "reporting"}, "issuer", {"kafka", "postgres"})


def test_a_component_is_told_nothing_of_our_own_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A child's environment holds no VCC_ variable that nobody meant for it."""
    monkeypatch.setenv("VCC_OUTREACH_DSN", "postgresql://somewhere")
    with start(Spec("env", ["env"], tmp_path / "env.log")) as process:
        process.wait(5)
    assert "VCC_" not in (tmp_path / "env.log").read_text()
