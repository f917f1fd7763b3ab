"""`./vcc test`: every check that a change must pass. All of them run, so that one failure does not hide another."""

import argparse
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import IO, Self

from deploy.console import paint
from deploy.local.state import ROOT

CODE = ["deploy", "schemas", "services", "tests"]
BIN = Path(sys.executable).parent
Command = Sequence[str | Path]
QUICK_CHECKS: dict[str, Command] = {
    "lint": [BIN / "ruff", "check", "--quiet", *CODE],
    "format": [BIN / "ruff", "format", "--check", "--quiet", *CODE],
    "import walls": [BIN / "lint-imports", "--no-logo"],
}
TYPES: Command = [BIN / "mypy", *CODE]
PYTEST: Command = [sys.executable, "-m", "pytest", "-q"]
NO_TEST_RAN = 5  # pytest's exit code
QUICK = ["-m", "not (slow or postgres or kafka)"]
CHAINS = ["tests/flow", "tests/chaos"]  # whole stacks that are disturbed: they wait more than they compute
# Processes, each with servers of its own, one more than there are cores: many tests wait. A file's tests stay together,
# for they share what it sets up once. Files come in their own order: the broker's, which wait, first, the many small
# ones last, so that all end together.
SPREAD = ["-n", "3", "--dist", "loadfile", "--no-loadscope-reorder"]
OWN_CACHE = ["-o", "cache_dir=.pytest_cache/chains"]
GRACE_S = 60.0  # for tests that were told to end: they stop their servers


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    test = commands.add_parser(
        "test",
        description="Runs ruff, mypy, import-linter and pytest. Further arguments are given to pytest.",
    )
    test.add_argument("--quick", action="store_true", help="only what needs no server and is not slow: under a minute")
    test.set_defaults(run=run, passes_on=True, rest=[])


def run(arguments: argparse.Namespace) -> int:
    """1 when anything failed, and also when no test ran."""
    signal.signal(signal.SIGTERM, _end)
    failed = [name for name, command in QUICK_CHECKS.items() if not _passes(name, command)]
    sys.stdout.flush()
    shown, *beside = lanes(arguments.rest, is_quick=arguments.quick)
    began = time.monotonic()
    with ExitStack() as running:
        types = running.enter_context(Beside(TYPES))
        others = [running.enter_context(Beside(lane)) for lane in beside]
        codes = [running.enter_context(Beside(shown, is_shown=True)).wait()]
        for other in others:
            codes.append(other.wait())
            print(other.said(), flush=True)
        if not _tell("types", types.wait(), types.said()):
            failed.append("types")
    if words := verdict(codes):
        failed.append(words)
    print(f"tests and types took {time.monotonic() - began:.0f} s")
    print(paint(f"failed: {', '.join(failed)}", "red") if failed else paint("all checks passed", "green"))
    return 1 if failed else 0


def lanes(rest: Sequence[str], *, is_quick: bool) -> list[Command]:
    """What runs side by side, the first one before everybody's eyes. Whoever names tests gets one run of them."""
    if any((ROOT / argument.partition("::")[0]).exists() for argument in rest if not argument.startswith("-")):
        return [[*PYTEST, *(QUICK if is_quick else []), *rest]]
    spread = [*PYTEST, *SPREAD]
    if is_quick:
        return [[*spread, *QUICK, *rest]]
    return [[*spread, *(f"--ignore={chain}" for chain in CHAINS), *rest], [*PYTEST, *OWN_CACHE, *CHAINS, *rest]]


def verdict(codes: Sequence[int]) -> str:
    """What failed, of pytest's exit codes. A selection may leave one lane without a test, but not all of them."""
    if set(codes) == {NO_TEST_RAN}:
        return "tests: none ran"
    return "tests" if set(codes) - {0, NO_TEST_RAN} else ""


class Beside:
    """A command that runs within this block. What it says is kept, unless it is shown at once. When the block is left
    early the command gets the time to stop its servers; a Ctrl-C has reached it already."""

    def __init__(self, command: Command, *, is_shown: bool = False) -> None:
        self._command, self._is_shown = command, is_shown

    def __enter__(self) -> Self:
        self._said: IO[str] = tempfile.TemporaryFile("w+")
        where = None if self._is_shown else self._said
        self._process = subprocess.Popen(self._command, cwd=ROOT, stdout=where, stderr=where and subprocess.STDOUT)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is not KeyboardInterrupt:
                self._process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(GRACE_S)
        finally:
            self._process.kill()
            self._process.wait()
            self._said.close()

    def wait(self) -> int:
        return self._process.wait()

    def said(self) -> str:
        """Once it has ended: until then it writes at the place where we read."""
        self._said.seek(0)
        return self._said.read()


def _end(number: int, _frame: object) -> None:
    """Whoever is told to end ends what he started."""
    sys.exit(128 + number)


def _passes(name: str, command: Command) -> bool:
    began = time.monotonic()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return _tell(name, done.returncode, done.stdout + done.stderr, f"  {time.monotonic() - began:5.1f} s")


def _tell(name: str, code: int, output: str, took: str = "") -> bool:
    word = paint("failed", "red") if code else paint("passed", "green")
    print(f"{name:<13} {word}{took}", flush=True)
    if code:
        print(output, flush=True)
    return code == 0
