"""The background tasks of a service, by name. Each lives until the drain; one that ends before, in whatever way, takes
the process with it: half a service would be worse than none."""

import asyncio
import os
import re
import signal
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import structlog

from services.kit import log
from services.kit.faults import Faults

RUNNING = "running"


class Background(Protocol):
    """Work that runs beside the requests until it is stopped, and returns no sooner."""

    async def run(self) -> None: ...
    def stop(self) -> None: ...


@runtime_checkable
class Outliving(Protocol):
    """A worker that says whether it gets on."""

    faults: Faults


@runtime_checkable
class Checked(Protocol):
    """A worker that is asked at /ready, by this name, whether it is well: None, or why not."""

    check: str

    def trouble(self) -> str | None: ...


def end_process() -> None:
    """In good order: requests are answered, batches finished, groups left. Whoever supervises starts it again."""
    os.kill(os.getpid(), signal.SIGTERM)


@dataclass(frozen=True, slots=True)
class _Started:
    worker: Background
    task: asyncio.Task[None]


class Workers:
    """All of one process. `ended` is called when one is gone without having been asked."""

    def __init__(self, ended: Callable[[], None]) -> None:
        self._ended = ended
        self._started: dict[str, _Started] = {}
        self._is_draining = False

    def start(self, worker: Background, run: Coroutine[Any, Any, None]) -> None:
        """`run` is what the worker does: its own `run`, or that after a condition."""
        name = self._free_name(worker)
        task = asyncio.create_task(run, name=name)
        self._started[name] = _Started(worker, task)
        task.add_done_callback(self._on_end)

    def _free_name(self, worker: Background) -> str:
        name = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", type(worker).__name__).lower()
        return name if name not in self._started else f"{name}-{len(self._started)}"

    def states(self) -> Mapping[str, str]:
        """`running`, or how it ended, by the task's name."""
        return {name: _state(entry.task) for name, entry in self._started.items()}

    def trouble(self) -> str | None:
        """The workers that live and do not get on."""
        reasons = (
            entry.worker.faults.reason for entry in self._started.values() if isinstance(entry.worker, Outliving)
        )
        return ", ".join(reason for reason in reasons if reason is not None) or None

    async def drain(self, timeout_s: float) -> None:
        """Let each finish what it has at hand; after so long it is cancelled."""
        self._is_draining = True
        for entry in self._started.values():
            entry.worker.stop()
        _, late = await asyncio.wait([entry.task for entry in self._started.values()], timeout=timeout_s)
        for task in late:
            task.cancel()
        if late:
            structlog.get_logger().warning("drained late", count=len(late))
            await asyncio.wait(late, timeout=2)

    def _on_end(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if self._is_draining and error is None:
            return
        fields = {"error": _state(task)} if error is None else log.fault_fields(error)
        structlog.get_logger().error("background task died", consumer=task.get_name(), **fields)
        if not self._is_draining:
            self._ended()


def _state(task: asyncio.Task[None]) -> str:
    if not task.done():
        return RUNNING
    if task.cancelled():
        return "cancelled"
    return type(error).__name__ if (error := task.exception()) else "returned"
