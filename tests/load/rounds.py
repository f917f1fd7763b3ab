"""Runs the sides of a comparison in turn, each in a process of its own, and keeps the best run of each."""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from deploy.local.process import plain_environment, tail
from deploy.local.state import ROOT
from tests.load.side import Taken, Task
from tests.load.stage import Stage

TIMEOUT_S = 280


class SideError(Exception):
    """A side ended without an answer; the end of its log says why."""


@dataclass(frozen=True, slots=True)
class Options:
    """What was asked for. `profile`: a folder into which py-spy writes stacks; `members`: sizes of the whole chain."""

    quick: bool = False
    profile: Path | None = None
    members: tuple[int, ...] = ()


def run_side(task: Task, stage: Stage) -> Taken:
    """Run one side to its end."""
    folder = stage.folder
    order, answer, log = folder / "task.json", folder / "answer.json", folder / "side.log"
    order.write_text(json.dumps(asdict(task)))
    answer.unlink(missing_ok=True)
    with log.open("wb") as stream:
        subprocess.run(
            [*_profiler(task, stage.profile), sys.executable, "-m", "tests.load.side", order, answer],
            cwd=ROOT, env=plain_environment(), stdin=subprocess.DEVNULL, stdout=stream, stderr=stream,
            timeout=TIMEOUT_S, check=False,
        )  # fmt: skip
    if not answer.exists():
        raise SideError(f"{task.module}:\n{tail(log, 30)}")
    return Taken(**json.loads(answer.read_text()))


def _profiler(task: Task, folder: Path | None) -> list[str]:
    """Folded stacks of the time on the processor, for a flame graph or for `sort`."""
    if folder is None:
        return []
    name = "-".join([task.module, *(value for value in task.options.values() if "/" not in value)]).replace(" ", "-")
    return ["py-spy", "record", "--format", "raw", "--rate", "200", "--output", str(folder / f"{name}.txt"), "--"]


Runs = Mapping[str, Sequence[Taken]]


def in_turn(rounds: int, sides: Mapping[str, Callable[[], Taken]]) -> Runs:
    """Every side once in each round, so that what disturbs the machine disturbs all."""
    runs: dict[str, list[Taken]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, run in sides.items():
            runs[name].append(run())
    return runs


def fastest(runs: Runs) -> dict[str, Taken]:
    """The best run of each side by the clock."""
    return {name: max(taken, key=lambda one: one.per_second) for name, taken in runs.items()}


def cheapest(runs: Runs) -> dict[str, Taken]:
    """The best run of each side by processor time, which others on the machine blur less."""
    return {name: min(taken, key=lambda one: one.processor_us) for name, taken in runs.items()}
