"""One side of a comparison, in a process of its own: what it is told, how its time is taken, what it answers.

Run as `python -m tests.load.side MODULE TASK.json ANSWER.json`; MODULE has `async def run(task, watch)`.
"""

import asyncio
import importlib
import json
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.load.stage import machine_s, processor_s

POLL_S = 0.002


@dataclass(frozen=True, slots=True)
class Task:
    """What a side is told. `options` differ from benchmark to benchmark."""

    module: str
    bootstrap: str = ""
    dsn: str = ""
    topic: str = ""
    group: str = ""
    records: int = 0
    pids: Mapping[str, int] = field(default_factory=dict)
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Taken:
    """What it took. `cpu_s`: processor seconds of the side itself, of each server, and of others on the machine, who
    blur what the clock says; `rss_mb`: the side's peak."""

    records: int
    wall_s: float
    cpu_s: Mapping[str, float]
    rss_mb: float
    notes: Mapping[str, float] = field(default_factory=dict)

    @property
    def per_second(self) -> float:
        return self.records / self.wall_s

    @property
    def processor_us(self) -> float:
        """Microseconds of the side and of its database for one record."""
        return (self.cpu_s["python"] + self.cpu_s.get("postgres", 0.0)) / self.records * 1e6


class Watch:
    """Started when the side has its partitions, stopped when the last record is committed."""

    def __init__(self, pids: Mapping[str, int]) -> None:
        self._pids = pids
        self._began: tuple[float, dict[str, float]] | None = None
        self.taken: Taken | None = None

    def start(self) -> None:
        self._began = time.perf_counter(), self._processor()

    def stop(self, records: int, **notes: float) -> None:
        assert self._began is not None
        wall_s = time.perf_counter() - self._began[0]
        cpu_s = {name: now - self._began[1][name] for name, now in self._processor().items()}
        machine = cpu_s.pop("machine")
        cpu_s["others"] = max(0.0, machine - sum(cpu_s.values()))
        self.taken = Taken(records, wall_s, cpu_s, peak_mb(), notes)

    def _processor(self) -> dict[str, float]:
        return {
            "python": time.process_time(),
            **{name: processor_s(pid) for name, pid in self._pids.items()},
            "machine": machine_s(),
        }


def peak_mb(pid: int | str = "self") -> float:
    """Peak of a process's resident memory. Not getrusage's: a child begins with its parent's."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmHWM:"))) / 1024


async def until(condition: Callable[[], bool], timeout_s: float = 250) -> None:
    """Poll until the condition holds."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come to hold in time"
        await asyncio.sleep(POLL_S)


def main(task_path: str, answer_path: str) -> None:
    task = Task(**json.loads(Path(task_path).read_text()))
    watch = Watch(task.pids)
    asyncio.run(importlib.import_module(f"tests.load.{task.module}").run(task, watch))
    assert watch.taken is not None
    Path(answer_path).write_text(json.dumps(asdict(watch.taken)))


if __name__ == "__main__":
    main(*sys.argv[1:])
