"""Child processes: how one is started, recognised later by a stranger, and ended.

A pid alone names nobody: numbers are reused. An `Identity` adds the instant the kernel started that process, so nothing
that somebody else runs is ever signalled.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from deploy.local.account import group_of

POLL_S = 0.05
LONGEST_KILL_S = 5.0
PRIVATE = 0o077
"""What a component writes is read by its account alone."""


class Identity(NamedTuple):
    pid: int
    started: str


def plain_environment() -> dict[str, str]:
    """Ours without our own settings: what one component is told, its neighbours need not know."""
    return {name: value for name, value in os.environ.items() if not name.startswith("VCC_")}


@dataclass(frozen=True, slots=True)
class Spec:
    """All that is needed to start one component again and again."""

    name: str
    command: Sequence[str | Path]
    log: Path
    environment: Mapping[str, str] = field(default_factory=plain_environment)
    account: str | None = None  # an unprivileged user to become (root only)
    folder: Path | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    grace_s: float = 20.0
    ready: Callable[[], str] = str  # "" when it serves, else what is still missing
    live: Callable[[], bool] | None = None  # whether it answers at all; None: nobody asks


def start(spec: Spec) -> subprocess.Popen[bytes]:
    """In a session of its own: neither Ctrl-C nor a closed terminal reaches it."""
    spec.log.touch(mode=0o600)
    with spec.log.open("ab") as log:  # appending lets the supervisor shorten a long log under a running process
        return subprocess.Popen(
            [str(part) for part in spec.command],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=spec.folder,
            env=dict(spec.environment),
            start_new_session=True,
            user=spec.account,
            group=group_of(spec.account),
            extra_groups=[] if spec.account else None,
            umask=PRIVATE,
        )


def identity(pid: int) -> Identity | None:
    """None when no such process runs (a zombie has ended: only its parent has not looked yet)."""
    started = _started_linux(pid) if Path("/proc/self/stat").exists() else _started_elsewhere(pid)
    return Identity(pid, started) if started else None


def _started_linux(pid: int) -> str:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""
    state, *rest = stat.rpartition(")")[2].split()  # the name before it may hold blanks and brackets
    return "" if state in "ZX" else f"{boot}/{rest[18]}"


def _started_elsewhere(pid: int) -> str:
    shown = subprocess.run(["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    state, _, started = shown.stdout.strip().partition(" ")
    return "" if state.startswith("Z") else started.strip()


def alive(who: Identity) -> bool:
    return identity(who.pid) == who


def end(who: Identity, stop_signal: signal.Signals, grace_s: float) -> bool:
    """Asks, waits, then kills with its whole session. True when it ended by itself."""
    if not alive(who):
        return True
    ask_to_end(who, stop_signal)
    if wait_gone(who, grace_s):
        return True
    kill(who)
    wait_gone(who, LONGEST_KILL_S)
    return False


def kill(who: Identity) -> None:
    """With its whole session."""
    try:
        if alive(who):
            os.killpg(who.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        ask_to_end(who, signal.SIGKILL)


def ask_to_end(who: Identity, number: signal.Signals) -> None:
    try:
        if alive(who):
            os.kill(who.pid, number)
    except ProcessLookupError:
        return


def wait_gone(who: Identity, timeout_s: float) -> bool:
    deadline = time.monotonic() + timeout_s
    while alive(who):
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True


def tail(log: Path, lines: int = 15) -> str:
    try:
        return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""
