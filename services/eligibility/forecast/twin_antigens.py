"""Antigens of one vaccine group whose rules are the same but for some vaccine types: one walk answers for both.

CDC writes diphtheria and tetanus alike, and measles and mumps, but for the single vaccines that are allowable.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import fields, is_dataclass
from functools import lru_cache
from itertools import combinations
from typing import Any, NamedTuple

from services.eligibility.forecast.model import SeriesForecast, SeriesStatus
from services.eligibility.forecast.schedule import Antigen, AntigenSeries, SeriesType, VaccineGroup

TOLD = frozenset({"name", "antigen", "group_name", "guidance"})
VACCINE_TYPES = frozenset({"countable", "vaccine_types", "from_most_recent", "inadvertent"})
BY_VACCINE_TYPE = frozenset({"preferable_by_cvx", "allowable_by_cvx"})


class Twin(NamedTuple):
    """`antigen` decides as the other does for whoever had none of the `differing` vaccine types and has no observation
    that concerns either; `series` are its own by the names of the other's."""

    antigen: str
    differing: frozenset[str]
    series: Mapping[str, AntigenSeries]


class UnlikeError(Exception):
    """The rules differ in more than vaccine types."""


@lru_cache(maxsize=256)
def twins_of(group: VaccineGroup) -> Mapping[str, Twin]:
    """By the name of the antigen that needs no walk of its own."""
    twins: dict[str, Twin] = {}
    for antigen, other in combinations(group.antigens, 2):
        try:
            differing = frozenset(_differing("", _rules(antigen), _rules(other)))
        except UnlikeError:
            continue
        series = {a.name: b for a, b in zip(_for_everybody(antigen), _for_everybody(other), strict=True)}
        twins.setdefault(other.name, Twin(antigen.name, differing, series))
    return twins


def told_by(twin: Twin, forecasts: Collection[SeriesForecast]) -> list[SeriesForecast]:
    """The other's forecasts as this antigen's."""
    return [_told(forecast, twin.series[forecast.series]) for forecast in forecasts]


def _told(forecast: SeriesForecast, series: AntigenSeries) -> SeriesForecast:
    guidance = series.guidance if forecast.status is SeriesStatus.NOT_COMPLETE else ""
    return forecast._replace(antigen=series.antigen, series=series.name, guidance=guidance)


def _for_everybody(antigen: Antigen) -> list[AntigenSeries]:
    return [series for series in antigen.series if series.kind is not SeriesType.RISK]


def _rules(antigen: Antigen) -> tuple[object, ...]:
    """Without an observation there is neither risk series nor contraindication."""
    return antigen.immunity_by_birth, tuple(_for_everybody(antigen))


def _differing(field: str, one: Any, other: Any) -> Iterator[str]:
    if field in VACCINE_TYPES and bool(one) == bool(other):  # an empty set may mean every type
        yield from one ^ other
    elif field in BY_VACCINE_TYPE:
        yield from (cvx for cvx in one.keys() | other.keys() if one.get(cvx) != other.get(cvx))
    elif is_dataclass(one) and type(one) is type(other):
        names = (
            attribute.name
            for attribute in fields(one)
            if attribute.name not in TOLD or not isinstance(one, AntigenSeries)
        )
        for name in names:
            yield from _differing(name, getattr(one, name), getattr(other, name))
    elif isinstance(one, tuple) and len(one) == len(other):
        for pair in zip(one, other, strict=True):
            yield from _differing("", *pair)
    elif one != other:
        raise UnlikeError
