"""Forecasts and risk scores as they are kept, with what they were made from. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from services.eligibility.programmes.aim import Forecasted
from services.eligibility.programmes.risk.model import Score


@dataclass(frozen=True, slots=True)
class StoredForecast:
    """`inputs`: a digest of what it was made from."""

    inputs: str
    forecasted: Forecasted


@dataclass(frozen=True, slots=True)
class StoredScore:
    """A score and the inputs that give it again."""

    model: str
    score: Score
    inputs: Mapping[str, float]
    scored_on: date
