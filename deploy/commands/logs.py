"""`./vcc logs [COMPONENT] [-f]`."""

import argparse
import sys
import time
from pathlib import Path

from deploy.errors import StackError
from deploy.local.state import here

POLL_S = 0.3


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    logs = commands.add_parser("logs", description="Shows the last lines of one component's log, or of each.")
    logs.add_argument(
        "component", nargs="?", help="a service, kafka, postgres, issuer or supervisor; all when left out"
    )
    logs.add_argument("-f", "--follow", action="store_true", help="goes on with new lines until Ctrl-C")
    logs.add_argument("-n", "--lines", type=int, default=40, help="how many of the last lines (40)")
    logs.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    paths = _paths(arguments.component)
    several = len(paths) > 1
    for path in paths:
        for line in path.read_text(errors="replace").splitlines()[-arguments.lines :] if arguments.lines else ():
            _show(path, line, several=several)
    if arguments.follow:
        _follow(paths, several=several)
    return 0


def _paths(component: str | None) -> list[Path]:
    folder = here()
    there = sorted(folder.logs.glob("*.log"))
    if component is None:
        if not there:
            raise StackError("nothing has logged yet", "start the stack: ./vcc up")
        return there
    if not folder.log(component).exists():
        names = ", ".join(path.stem for path in there) or "none yet"
        raise StackError(f"there is no log of {component}", f"there are: {names}")
    return [folder.log(component)]


def _follow(paths: list[Path], *, several: bool) -> None:
    """By size: a log that was shortened under us starts again at its beginning."""
    seen = {path: path.stat().st_size for path in paths}
    while True:
        for path in paths:
            size = path.stat().st_size
            if size == seen[path]:
                continue
            with path.open("rb") as log:
                log.seek(seen[path] if size > seen[path] else 0)
                whole, newline, _ = log.read().rpartition(b"\n")
            for line in whole.decode(errors="replace").splitlines():
                _show(path, line, several=several)
            seen[path] = (seen[path] if size > seen[path] else 0) + len(whole) + len(newline)
        sys.stdout.flush()
        time.sleep(POLL_S)


def _show(path: Path, line: str, *, several: bool) -> None:
    print(f"{path.stem:<12} {line}" if several else line)
