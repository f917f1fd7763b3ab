"""Which faults strike a round, when, and with which parameters: all of it follows from the seed."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from random import Random

from tests.chaos.driver import BEATS
from tests.chaos.faults import FAULTS, Parameters


@dataclass(frozen=True, slots=True)
class Planned:
    """One line of a schedule."""

    beat: int
    phase: str
    fault: str
    parameters: Parameters

    def __str__(self) -> str:
        given = ", ".join(f"{name}={value}" for name, value in self.parameters.items())
        return f"day {BEATS[self.beat] + 1} before {self.phase}: {self.fault}" + (f" ({given})" if given else "")

    def as_json(self) -> str:
        return json.dumps(asdict(self))


def schedule(seed: int, count: int, only: Sequence[str] = ()) -> list[Planned]:
    """`count` faults. Seeds that follow each other go through the whole list, so that none is left out by chance."""
    random, names = Random(f"{seed}:faults"), list(only or FAULTS)
    turn = Random("the order of faults").sample(names, len(names))
    picked: list[str] = []
    at = seed * count
    while len(picked) < count:
        name = turn[at % len(turn)]
        at += 1
        if FAULTS[name].is_long and any(FAULTS[one].is_long for one in picked) and len(turn) > count:
            name = random.choice([one for one in names if not FAULTS[one].is_long])
        picked.append(name)
    planned = [_place(random, name, at, count) for at, name in enumerate(picked)]
    return sorted(planned, key=lambda one: (one.beat, one.phase))


def _place(random: Random, name: str, at: int, count: int) -> Planned:
    """Spread over the days, the first ones more, for then there is most to do."""
    one = FAULTS[name]
    beat = min(int(at * len(BEATS) / count), len(BEATS) - 1)
    return Planned(beat, random.choice(one.phases), name, one.draw(random))
