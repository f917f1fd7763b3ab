"""Seasonal recommendations of the season that an assessment date falls into.

A release holds one season's dates. CDC's change histories show the same days rolled forward one year with every new
season, seasonal recommendation and conditional skips alike; an assessment of an earlier season rolls them back.
A season that has ended is never rolled forward: what comes next is for the next release to say (Table 7-10).
"""

from dataclasses import replace
from functools import lru_cache

from services.eligibility.forecast.dates import DISTANT_FUTURE, DISTANT_PAST, add_months
from services.eligibility.forecast.schedule import AntigenSeries, Condition, ConditionalSkip, SeriesDose


def targets_in_season(series: AntigenSeries, assessed: int) -> tuple[SeriesDose, ...]:
    return _in_season_of(series, assessed) if series.is_seasonal else series.doses


@lru_cache(maxsize=4096)
def _in_season_of(series: AntigenSeries, assessed: int) -> tuple[SeriesDose, ...]:
    return tuple([_rolled_back(d, years) if (years := _seasons_before(d, assessed)) else d for d in series.doses])


def _seasons_before(dose: SeriesDose, assessed: int) -> int:
    """Years back to the first season that ends on or after the assessment date; open-ended seasons stay."""
    if not dose.seasonal or dose.season_end == DISTANT_FUTURE:
        return 0
    years = 0
    while _years_back(dose.season_end, years + 1) >= assessed:
        years += 1
    return years


@lru_cache(maxsize=4096)
def _rolled_back(dose: SeriesDose, years: int) -> SeriesDose:
    return replace(
        dose,
        season_start=_years_back(dose.season_start, years),
        season_end=_years_back(dose.season_end, years),
        evaluation_skips=tuple(_skip(s, years) for s in dose.evaluation_skips),
        forecast_skips=tuple(_skip(s, years) for s in dose.forecast_skips),
    )


def _skip(skip: ConditionalSkip, years: int) -> ConditionalSkip:
    sets = (replace(s, conditions=tuple(_condition(c, years) for c in s.conditions)) for s in skip.sets)
    return replace(skip, sets=tuple(sets))


def _condition(condition: Condition, years: int) -> Condition:
    return replace(condition, start=_years_back(condition.start, years), end=_years_back(condition.end, years))


def _years_back(day: int, years: int) -> int:
    return day if day in {DISTANT_PAST, DISTANT_FUTURE} else add_months(day, -12 * years)
