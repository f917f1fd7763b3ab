"""An answer with ages in the place of days, and how it is filled with the days of one person."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from services.eligibility.forecast.dates import Period
from services.eligibility.forecast.model import SeriesForecast, Step, VaccineGroupForecast


class Moment(NamedTuple):
    """A day of one's life, `day` days after an age, or of the calendar."""

    age: Period | None
    day: int


class Outline(NamedTuple):
    """`moments` of which `dates` (field, moment), the series and the trail of each are made; none: nothing to fill."""

    answer: VaccineGroupForecast
    moments: tuple[Moment, ...]
    dates: tuple[tuple[int, int], ...]
    series: tuple["SeriesOutline", ...]
    set_aside: tuple["SeriesOutline", ...]


class SeriesOutline(NamedTuple):
    answer: SeriesForecast
    dates: tuple[tuple[int, int], ...]
    trail: tuple[tuple[int, int], ...]


SERIES, SET_ASIDE = (VaccineGroupForecast._fields.index(name) for name in ("series", "set_aside"))
TRAIL = SeriesForecast._fields.index("trail")


def outlined(answers: Iterable[VaccineGroupForecast], known: Mapping[int, Moment]) -> tuple[Outline, ...] | None:
    """None if some day in an answer is not one of those that are known."""
    try:
        return tuple([_outline(answer, known) for answer in answers])
    except KeyError:
        return None


def _outline(answer: VaccineGroupForecast, known: Mapping[int, Moment]) -> Outline:
    moments: dict[Moment, int] = {}
    dates = _dates(answer, known, moments)
    series, set_aside = (
        [_series(forecast, known, moments) for forecast in forecasts] for forecasts in (answer.series, answer.set_aside)
    )
    if not any(moment.age for moment in moments):
        return Outline(answer, (), (), (), ())
    return Outline(answer, tuple(moments), dates, tuple(series), tuple(set_aside))


def _series(answer: SeriesForecast, known: Mapping[int, Moment], moments: dict[Moment, int]) -> SeriesOutline:
    days = [(place, day) for place, (_, day, _) in enumerate(answer.trail) if day]
    return SeriesOutline(
        answer, _dates(answer, known, moments), tuple([(p, _place(known[day], moments)) for p, day in days])
    )


def _dates(
    fields: Sequence[Any], known: Mapping[int, Moment], moments: dict[Moment, int]
) -> tuple[tuple[int, int], ...]:
    dates = [(field, value) for field, value in enumerate(fields) if isinstance(value, date)]
    return tuple([(field, _place(known[value.toordinal()], moments)) for field, value in dates])


def _place(moment: Moment, moments: dict[Moment, int]) -> int:
    return moments.setdefault(moment, len(moments))


def filled(outlines: Iterable[Outline], ages: Mapping[Period, int]) -> list[VaccineGroupForecast]:
    return [_filled(outline, ages) for outline in outlines]


def _filled(outline: Outline, ages: Mapping[Period, int]) -> VaccineGroupForecast:
    if not outline.moments:
        return outline.answer
    days = [day if age is None else ages[age] + day for age, day in outline.moments]
    dates = list(map(date.fromordinal, days))
    fields: list[Any] = list(outline.answer)
    for field, moment in outline.dates:
        fields[field] = dates[moment]
    fields[SERIES] = tuple([_filled_series(series, days, dates) for series in outline.series])
    if outline.set_aside:
        fields[SET_ASIDE] = tuple([_filled_series(series, days, dates) for series in outline.set_aside])
    return VaccineGroupForecast._make(fields)


def _filled_series(outline: SeriesOutline, days: Sequence[int], dates: Sequence[date]) -> SeriesForecast:
    fields: list[Any] = list(outline.answer)
    for field, moment in outline.dates:
        fields[field] = dates[moment]
    if outline.trail:
        trail: list[Step] = list(outline.answer.trail)
        for place, moment in outline.trail:
            rule, _, target = trail[place]
            trail[place] = rule, days[moment], target
        fields[TRAIL] = tuple(trail)
    return SeriesForecast._make(fields)
