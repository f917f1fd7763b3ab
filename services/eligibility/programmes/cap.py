"""Caps: of a programme's segment only so many, or such a share, of each group, the highest ranked first. Pure.

Each member has a rank of his own (a score, then a seeded tie-break), so a cap is one number per group, the rank of the
last one admitted. That number is drawn on a day and then stands, so who is decided later is compared with it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from math import ceil

from services.eligibility.programmes.arms import fraction

TIE_BITS = 32
REASONS = {
    "cap-not-drawn": "This version's cap is not drawn yet; a new group waits for the next business day to open.",
    "below-cap": "Others in the member's group rank higher, and the programme's cap is reached.",
}


@dataclass(frozen=True, slots=True)
class Cap:
    """`share` or `count` of each group; `by`: risk or priority; `per`: county, plan, zip or all; `redraw`: never,
    monthly or weekly."""

    share: float | None = None
    count: int | None = None
    by: str = "risk"
    per: str = "all"
    redraw: str = "never"


@dataclass(frozen=True, slots=True)
class CutOff:
    """What was drawn for one group: the rank of the last one admitted, among how many."""

    group: str
    rank: int
    population: int
    admitted: int

    @property
    def score(self) -> int:
        """Of the last one admitted."""
        return self.rank >> TIE_BITS


def rank_of(score: int, seed: str, person: str) -> int:
    """Unique but for a collision of one in four thousand million."""
    return (score << TIE_BITS) | int(fraction(seed, person) * (1 << TIE_BITS))


def places(cap: Cap, population: int) -> int:
    """How many of a group are admitted: a share is rounded up, so that a small group is not left out."""
    limit = cap.count if cap.count is not None else ceil((cap.share or 0.0) * population - 1e-9)
    return min(population, limit)


def draw(cap: Cap, ranks: Mapping[str, Iterable[int]]) -> dict[str, CutOff]:
    """A cut-off per group. Where nobody is admitted it lies above everybody."""
    return {group: _cut_off(cap, group, sorted(members, reverse=True)) for group, members in ranks.items()}


def _cut_off(cap: Cap, group: str, ranks: list[int]) -> CutOff:
    admitted = places(cap, len(ranks))
    rank = ranks[admitted - 1] if admitted else (ranks[0] + 1 if ranks else 0)
    return CutOff(group, rank, len(ranks), admitted)


def is_to_draw(cap: Cap, drawn_on: date | None, day: date) -> bool:
    """A group is drawn when it first has members under this version, and when a new week or month has begun where the
    cap says so. `drawn_on`: by this version."""
    if drawn_on is None:
        return True
    match cap.redraw:
        case "weekly":
            return drawn_on.isocalendar()[:2] != day.isocalendar()[:2]
        case "monthly":
            return (drawn_on.year, drawn_on.month) != (day.year, day.month)
        case _:
            return False


def why_not(cut_off_rank: int | None, rank: int) -> tuple[str, ...]:
    if cut_off_rank is None:
        return ("cap-not-drawn",)
    return () if rank >= cut_off_rank else ("below-cap",)
