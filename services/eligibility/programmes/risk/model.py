"""A transparent points model of risk: each factor's points are told, and their sum is the score. Pure.

A fitted model may take its place: whatever has `model_id`, `version` and gives a `Score` for the same inputs. None is
shipped, for there are no outcomes here to fit one to.
"""

from collections.abc import Mapping
from dataclasses import dataclass

MOST = 100


@dataclass(frozen=True, slots=True)
class Step:
    """Points from this value on, up to the next step."""

    at_least: float
    points: int


@dataclass(frozen=True, slots=True)
class Factor:
    """One input and its points. `missing` are the points where nothing is known of it."""

    code: str
    title: str
    input: str
    steps: tuple[Step, ...]
    source: str
    missing: int = 0


@dataclass(frozen=True, slots=True)
class Tier:
    code: str
    at_least: int


@dataclass(frozen=True, slots=True)
class PointsModel:
    """One version of a risk document. `tiers` from the lowest up; the first begins at 0."""

    model_id: str
    version: int
    title: str
    factors: tuple[Factor, ...]
    tiers: tuple[Tier, ...]
    sha256: str = ""

    @property
    def cited(self) -> str:
        return f"{self.model_id}.{self.version}"

    @property
    def turning_ages(self) -> frozenset[int]:
        steps = (step for factor in self.factors if factor.input == "age" for step in factor.steps)
        return frozenset(int(step.at_least) for step in steps if step.at_least > 0)


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one factor added. `value` None: nothing is known of it."""

    factor: str
    value: float | None
    points: int


@dataclass(frozen=True, slots=True)
class Score:
    """`score` is the sum of the contributions, cut to 0-100."""

    score: int
    tier: str
    contributions: tuple[Contribution, ...]


def score(model: PointsModel, inputs: Mapping[str, float]) -> Score:
    """The same inputs give the same score: nothing else is looked at."""
    found = tuple(_contribution(factor, inputs.get(factor.input)) for factor in model.factors)
    total = max(0, min(MOST, sum(contribution.points for contribution in found)))
    tier = next(candidate.code for candidate in reversed(model.tiers) if total >= candidate.at_least)
    return Score(total, tier, found)


def _contribution(factor: Factor, value: float | None) -> Contribution:
    if value is None:
        return Contribution(factor.code, None, factor.missing)
    reached = [step.points for step in factor.steps if value >= step.at_least]
    return Contribution(factor.code, value, reached[-1] if reached else 0)
