"""One forecast per vaccine group: the one to act upon, and what else is told of the group beside it."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import NamedTuple

from services.eligibility.forecast.engine import foremost
from services.eligibility.forecast.model import VaccineGroupForecast


class Headline(NamedTuple):
    forecast: VaccineGroupForecast
    others: tuple[VaccineGroupForecast, ...]


def headlines(forecasts: Iterable[VaccineGroupForecast], on: date) -> list[Headline]:
    """In the order in which the vaccine groups are told."""
    by_group: dict[str, list[VaccineGroupForecast]] = {}
    for forecast in forecasts:
        by_group.setdefault(forecast.vaccine_group, []).append(forecast)
    return [_headline(several, on) for several in by_group.values()]


def _headline(several: Sequence[VaccineGroupForecast], on: date) -> Headline:
    first = foremost(several, on) or several[0]
    return Headline(first, tuple(forecast for forecast in several if forecast is not first))
