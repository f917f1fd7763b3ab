"""Named points in a service's process at which it can be made to die, stand still or fail. None of this is in the
service: the launcher wraps the functions that pass the points before the service starts.

A point is armed by a file `<service>.<point>` that holds how many passes to let go by and what to do then. Whoever
takes it renames it, so of several instances one is hit; `.fired` beside it tells that it happened.
"""

import asyncio
import json
import os
import signal
import time
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

POINTS = (
    "batch.before-commit", "batch.after-commit", "batch.announcing", "batch.announced", "batch.handled",
    "request.before-commit", "request.after-commit", "intake.before-commit", "intake.after-commit",
    "relay.sending", "relay.sent", "relay.marked", "ack.before", "ack.after",
    "migration.before-commit", "migration.after-commit",
)  # fmt: skip
DEEDS = ("kill", "stop", "fail", "leak")
HANDLER_BUG = "handler-bug"

work: ContextVar[str] = ContextVar("work", default="")
"""What the task at hand is: a consumer's batch, a request, a slice of a file."""


class InjectedError(OSError):
    """A fault that was asked for: what a network would raise."""


class InjectedBugError(ValueError):
    """A bug that was asked for: no network and no database is to blame."""


@dataclass(slots=True)
class Armed:
    """What the process has taken of a file: so many passes more, then the deed."""

    passes: int
    deed: str


@dataclass(slots=True)
class Switchboard:
    """The armed points of one service, seen from inside of one of its processes."""

    folder: Path
    service: str
    _armed: dict[str, Armed] = field(default_factory=dict)
    _paths: dict[str, str] = field(default_factory=dict)

    def passed(self, point: str) -> None:
        """Called at every pass; nearly always there is no file, and that costs a microsecond."""
        armed = self._armed.get(point) or self._take(point)
        if armed is None:
            return
        armed.passes -= 1
        if armed.passes > 0:
            return
        del self._armed[point]
        Path(self._path(point) + ".fired").write_text(str(os.getpid()))
        self._do(armed.deed)

    def _path(self, point: str) -> str:
        if point not in self._paths:
            self._paths[point] = str(self.folder / f"{self.service}.{point}")
        return self._paths[point]

    def _take(self, point: str) -> Armed | None:
        path = self._path(point)
        if not os.path.exists(path):  # noqa: PTH110 - a Path object for each pass would cost more than the look
            return None
        taken = f"{path}.{os.getpid()}"
        try:
            os.rename(path, taken)  # noqa: PTH104
        except FileNotFoundError:  # another instance was quicker
            return None
        self._armed[point] = armed = Armed(**json.loads(Path(taken).read_text()))
        return armed

    def _do(self, deed: str) -> None:
        if deed == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
            time.sleep(60)  # it does not come back from the kernel as fast as one thinks
        elif deed == "stop":
            os.kill(os.getpid(), signal.SIGSTOP)
        elif deed == "leak":
            raise asyncio.CancelledError
        else:
            raise InjectedError(deed)

    def has_bug_for(self, member_token: int) -> bool:
        """Whether the handlers are to choke on this member: the file names one residue class of tokens."""
        path = self._path(HANDLER_BUG)
        if not os.path.exists(path):  # noqa: PTH110
            return False
        modulus, residue = json.loads(Path(path).read_text())
        return bool(member_token % modulus == residue)

    async def held_back(self, consumer: str) -> None:
        """Wait while this group's topic is held back."""
        path = self._path(f"held-{consumer}")
        while os.path.exists(path):  # noqa: PTH110, ASYNC110, ASYNC240
            await asyncio.sleep(0.1)


Wrapped = Callable[..., Awaitable[Any]]


def install(board: Switchboard) -> None:
    """Wrap what passes the points. To be called before the service's own modules are imported."""
    _mark_work()
    _watch_commits(board)
    _watch_announcements(board)
    _watch_relay(board)
    _watch_acknowledgement(board)


