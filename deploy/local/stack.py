"""Brings this checkout's stack up and down from the outside: starts its supervisor, watches, asks it to stop."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from deploy.console import Progress
from deploy.environment import saying
from deploy.errors import StackError
from deploy.install import require_room
from deploy.local import process
from deploy.local.children import end_all
from deploy.local.plan import Plan
from deploy.local.state import ROOT, Folder, State, here

POLL_S = 0.1
STOP_TIMEOUT_S = 75.0  # three ranks of 20 s grace, and some
KEPT_BY_WIPE = ("venv.lock",)
ROOM_BYTES = 500_000_000  # Kafka and Postgres write that much before anybody fed them


def up() -> bool:
    """Returns when every component is ready. False when the stack was up already."""
    folder = here()
    folder.make()
    before = folder.read()
    if before.supervised:
        return _join(folder, before)
    require_room(folder.path, ROOM_BYTES)
    fetch(Plan(folder))
    began, supervisor = time.time(), _start_supervisor(folder)
    try:
        _watch_it_start(folder, began, supervisor)
    except KeyboardInterrupt:
        with Progress("Stopping what was started"):
            supervisor.terminate()
            supervisor.wait(STOP_TIMEOUT_S)
        raise
    return True


def _join(folder: Folder, before: State) -> bool:
    """Somebody else's `up`, or `down`, is at work here."""
    if before.phase == "up":
        return False
    if before.phase == "stopping":
        raise StackError("the stack is being stopped", "wait for it (./vcc status), then start it again")
    print("Another vcc is starting this stack; waiting for it.", file=sys.stderr)
    _watch_it_start(folder, before.since, None)
    return True


def fetch(plan: Plan) -> None:
    """Everything that has to be downloaded first, here, where somebody sees the progress."""
    if plan.own_kafka:
        from deploy.local.jars import classpath
        from deploy.local.java import java

        java()
        classpath()
    if plan.own_postgres:
        from deploy.local.postgres_binaries import binaries, major_of

        binaries(major_of(plan.folder.data / "postgres"))


def _start_supervisor(folder: Folder) -> subprocess.Popen[bytes]:
    with folder.log("supervisor").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "deploy.local.supervisor"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=saying(os.environ, PYTHONPATH=str(ROOT), VCC_STATE_DIR=str(folder.path)),
            start_new_session=True,
        )


def _watch_it_start(folder: Folder, began: float, supervisor: subprocess.Popen[bytes] | None) -> None:
    """Follows its steps; what an earlier one wrote before `began` is old news. Raises StackError in its own words."""
    seen = ""
    with Progress("Starting") as progress:
        while True:
            gone = supervisor is None or supervisor.poll() is not None
            state = folder.read()
            if state.since >= began and state.phase == "failed":
                raise StackError(state.what, state.do)
            if state.supervised and state.phase == "up":
                return
            if state.supervised and state.step != seen:
                seen = state.step
                progress.step(seen)
            if gone and not state.supervised:
                raise _vanished(folder, state)
            time.sleep(POLL_S)


def _vanished(folder: Folder, state: State) -> StackError:
    if state.phase == "down":
        return StackError("the stack was stopped while it was starting", "start it again: ./vcc up")
    log = folder.log("supervisor")
    return StackError(f"the supervisor ended unexpectedly:\n{process.tail(log)}", f"the whole log: {log}")


def down(*, wipe: bool = False) -> bool:
    """Returns when nothing of the stack runs any more. False when nothing ran."""
    folder = here()
    ran = stop(folder)
    if wipe:
        _wipe(folder)
    return ran


def stop(folder: Folder) -> bool:
    state = folder.read()
    if state.supervised:
        assert state.supervisor is not None
        with Progress("Stopping"):
            os.kill(state.supervisor.pid, signal.SIGTERM)
            if not process.wait_gone(state.supervisor, STOP_TIMEOUT_S):
                raise StackError("the supervisor does not stop", f"its log: {folder.log('supervisor')}")
        return True
    left = [
        component for component in state.components.values() if component.identity and process.alive(component.identity)
    ]
    if left:
        with Progress(f"Stopping what a killed supervisor left ({', '.join(component.name for component in left)})"):
            end_all(left)
    if state.phase not in {"down", "failed"}:
        state.phase, state.step, state.supervisor = "down", "", None
        folder.write(state)
    return bool(left)


def _wipe(folder: Folder) -> None:
    """All but the key rings: what they seal may stand in a database of the user's own, which nothing here touches."""
    elsewhere = folder.data / "postgres"
    if elsewhere.is_symlink():
        shutil.rmtree(elsewhere.readlink().parent, ignore_errors=True)
    for path in folder.path.glob("*") if folder.path.is_dir() else ():
        if path == folder.secrets:
            _wipe_secrets(folder)
        elif path.name not in KEPT_BY_WIPE:
            _delete(path)


def _wipe_secrets(folder: Folder) -> None:
    rings = set(folder.rings())
    for path in folder.secrets.iterdir():
        if path not in rings:
            _delete(path)


def _delete(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


@contextmanager
def held_up() -> Iterator[None]:
    """The stack is up within this block; afterwards it is stopped if this block started it, also after Ctrl-C, SIGTERM
    or a closed terminal."""
    for number in (signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, _interrupt)
    started = up()
    try:
        yield
    finally:
        if started:
            for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
                signal.signal(number, signal.SIG_IGN)  # an impatient second Ctrl-C must not leave half a stack
            down()


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
