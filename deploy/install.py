"""Installs what a lock file names, checked by hash, with uv or pip; failures become sentences.

Standard library only: this runs before `.venv` exists.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from deploy.console import Progress
from deploy.errors import StackError

OFFLINE = re.compile(
    r"NewConnectionError|ConnectionError|Connection refused|name resolution|Failed to (fetch|download)|"
    r"error sending request|ReadTimeout|ConnectTimeout|Network is unreachable|nodename nor servname|"
    r"from versions: none|CERTIFICATE_VERIFY",
    re.IGNORECASE,
)
DISK_FULL = re.compile(r"No space left on device|Disk quota exceeded|os error 28", re.IGNORECASE)
WRONG_HASH = re.compile(r"DO NOT MATCH THE HASHES|Hash mismatch for", re.IGNORECASE)
HASHED_PACKAGE = re.compile(r"^\s*(?:([\w.-]+==[\w.]+) from |.*Hash mismatch for `?([\w.-]+==[\w.]+))", re.MULTILINE)

PIP_STEP = re.compile(r"(?:Collecting|Requirement already satisfied:) ([^ ;]+)")


def install(lock: Path, into: list[str], *, title: str, python: Path | None = None) -> None:
    """Installs everything `lock` names; `into` is `[]` for that Python's own folder or `["--target", folder]`."""
    interpreter = python or Path(sys.executable)
    packages = sum("==" in line for line in lock.read_text().splitlines())
    output = ""
    for tool in _tools(interpreter):
        with Progress(f"{title}; from the package index, by {lock.name} and its SHA-256s") as progress:
            code, output = _run([*tool, *into, "-r", str(lock)], progress, packages)
        if code == 0:
            return
        _refuse_tampered(output, lock)
    print(output, end="", file=sys.stderr)
    if OFFLINE.search(output):
        raise StackError(
            f"downloading what {lock.name} names failed",
            "check the network, HTTPS_PROXY and pip's own configuration (`pip config list`); then retry",
        )
    raise StackError(f"installing from {lock.name} failed: {_last_line(output)}", "the whole output stands above")


def require_room(where: Path, needed_bytes: int) -> None:
    """Before anything is begun: half a start on a full disk explains itself badly."""
    free = shutil.disk_usage(where).free
    if free < needed_bytes:
        raise StackError(
            f"only {free // 1_000_000} MB are free under {where}, about {needed_bytes // 1_000_000} MB are needed",
            "free some disk space, then retry",
        )


def _tools(python: Path) -> Iterator[list[str]]:
    """uv when it is on the PATH (its own settings may not reach a registry), then pip."""
    locked = ["--require-hashes", "--no-deps", "--only-binary", ":all:"]
    if uv := shutil.which("uv"):
        yield [uv, "pip", "install", "--python", str(python), *locked]
    if subprocess.run([python, "-m", "pip", "--version"], capture_output=True, check=False).returncode:
        _add_pip(python)
    yield [str(python), "-m", "pip", "install", "--progress-bar", "off", "--no-input", *locked]


def _add_pip(python: Path) -> None:
    made = subprocess.run([python, "-m", "ensurepip"], capture_output=True, text=True, check=False)
    if made.returncode:
        raise StackError(f"{python} has no pip: {_last_line(made.stderr)}", MISSING_VENV)


MISSING_VENV = (
    "install Python's venv and ensurepip modules (Debian and Ubuntu: apt install python3-venv; "
    "Fedora: dnf install python3-pip), or put `uv` on the PATH"
)


def _run(command: list[str], progress: Progress, packages: int) -> tuple[int, str]:
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    seen, output = 0, []
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", env=environment
    ) as running:
        assert running.stdout is not None
        for line in running.stdout:
            output.append(line)
            if found := PIP_STEP.match(line):
                seen += 1
                progress.update(f"{seen}/{packages} {found[1]}")
    return running.returncode, "".join(output)


def _refuse_tampered(output: str, lock: Path) -> None:
    """What no second tool would mend."""
    if WRONG_HASH.search(output):
        found = HASHED_PACKAGE.search(output)
        name = next(filter(None, found.groups()), "a package") if found else "a package"
        raise StackError(
            f"{name} is not the file that {lock.name} names: its SHA-256 differs",
            "it was not installed; a proxy or mirror may have changed it. Get the registry's own file, then retry",
        )
    if DISK_FULL.search(output):
        raise StackError("the disk is full", "free about 1 GB here or in the temporary folder (TMPDIR), then retry")


def _last_line(output: str) -> str:
    return next((line.strip() for line in reversed(output.splitlines()) if line.strip()), "no output")
