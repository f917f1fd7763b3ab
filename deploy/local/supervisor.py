"""The process that holds a stack up: brings it up in order, restarts what died, stops it in reverse.

It runs in a session of its own (`python -m deploy.local.supervisor`), so it outlives the terminal; `state.json` tells
everybody else how far it is. It ends only what it started, or what a killed supervisor of the same folder started.
"""

import os
import shutil
import signal
import sys
import time
from pathlib import Path
from threading import Event, RLock, Thread
from types import FrameType

from deploy.errors import StackError
from deploy.local import process
from deploy.local.bring_up import bring_up
from deploy.local.children import Children, Stopped, end_all, note
from deploy.local.plan import Plan
from deploy.local.state import Folder, Phase, State, here

ALREADY_SUPERVISED = 4  # exit code
TICK_S = 0.1
LONGEST_LOG_BYTES = 50_000_000
LOG_CHECK_S = 30.0


class Supervisor:
    def __init__(self, plan: Plan) -> None:
        self._plan, self._folder = plan, plan.folder
        self._started = time.monotonic()
        self._stop, self._lock = Event(), RLock()
        self._state = State(supervisor=process.identity(os.getpid()), since=time.time())
        self._children = Children(self._state.components, self._stop, self._save)

    def run(self) -> int:
        """Until asked to stop; 3 when it did not come up."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._asked_to_stop)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        phase: Phase = "failed"
        try:
            self._end_orphans()
            self._state.issuer_url = bring_up(self._plan, self._children, self._say)
            self._watch()
            phase = "down"
        except Stopped:
            phase = "down"
        except StackError as error:
            self._state.what, self._state.do = error.what, error.do
        finally:
            self._say("stopping", "stopping what was started")
            self._children.stop()
            if phase == "failed" and not self._state.what:  # a fault of ours: its traceback goes to the log
                self._state.what, self._state.do = "the supervisor failed", f"see {self._folder.log('supervisor')}"
            self._say(phase, "")
        return 3 if phase == "failed" else 0

    def _asked_to_stop(self, number: int, frame: FrameType | None) -> None:
        self._stop.set()

    def _save(self) -> None:
        with self._lock:
            try:
                self._folder.write(self._state)
            except OSError as error:  # a full disk must not keep us from stopping what runs
                note(f"state.json could not be written: {error.strerror}")

    def _say(self, phase: Phase, step: str) -> None:
        self._state.phase, self._state.step = phase, step
        self._save()
        note(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {phase} {step}")

    def _end_orphans(self) -> None:
        """What the last supervisor of this folder left running when it was killed."""
        left = [
            component
            for component in self._folder.read().components.values()
            if component.identity and process.alive(component.identity)
        ]
        if left:
            note(f"ending what a killed supervisor left: {', '.join(component.name for component in left)}")
            end_all(left)

    def _watch(self) -> None:
        self._state.took_s = time.monotonic() - self._started
        self._say("up", "")
        logs_checked_at = 0.0
        Thread(target=self._children.ask_until, args=(self._stop,), daemon=True).start()
        while not self._stop.wait(TICK_S):
            self._children.tend()
            if time.monotonic() - logs_checked_at > LOG_CHECK_S:
                logs_checked_at = time.monotonic()
                shorten_logs(self._folder)


def shorten_logs(folder: Folder) -> None:
    """A log that grew too long moves to `.1`; its writer appends, so it goes on in the emptied file."""
    for log in folder.logs.glob("*.log"):
        try:
            if log.stat().st_size > LONGEST_LOG_BYTES:
                _keep_copy(log)
                os.truncate(log, 0)
        except OSError as error:
            note(f"{log.name} could not be shortened: {error.strerror}")


def _keep_copy(log: Path) -> None:
    """On a full disk there is no room for one: the log is emptied all the same, or it would stay full."""
    kept = log.with_suffix(".log.1")
    try:
        shutil.copyfile(log, kept)
    except OSError as error:
        kept.unlink(missing_ok=True)
        note(f"{log.name} is emptied without a copy: {error.strerror}")


def supervise(plan: Plan) -> int:
    os.umask(process.PRIVATE)
    plan.folder.make()
    with plan.folder.supervising() as alone:
        return Supervisor(plan).run() if alone else ALREADY_SUPERVISED


if __name__ == "__main__":
    sys.exit(supervise(Plan(here())))
