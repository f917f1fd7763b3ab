"""`./vcc test`: every check that a change must pass. All of them run, so that one failure does not hide another."""

import argparse
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from deploy.console import paint
from deploy.local.state import ROOT

CODE = ["deploy", "schemas", "services", "tests"]
BIN = Path(sys.executable).parent
QUICK_CHECKS: dict[str, list[str | Path]] = {
    "lint": [BIN / "ruff", "check", "--quiet", *CODE],
    "format": [BIN / "ruff", "format", "--check", "--quiet", *CODE],
    "import walls": [BIN / "lint-imports", "--no-logo"],
}
TYPES: list[str | Path] = [BIN / "mypy", *CODE]
NO_TEST_RAN = 5  # pytest's exit code


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    test = commands.add_parser(
        "test",
        description="Runs ruff, mypy, import-linter and pytest. Further arguments are given to pytest.",
    )
    test.add_argument("--quick", action="store_true", help="only what needs no server and is not slow: under a minute")
    test.set_defaults(run=run, passes_on=True, rest=[])


def run(arguments: argparse.Namespace) -> int:
    """1 when anything failed, and also when no test ran."""
    failed = [name for name, command in QUICK_CHECKS.items() if not _passes(name, command)]
    began = time.monotonic()
    types = subprocess.Popen(TYPES, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        code = _pytest(arguments)
        output, _ = types.communicate()
    finally:
        types.kill()
        types.wait()
    if not _tell("types", types.returncode, output, began):
        failed.append("types")
    if code:
        failed.append("tests: none ran" if code == NO_TEST_RAN else "tests")
    print(paint(f"failed: {', '.join(failed)}", "red") if failed else paint("all checks passed", "green"))
    return 1 if failed else 0


def _pytest(arguments: argparse.Namespace) -> int:
    selected = ["-m", "not (slow or postgres or kafka)"] if arguments.quick else []
    sys.stdout.flush()
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *selected, *arguments.rest], cwd=ROOT, check=False
    ).returncode


def _passes(name: str, command: Sequence[str | Path]) -> bool:
    began = time.monotonic()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return _tell(name, done.returncode, done.stdout + done.stderr, began)


def _tell(name: str, code: int, output: str, began: float) -> bool:
    verdict = paint("failed", "red") if code else paint("passed", "green")
    print(f"{name:<13} {verdict}  {time.monotonic() - began:5.1f} s", flush=True)
    if code:
        print(output, flush=True)
    return code == 0
