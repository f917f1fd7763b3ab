"""Work that is done turn by turn until it is stopped."""

import ast
import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from services.kit import faults
from services.kit.repeating import Repeating


class Turns(Repeating):
    """Does `act` at each turn, numbered from 1, and pauses for what it gives."""

    def __init__(self, act: Callable[["Turns", int], float], *also: type[Exception]) -> None:
        super().__init__("turns", *also)
        self._act, self.turns = act, 0

    async def turn(self) -> float:
        self.turns += 1
        return self._act(self, self.turns)


def until(last: int, error: Exception) -> Callable[[Turns, int], float]:
    def act(worker: Turns, turn: int) -> float:
        if turn == last:
            worker.stop()
            return 0.0
        raise error

    return act


async def test_faults_end_their_turn_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that is away, and what the worker names as its own, are tried again; it gets on after that."""
    monkeypatch.setattr(faults, "FIRST_PAUSE_S", 0.001)
    for error in (ConnectionResetError(), LookupError()):
        worker = Turns(until(5, error), LookupError)
        await worker.run()
        assert (worker.turns, worker.faults.reason) == (5, None)


async def test_an_error_of_the_code_is_not_outlived() -> None:
    """Nobody goes on as if nothing were wrong: who watches the task hears of it."""
    worker = Turns(until(2, ZeroDivisionError()))
    with pytest.raises(ZeroDivisionError):
        await worker.run()
    assert worker.turns == 1


async def test_a_pause_ends_when_the_work_is_stopped() -> None:
    """A worker that waits for an hour ends at once."""
    begun = asyncio.Event()

    def begin(_worker: Turns, _turn: int) -> float:
        begun.set()
        return 3600.0

    worker = Turns(begin)
    async with asyncio.timeout(60):
        task = asyncio.create_task(worker.run())
        await begun.wait()
        worker.stop()
        await task
    assert worker.turns == 1


SERVICES = Path(__file__).parents[3] / "services"


def loops_of_their_own(source: str) -> list[str]:
    """Classes that run and stop without being `Repeating`, and tasks that nobody watches."""
    nodes = list(ast.walk(ast.parse(source)))
    classes = [node for node in nodes if isinstance(node, ast.ClassDef)]
    alone = [
        one.name
        for one in classes
        if {"run", "stop"}
        <= {each.name for each in one.body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)}
        and "Repeating" not in map(ast.unparse, one.bases)
    ]
    calls = [ast.unparse(node.func) for node in nodes if isinstance(node, ast.Call)]
    return alone + [call for call in calls if call.endswith(("create_task", "ensure_future", "TaskGroup"))]


def test_every_background_task_outlives_faults_by_the_one_rule() -> None:
    """Whatever runs beside the requests is `Repeating`, and is started by `Workers` alone; only the intake reads ahead
    in a task of its own, which it awaits."""
    found = {
        str(path.relative_to(SERVICES)): loops_of_their_own(path.read_text("utf-8")) for path in SERVICES.rglob("*.py")
    }
    assert {name: loops for name, loops in found.items() if loops} == {
        "kit/repeating.py": ["Repeating"],
        "kit/workers.py": ["Background", "asyncio.create_task"],
        "eligibility/intake/flow/file_run.py": ["asyncio.create_task"],
    }


@pytest.mark.parametrize(
    "planted", ["class Sweeper:\n    async def run(self): ...\n    def stop(self): ...", "asyncio.create_task(sweep())"]
)
def test_a_planted_loop_is_seen(planted: str) -> None:
    """The guard sees what it guards against."""
    assert loops_of_their_own(planted)
