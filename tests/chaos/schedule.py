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
    """`count` faults, of which one is long. Seeds that follow each other go through the whole list: none is left out by
    chance."""
    random = Random(f"{seed}:faults")
    picked = _dealt(list(only), seed, count) if only else _one_long(seed, count)
    random.shuffle(picked)
    planned = [_place(random, name, at, count) for at, name in enumerate(picked)]
    return sorted(planned, key=lambda one: (one.beat, one.phase))


def _one_long(seed: int, count: int) -> list[str]:
    long = [name for name, one in FAULTS.items() if one.is_long]
    short = [name for name, one in FAULTS.items() if not one.is_long]
    return _dealt(long, seed, min(count, 1)) + _dealt(short, seed, max(0, count - 1))


def _dealt(names: Sequence[str], seed: int, count: int) -> list[str]:
    """The next `count` of them, in an order that mixes the kinds and goes round."""
    turn = Random("the order of faults").sample(names, len(names))
    return [turn[(seed * count + at) % len(turn)] for at in range(count)]


def _place(random: Random, name: str, at: int, count: int) -> Planned:
    """Spread over the days, the first ones more, for then there is most to do."""
    one = FAULTS[name]
    beat = random.randrange(3) if one.is_long else min(int(at * len(BEATS) / count), len(BEATS) - 1)
    return Planned(beat, random.choice(one.phases), name, one.draw(random))
