"""What a fault works on, and what it reports: the stage of one round."""

import asyncio
import json
import signal
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from tests.chaos.driver import Driver
from tests.chaos.fleet import Fleet, Instance, NotStruckError
from tests.chaos.servers import Servers

FALLS_WITHIN_S = 15.0
RETURNS_WITHIN_S = 30.0
DRAINS_WITHIN_S = 20.0
FIRED_TIMEOUT_S = 30.0
READY_TIMEOUT_S = 150.0
POLL_S = 0.05


@dataclass(slots=True)
class Scene:
    """Servers, services and the driver of a round. `findings`: promises that were broken, each a sentence."""

    servers: Servers
    fleet: Fleet
    driver: Driver
    run: Path
    random: Random
    findings: list[str] = field(default_factory=list)
    measured: dict[str, list[float]] = field(default_factory=dict)
    ground: asyncio.Lock = field(default_factory=asyncio.Lock)  # one thing at a time below the services
    tablespaces: asyncio.Lock = field(default_factory=asyncio.Lock)  # none is made between a backup and its replay
    owners: dict[str, asyncio.Lock] = field(default_factory=dict)

    def owning(self, service: str) -> asyncio.Lock:
        """Held by who starts and stops instances of the service: two at once would take them from each other."""
        return self.owners.setdefault(service, asyncio.Lock())

    def found(self, sentence: str) -> None:
        self.findings.append(sentence)

    def measure(self, name: str, value: float) -> None:
        self.measured.setdefault(name, []).append(round(value, 2))

    # -- points

    async def fire(self, service: str, point: str, passes: int, deed: str, timeout_s: float = FIRED_TIMEOUT_S) -> int:
        """Arm a point and wait until a process has run into it; that process's id."""
        armed = self.fleet.arms / f"{service}.{point}"
        fired = armed.with_name(armed.name + ".fired")
        fired.unlink(missing_ok=True)
        unfinished = armed.with_name(armed.name + ".new")
        unfinished.write_text(json.dumps({"passes": passes, "deed": deed}))
        unfinished.replace(armed)
        try:
            await until(fired.exists, timeout_s, NotStruckError(f"nothing passed {point} of {service}"))
        finally:
            armed.unlink(missing_ok=True)
        return int(fired.read_text() or 0)

    # -- instances

    async def until_back(self, service: str, began: float) -> None:
        """Every instance that is wanted is ready. How long it took since the blow is measured."""
        await until(
            lambda: all(one.is_ready and one.started_at + 0.01 < _seen_at(one) for one in self.fleet.of(service)),
            READY_TIMEOUT_S, AssertionError(f"{service} did not become ready again: {self.why(service)}"),
        )  # fmt: skip
        self.measure("ready again after a kill", time.monotonic() - began)

    async def see_lives(self, after: str) -> None:
        """Every background task of every instance lives, or its process has been started again."""
        deadline = time.monotonic() + READY_TIMEOUT_S
        while gone := [told for one in self.fleet.instances if one.is_wanted and (told := await one.gone_tasks())]:
            if time.monotonic() > deadline:
                self.found(f"{after}: not every background task lives: {'; '.join(gone)}")
                return
            await asyncio.sleep(0.5)

    def why(self, service: str) -> str:
        return "; ".join(one.seen[-1].reasons[:400] for one in self.fleet.of(service) if one.seen)

    async def kill(self, one: Instance) -> None:
        """kill -9, and wait until it is back."""
        began = time.monotonic()
        if one.signal(signal.SIGKILL) is None:
            raise NotStruckError(f"{one.name} was down already")
        await asyncio.sleep(2 * POLL_S)
        await self.until_back(one.service, began)

    async def drain(self, one: Instance) -> None:
        """SIGTERM: the process ends by itself within its time."""
        took_s = await self.fleet.drain(one)
        if took_s is None or took_s > DRAINS_WITHIN_S:
            self.found(f"{one.name} did not drain within {DRAINS_WITHIN_S:.0f} s: {took_s}")
        self.measure("drained", took_s if took_s is not None else 99)

    # -- dependencies

    async def outage(self, services: Sequence[str], lose: Any, give_back: Any, away_s: float) -> None:
        """Lose a dependency of these services for a time, and see that readiness follows, with no restart."""
        watched = [(one, one.pid, one.starts) for name in services for one in self.fleet.of(name) if one.is_ready]
        began = time.monotonic()
        await lose()
        try:
            await asyncio.sleep(away_s)
        finally:
            await give_back()
        back = time.monotonic()
        if back - began > FALLS_WITHIN_S + 1:
            self._see_fall(watched, began)
        await self._see_return(watched, back)

    def _see_fall(self, watched: Iterable[tuple[Instance, int | None, int]], began: float) -> None:
        for one, pid, starts in watched:
            if one.pid != pid or one.starts != starts:
                continue
            falls = [seen.at - began for seen in one.seen if seen.at > began and not seen.is_ready]
            if not falls or falls[0] > FALLS_WITHIN_S + 1:
                self.found(f"{one.name} stayed ready after its dependency was lost: {falls[:1]}")
            else:
                self.measure("not ready after a loss", falls[0])

    async def _see_return(self, watched: Iterable[tuple[Instance, int | None, int]], back: float) -> None:
        watched = list(watched)

        def all_back() -> bool:
            return all(one.is_ready or one.pid != pid for one, pid, _ in watched)

        try:
            await until(all_back, RETURNS_WITHIN_S, TimeoutError())
        except TimeoutError:
            late = [f"{one.name}: {one.seen[-1].reasons[:300]}" for one, pid, _ in watched if not one.is_ready]
            self.found(f"not ready {RETURNS_WITHIN_S:.0f} s after the dependency's return: {'; '.join(late)}")
            return
        self.measure("ready after a return", time.monotonic() - back)


def _seen_at(one: Instance) -> float:
    return one.seen[-1].at if one.seen else 0.0


async def until(holds: Callable[[], bool], timeout_s: float, otherwise: Exception) -> None:
    deadline = time.monotonic() + timeout_s
    while not holds():
        if time.monotonic() > deadline:
            raise otherwise
        await asyncio.sleep(POLL_S)
