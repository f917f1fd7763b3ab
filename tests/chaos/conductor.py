"""Lets the faults of a schedule strike at their moments, beside the driver, and keeps what became of each."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.chaos.faults import FAULTS
from tests.chaos.fleet import NotStruckError
from tests.chaos.scene import Scene
from tests.chaos.schedule import Planned


@dataclass(slots=True)
class Struck:
    """What became of one planned fault. `missed` says why it hit nothing."""

    planned: Planned
    began_s: float
    took_s: float = 0.0
    missed: str = ""

    def __str__(self) -> str:
        missed = f": missed, {self.missed}" if self.missed else ""
        return f"{self.began_s:6.1f} s, for {self.took_s:4.1f} s: {self.planned}{missed}"


@dataclass(slots=True)
class Conductor:
    """Begins what is due and does not wait: the next one may strike while a service still comes back."""

    planned: Sequence[Planned]
    scene: Scene | None = None
    struck: list[Struck] = field(default_factory=list)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)
    _began: float = field(default_factory=time.monotonic)

    async def moment(self, beat: int, phase: str) -> None:
        due = [one for one in self.planned if (one.beat, one.phase) == (beat, phase)]
        for one in due:
            self._tasks.append(asyncio.create_task(self._strike(one)))
        await asyncio.sleep(0)

    async def finish(self) -> None:
        """Wait for what is under way; what a fault itself ran into is raised."""
        tasks, self._tasks = self._tasks, []
        await asyncio.gather(*tasks)

    async def _strike(self, planned: Planned) -> None:
        assert self.scene is not None
        struck = Struck(planned, time.monotonic() - self._began)
        self.struck.append(struck)
        try:
            await FAULTS[planned.fault].at(self.scene, planned.parameters)
            await self.scene.see_lives(planned.fault)
        except NotStruckError as missed:
            struck.missed = str(missed)
        except AssertionError as broken:
            self.scene.found(f"{planned.fault}: {broken}")
        finally:
            struck.took_s = time.monotonic() - self._began - struck.began_s