def _during(name: str, inner: Wrapped) -> Wrapped:
    async def wrapped(*arguments: Any, **more: Any) -> Any:
        before = work.set(name)
        try:
            return await inner(*arguments, **more)
        finally:
            work.reset(before)

    return wrapped


def _mark_work() -> None:
    from services.kit import applying, edge, migrations

    _replace(applying, "apply_batch", lambda inner: _during("batch", inner))
    _replace(migrations, "_apply", lambda inner: _during("migration", inner))
    _replace(edge.Edge, "__call__", lambda inner: _during("request", inner))


def mark_intake() -> None:
    """After the eligibility service was imported: its files are work of their own."""
    from services.eligibility.intake.flow.file_run import FileRun

    for name in ("_apply_slice", "_finish"):
        _replace(FileRun, name, lambda inner: _during("intake", inner))


def _watch_commits(board: Switchboard) -> None:
    from asyncpg.transaction import Transaction

    def watch(leave: Wrapped) -> Wrapped:
        async def watched(self: Any, extype: Any, error: Any, trace: Any) -> None:
            name = "" if extype is not None or self._nested else work.get()
            if name:
                board.passed(f"{name}.before-commit")
            await leave(self, extype, error, trace)
            if name:
                board.passed(f"{name}.after-commit")

        return watched

    _replace(Transaction, "__aexit__", watch)


def _watch_announcements(board: Switchboard) -> None:
    from services.kit import applying, outbox

    def watch_save(save: Wrapped) -> Wrapped:
        async def watched(connection: Any, events: Any, traces: Any) -> None:
            board.passed(f"{work.get() or 'other'}.announcing")
            await save(connection, events, traces)
            board.passed(f"{work.get() or 'other'}.announced")

        return watched

    def watch_apply(apply: Wrapped) -> Wrapped:
        async def watched(pool: Any, consumer: str, decoded: Any, handler: Any, of_generation: Any = None) -> Any:
            async def choking(unit: Any, events: Any) -> None:
                if any(board.has_bug_for(_token(event)) for event in events):
                    raise InjectedBugError
                await handler(unit, events)
                board.passed("batch.handled")

            await board.held_back(consumer)
            return await apply(pool, consumer, decoded, choking, of_generation)

        return watched

    _replace(outbox, "save_events", watch_save)
    _replace(applying, "apply_batch", watch_apply)


def _token(event: Any) -> int:
    member_token = getattr(event, "member_token", None)
    return int(member_token) if member_token is not None else 0


def _watch_relay(board: Switchboard) -> None:
    from services.kit import relay

    def watch_create(create: Wrapped) -> Wrapped:
        async def watched(*arguments: Any) -> Any:
            producer = await create(*arguments)
            _replace(producer, "send", lambda send: _passing(board, "relay.sending", send))
            return producer

        return watched

    _replace(relay, "create_producer", watch_create)
    _replace(relay.Relay, "_send", lambda inner: _passing(board, "", inner, "relay.sent"))
    _replace(relay.Relay, "_publish_batch", lambda inner: _passing(board, "", inner, "relay.marked"))


def _watch_acknowledgement(board: Switchboard) -> None:
    from faststream.kafka.message import KafkaAckableMessage

    _replace(KafkaAckableMessage, "ack", lambda inner: _passing(board, "ack.before", inner, "ack.after"))


def _passing(board: Switchboard, before: str, inner: Wrapped, after: str = "") -> Wrapped:
    """`inner` between two points. What gave nothing (an empty outbox, say) passes no point behind it."""

    async def watched(*arguments: Any, **more: Any) -> Any:
        if before:
            board.passed(before)
        done = await inner(*arguments, **more)
        if after and (done or done is None):
            board.passed(after)
        return done

    return watched


def _replace(owner: Any, name: str, wrap: Callable[[Wrapped], Wrapped]) -> None:
    setattr(owner, name, wrap(getattr(owner, name)))
