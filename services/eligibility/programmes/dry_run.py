"""What a programme document would do: who would enter and leave, why, and how that falls on each group. Pure.

Figures are internal: they show small groups, so that a bias is seen before it acts, and are no release.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from uuid import UUID

from services.eligibility.programmes import cap as caps
from services.eligibility.programmes.cap import Cap, CutOff

DIMENSIONS = ("plan", "county", "race_ethnicity", "language", "sex", "age_band", "line_of_business")


@dataclass(frozen=True, slots=True)
class Judged:
    """One enrolment under the document, before its cap: was it eligible, and what speaks against it. `groups` are in
    the order of `DIMENSIONS`."""

    enrolment_id: UUID
    was_eligible: bool
    was_because: tuple[str, ...]
    reasons: tuple[str, ...]
    groups: tuple[str, ...]
    score: int | None = None
    tier: str | None = None
    arm: str | None = None
    cap_group: str | None = None
    cap_rank: int | None = None


@dataclass(slots=True)
class Movement:
    """How many of a group come, go, stay in and stay out."""

    enter: int = 0
    leave: int = 0
    stay: int = 0
    out: int = 0

    @property
    def members(self) -> int:
        return self.enter + self.leave + self.stay + self.out

    @property
    def share_in(self) -> float:
        return (self.enter + self.stay) / self.members if self.members else 0.0

    def add(self, was: bool, is_now: bool) -> None:
        name = ("out", "enter", "leave", "stay")[2 * was + is_now]
        setattr(self, name, getattr(self, name) + 1)


@dataclass(slots=True)
class Scores:
    """The risk scores of a group."""

    by_score: Counter[int] = field(default_factory=Counter)
    tiers: Counter[str] = field(default_factory=Counter)

    @property
    def mean(self) -> float:
        return sum(score * count for score, count in self.by_score.items()) / max(1, self.by_score.total())

    def quantile(self, share: float) -> int:
        """The lowest score that at least this share of the group does not exceed."""
        reached, wanted = 0, share * self.by_score.total()
        for score, count in sorted(self.by_score.items()):
            reached += count
            if reached >= wanted:
                return score
        return 0


@dataclass(slots=True)
class DryRun:
    """Counts by movement, reason, group and arm. `sample` names some who enter or leave, with the reasons."""

    sample_size: int = 0
    total: Movement = field(default_factory=Movement)
    kept_out_by: Counter[str] = field(default_factory=Counter)
    left_by: Counter[str] = field(default_factory=Counter)
    entered_despite: Counter[str] = field(default_factory=Counter)
    arms: Counter[str] = field(default_factory=Counter)
    movements: dict[tuple[str, str], Movement] = field(default_factory=lambda: defaultdict(Movement))
    scores: dict[tuple[str, str], Scores] = field(default_factory=lambda: defaultdict(Scores))
    cut_offs: dict[str, CutOff] = field(default_factory=dict)
    entering: list[tuple[UUID, tuple[str, ...]]] = field(default_factory=list)
    leaving: list[tuple[UUID, tuple[str, ...]]] = field(default_factory=list)

    def add(self, judged: Judged) -> None:
        """One enrolment, with its cap applied."""
        was, is_now = judged.was_eligible, not judged.reasons
        self.total.add(was, is_now)
        self.kept_out_by.update(judged.reasons)
        if judged.arm:
            self.arms[judged.arm] += 1
        if was and not is_now:
            self.left_by.update(judged.reasons)
            self._name(self.leaving, judged.enrolment_id, judged.reasons)
        if is_now and not was:
            self.entered_despite.update(judged.was_because or ("not-decided",))
            self._name(self.entering, judged.enrolment_id, judged.was_because)
        for group in (("all", "all"), *zip(DIMENSIONS, judged.groups, strict=True)):
            self.movements[group].add(was, is_now)
            if judged.score is not None:
                self.scores[group].by_score[judged.score] += 1
                self.scores[group].tiers[judged.tier or ""] += 1

    def _name(self, sample: list[tuple[UUID, tuple[str, ...]]], who: UUID, why: tuple[str, ...]) -> None:
        if len(sample) < self.sample_size:
            sample.append((who, why))

    def impact(self, dimension: str, group: str) -> float | None:
        """The group's share that is in, by that of everybody: far from 1 asks for a look. None without members in."""
        overall = self.movements["all", "all"].share_in if ("all", "all") in self.movements else 0.0
        return self.movements[dimension, group].share_in / overall if overall else None


class Trial:
    """Takes enrolments one by one; with a cap those of the segment are held until everybody is known."""

    def __init__(self, cap: Cap | None, sample_size: int = 0) -> None:
        self._cap, self._found = cap, DryRun(sample_size)
        self._held: list[Judged] = []

    def take(self, judged: Judged) -> None:
        if self._cap is not None and judged.cap_rank is not None:
            self._held.append(judged)
        else:
            self._found.add(judged)

    def result(self) -> DryRun:
        if self._cap is not None:
            self._found.cut_offs = caps.draw(self._cap, _ranks(self._held))
            for judged in _capped(self._held, self._found.cut_offs):
                self._found.add(judged)
        return self._found


def _ranks(held: Iterable[Judged]) -> Mapping[str, list[int]]:
    ranks: defaultdict[str, list[int]] = defaultdict(list)
    for judged in held:
        ranks[judged.cap_group or ""].append(judged.cap_rank or 0)
    return ranks


def _capped(held: Iterable[Judged], cut_offs: Mapping[str, CutOff]) -> Iterator[Judged]:
    """Whom the cap leaves out is drawn for no arm."""
    for judged in held:
        if not (why := caps.why_not(cut_offs[judged.cap_group or ""].rank, judged.cap_rank or 0)):
            yield judged
        else:
            kept = tuple(reason for reason in judged.reasons if reason != "control-arm")
            yield replace(judged, reasons=(*kept, *why), arm=None)
