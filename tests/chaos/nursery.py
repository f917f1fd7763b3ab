"""Starts service processes in no time: one process imports everything once, and each service is forked off it. A round
kills so many that importing anew for each would take most of the machine.

    python -m tests.chaos.nursery      reads {"arguments", "environment", "log"} a line, answers each with a pid

It also takes {"adopted", "signal"}: a process of the driver's that is to end, by this signal, when the driver is gone.
"""

import gc
import importlib
import json
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.local.process import Identity, alive, identity, plain_environment
from deploy.local.state import ROOT

SERVICES = ("eligibility", "outreach", "scheduling", "reporting")
POLL_S = 0.02


@dataclass(slots=True)
class Forked:
    """A process that is not our child: whether it still lives is asked of the kernel."""

    pid: int
    who: Identity | None

    def poll(self) -> bool | None:
        """None while it lives, as Popen says it."""
        return None if self.who is not None and alive(self.who) else True

    def wait(self, timeout_s: float = 60.0) -> None:
        """Raises subprocess.TimeoutExpired if it lives on."""
        deadline = time.monotonic() + timeout_s
        while self.poll() is None:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(str(self.pid), timeout_s)
            time.sleep(POLL_S)


class Nursery:
    """The one that has imported everything, seen from the driver."""

    def __init__(self, log: Path) -> None:
        environment = {**plain_environment(), "PYTHONPATH": str(ROOT)}
        with log.open("ab") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "tests.chaos.nursery"], env=environment, text=True, bufsize=1,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, start_new_session=True,
            )  # fmt: skip

    def start(self, arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> Forked:
        """A service process with these arguments of the launcher."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        asked = {"arguments": list(arguments), "environment": dict(environment), "log": str(log)}
        self._process.stdin.write(json.dumps(asked) + "\n")
        pid = int(self._process.stdout.readline())
        return Forked(pid, identity(pid))

    def adopt(self, pid: int, number: signal.Signals) -> None:
        """A server that the driver started himself, and would leave behind if he were killed."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"adopted": identity(pid), "signal": number}) + "\n")

    def close(self) -> None:
        self._process.communicate(timeout=60)  # it may still be importing


def main() -> None:
    for service in SERVICES:
        importlib.import_module(f"services.{service}.app")
    importlib.import_module("tests.chaos.launcher")
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel buries the dead
    gc.collect()
    gc.freeze()
    ours: list[tuple[Identity | None, int]] = []
    for line in sys.stdin:
        asked = json.loads(line)
        if "adopted" in asked:
            ours.append((asked["adopted"] and Identity(*asked["adopted"]), asked["signal"]))
            continue
        pid = os.fork()
        if pid == 0:
            _become(asked)
        ours.append((identity(pid), signal.SIGKILL))
        print(pid, flush=True)
    for one, number in ours:  # the driver has gone, perhaps without a word: nobody else would end them
        if one is not None and alive(one):
            os.kill(one.pid, number)


def _become(asked: Mapping[str, Any]) -> None:
    """In the child: a session, an environment and a log of its own, and then the service."""
    from tests.chaos import launcher

    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    log = os.open(asked["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for target, source in ((0, nothing), (1, log), (2, log)):
        os.dup2(source, target)
    os.environ.clear()
    os.environ.update(asked["environment"])
    code = 1
    try:
        launcher.main(asked["arguments"])
        code = 0
    except BaseException:  # noqa: BLE001 - a child never returns into the loop above
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main()
