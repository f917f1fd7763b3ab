"""Makes `.venv` from the lock files on first use and enters it; standard library only.

The stamp is removed before the first change and written after the last: what a killed run left is never trusted.
"""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

from deploy.errors import StackError
from deploy.install import MISSING_VENV, install, require_room

# Resolved together: the second, for tests, holds all of the first.
LOCKS = ("requirements.lock", "requirements-dev.lock")
FAULT, INTERRUPTED = 3, 130  # exit codes, as in deploy.cli
DEVELOPING = frozenset({"test", "bench", "chaos", "supply"})
"""Commands that need the packages of development too."""
ROOM_BYTES = 700_000_000  # what the packages and pip's temporary copies take


def enter(root: str, arguments: list[str]) -> NoReturn:
    """Replaces this process by the command line inside `.venv`."""
    home = Path(root)
    try:
        python = ensure(home, with_tests=not DEVELOPING.isdisjoint(arguments[:1]))
    except StackError as error:
        print(f"vcc: {error}", file=sys.stderr)
        sys.exit(FAULT)
    except KeyboardInterrupt:
        print("\nvcc: stopped; the next run completes .venv", file=sys.stderr)
        sys.exit(INTERRUPTED)
    # -P: a folder named deploy or services where the user happens to stand must not hide ours.
    environment = {**os.environ, "PYTHONPATH": root}
    if environment.pop("PYTHONDONTWRITEBYTECODE", ""):  # without bytecode a service takes three times as long to start
        environment["PYTHONPYCACHEPREFIX"] = str(home / ".vcc" / "pycache")
    os.execve(python, [str(python), "-P", "-m", "deploy.cli", *arguments], environment)  # noqa: S606


def ensure(root: Path, *, with_tests: bool) -> Path:
    """The Python of an up-to-date `.venv`, made or completed when it is not."""
    venv = root / ".venv"
    if not _current(root, venv, with_tests):
        with _alone(root):
            if not _current(root, venv, with_tests):
                _build(root, venv, with_tests)
    return venv / "bin" / "python"


def _current(root: Path, venv: Path, with_tests: bool) -> bool:
    stamp = _stamp(venv)
    wanted = LOCKS if with_tests else LOCKS[:1]
    return _usable(venv) and all(stamp.get(lock) == _digest(root / lock) for lock in wanted)


def _build(root: Path, venv: Path, with_tests: bool) -> None:
    had, digests = _stamp(venv), {name: _digest(root / name) for name in LOCKS}
    require_room(root, ROOM_BYTES)
    if not (had and _usable(venv)):
        had = {}
        _make_empty(venv)
    lock = LOCKS[1] if with_tests or LOCKS[1] in had else LOCKS[0]
    (venv / "vcc.json").unlink(missing_ok=True)
    python = venv / "bin" / "python"
    install(
        root / lock, [], python=python, title=f"Installing {'packages and test tools' if 'dev' in lock else 'packages'}"
    )
    held = {name: digests[name] for name in (LOCKS if lock == LOCKS[1] else LOCKS[:1])}
    (venv / "vcc.json").write_text(json.dumps(held))


def _make_empty(venv: Path) -> None:
    if find_spec("venv") is None or (find_spec("ensurepip") is None and not shutil.which("uv")):
        raise StackError("this Python cannot make virtual environments", MISSING_VENV)
    shutil.rmtree(venv, ignore_errors=True)
    pip = [] if find_spec("ensurepip") else ["--without-pip"]
    made = subprocess.run([sys.executable, "-m", "venv", *pip, str(venv)], capture_output=True, text=True, check=False)
    if made.returncode:
        shutil.rmtree(venv, ignore_errors=True)
        raise StackError(f"making {venv} failed: {(made.stdout + made.stderr).strip()}", MISSING_VENV)


def _usable(venv: Path) -> bool:
    """False when `.venv` is not there or the Python it was made with has gone."""
    return os.access(venv / "bin" / "python", os.X_OK)


def _stamp(venv: Path) -> dict[str, str]:
    try:
        stamp: dict[str, str] = json.loads((venv / "vcc.json").read_text())
    except (OSError, ValueError):
        return {}
    return stamp


def _digest(lock: Path) -> str:
    try:
        return hashlib.sha256(lock.read_bytes()).hexdigest()
    except FileNotFoundError:
        raise StackError(
            f"{lock} is missing", "restore it from the repository: nothing is installed without it"
        ) from None


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    """Only one process makes `.venv`; the kernel frees the lock of a killed one."""
    folder = root / ".vcc"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        lock = (folder / "venv.lock").open("w")
    except OSError as error:
        raise StackError(
            f"{folder} cannot be written: {error.strerror}", "run vcc in a checkout that you own"
        ) from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Another vcc is preparing .venv; waiting for it ...", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
