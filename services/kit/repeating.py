"""Work that runs beside the requests: one turn after the other until it is stopped, every fault outlived."""

import asyncio
from abc import ABC, abstractmethod

from services.kit.faults import Faults
from services.kit.waiting import wait


class Repeating(ABC):
    """A background task of a service. `name` is how its faults are told, `also` errors of its own that a later turn may
    outlive."""

    def __init__(self, name: str, *also: type[Exception]) -> None:
        self.faults = Faults(name, *also)
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """End after the turn at hand."""
        self._stopping.set()

    async def run(self) -> None:
        """Work until stopped; outlive a database, a broker or a disk that is away."""
        while not self._stopping.is_set():
            async with self.faults.outlived(self._stopping):
                await wait(self._stopping, await self.turn())

    @abstractmethod
    async def turn(self) -> float:
        """Do what is to do now. Gives how many seconds the next turn may wait."""
