"""`./vcc keys`: no key is taken away that a running service may still seal with, and none is destroyed."""

import os
import subprocess
from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest

from deploy.commands import keys
from deploy.errors import StackError
from deploy.local.plan import SERVICES
from deploy.local.process import identity
from deploy.local.state import Component, Folder, State

SHOWN = "outreach-2\t9\tseals\noutreach-1\t0\topens\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    """Every service has a ring of two keys, made at the instant 1000; each of them seals nothing with the old one."""
    monkeypatch.setenv("VCC_STATE_DIR", str(tmp_path))
    made = Folder(tmp_path)
    made.make()
    for service in SERVICES:
        ring = made.secret(f"{service}.keys", f"{service}-2 bmV3\n{service}-1 b2xk\n")
        os.utime(ring, (1000, 1000))
        made.secret(f"{service}.dsn", "postgresql://u:nightjar@h/d")
    made.secret("kafka.json", '{"VCC_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"}')
    monkeypatch.setattr(keys, "_asked", lambda service, command: SHOWN)
    return made


def running_since(folder: Folder, since: float) -> None:
    me = identity(os.getpid())
    components = {name: Component(name, "running", me, since=since) for name in SERVICES}
    folder.write(State("up", supervisor=me, components=components))


@pytest.mark.parametrize("deed", [keys.remove_key, keys.rotate_keys])
def test_a_service_that_has_not_read_its_ring_is_started_again_first(folder: Folder, deed: Any) -> None:
    """One that runs since before its ring was changed seals with the key that was first then: nothing is done."""
    running_since(folder, 999.0)
    with pytest.raises(StackError, match="runs since before its ring was changed"):
        deed(Namespace(key="outreach-1"))
    assert "outreach-1" in (folder.secrets / "outreach.keys").read_text()


def test_a_key_that_is_removed_is_kept_beside(folder: Folder) -> None:
    """It leaves the ring and stands in a file of its own, for a backup that needs it."""
    running_since(folder, 1001.0)
    folder.secret("outreach.keys.removed", "outreach-0 b2xkZXI=\n")
    keys.remove_key(Namespace(key="outreach-1"))
    assert (folder.secrets / "outreach.keys").read_text() == "outreach-2 bmV3\n"
    removed = folder.secrets / "outreach.keys.removed"
    assert removed.read_text() == "outreach-0 b2xkZXI=\noutreach-1 b2xk\n"
    assert removed.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("deed", [keys.add_keys, keys.remove_key])
def test_a_ring_of_the_users_own_is_not_changed(folder: Folder, deed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the environment names another file, the stack's own ring would be the wrong one to change."""
    running_since(folder, 1001.0)
    monkeypatch.setenv("VCC_OUTREACH_KEY_RING_FILE", "/etc/outreach.keys")
    with pytest.raises(StackError, match="VCC_OUTREACH_KEY_RING_FILE names a ring of your own"):
        deed(Namespace(key="outreach-1"))
    assert (folder.secrets / "eligibility.keys").read_text().startswith("eligibility-2 ")


def test_no_password_is_put_into_an_environment(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command of the service is told the file of its database, as the service is, and not the address in it."""
    told: list[dict[str, str]] = []

    def run(*_: Any, env: dict[str, str], **__: Any) -> subprocess.CompletedProcess[str]:
        told.append(env)
        return subprocess.CompletedProcess([], 0, SHOWN, "")

    running_since(folder, 1001.0)
    monkeypatch.undo()
    monkeypatch.setenv("VCC_STATE_DIR", str(folder.path))
    monkeypatch.setattr(subprocess, "run", run)
    assert keys._asked("outreach", "keys") == SHOWN
    assert "nightjar" not in str(told)
    assert told[0]["VCC_OUTREACH_DSN_FILE"] == str(folder.secrets / "outreach.dsn")
