"""Figures of sides that ran in turn: each side's rate, and how much faster one is than another, by the clock and by
processor time. On a machine with nothing else to do both say the same; else the second is nearer to the truth.
"""

from collections.abc import Iterator

from tests.load.report import Aim, Figure
from tests.load.rounds import Runs, cheapest, fastest
from tests.load.side import Taken


def rates(runs: Runs) -> Iterator[Figure]:
    """The fastest run of each side, with the processor time of its cheapest."""
    cheap = cheapest(runs)
    for name, taken in fastest(runs).items():
        yield Figure(name, taken.per_second, "facts/s", note=_spent(cheap[name]))


def ratio(runs: Runs, one: str, other: str, aim: Aim | None = None) -> Iterator[Figure]:
    """How many times as fast as the other the one is."""
    fast, cheap = fastest(runs), cheapest(runs)
    by_processor = cheap[other].processor_us / cheap[one].processor_us
    yield Figure(f"{one} / {other}", fast[one].per_second / fast[other].per_second, "x", aim)
    yield Figure(f"{one} / {other}, by processor time", by_processor, "x")


def _spent(taken: Taken) -> str:
    spent = ", ".join(f"{name} {seconds / taken.records * 1e6:.0f}" for name, seconds in taken.cpu_s.items())
    return f"µs of processor a fact: {spent}; peak {taken.rss_mb:.0f} MB"
