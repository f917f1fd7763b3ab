"""The list of faults: each has a name, draws its parameters from the round's seed, and strikes."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from random import Random

from tests.chaos.scene import Scene

Parameters = Mapping[str, str | int | float]
Draw = Callable[[Random], Parameters]
Strike = Callable[..., Awaitable[None]]

PHASES = ("files", "calls", "sites")
LISTENERS = ("outreach", "scheduling", "reporting")
SERVICES = ("eligibility", *LISTENERS)
ASKED = ("scheduling", "outreach")
OWNERS = ("eligibility", "outreach", "scheduling")


@dataclass(frozen=True, slots=True)
class Fault:
    """`phases`: before which deeds of a day it may be begun; `is_long`: a round bears one of these."""

    name: str
    phases: tuple[str, ...]
    draw: Draw
    strike: Strike
    is_long: bool = False

    async def at(self, scene: Scene, parameters: Parameters) -> None:
        await self.strike(scene, **parameters)


FAULTS: dict[str, Fault] = {}


def fault(
    name: str, draw: Draw = lambda _: {}, phases: tuple[str, ...] = PHASES, *, is_long: bool = False
) -> Callable[[Strike], Strike]:
    """Put the function that strikes on the list."""

    def add(strike: Strike) -> Strike:
        assert name not in FAULTS, name
        FAULTS[name] = Fault(name, phases, draw, strike, is_long)
        return strike

    return add
