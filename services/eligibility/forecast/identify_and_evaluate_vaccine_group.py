"""9 Identify and evaluate vaccine group: best patient series blended into forecasts that people know by name."""

from collections.abc import Iterable, Sequence
from datetime import date

from services.eligibility.forecast.model import (
    DoseEvaluation,
    EvaluationStatus,
    ForecastStatus,
    SeriesForecast,
    SeriesStatus,
    VaccineGroupForecast,
)
from services.eligibility.forecast.schedule import VaccineGroup

Forecasts = Sequence[SeriesForecast]
_LEAST_FAVOURABLE = {
    EvaluationStatus.SUB_STANDARD: 0,
    EvaluationStatus.NOT_VALID: 1,
    EvaluationStatus.VALID: 2,
    EvaluationStatus.EXTRANEOUS: 3,
}
# Looking up a member of an enumeration costs more than what is done with it here.
_AGED_OUT = SeriesStatus.AGED_OUT
_COMPLETE = SeriesStatus.COMPLETE
_CONTRAINDICATED = SeriesStatus.CONTRAINDICATED
_IMMUNE = SeriesStatus.IMMUNE
_NOT_COMPLETE = SeriesStatus.NOT_COMPLETE
_NOT_RECOMMENDED = SeriesStatus.NOT_RECOMMENDED
_SHARED_DECISION = ForecastStatus.SHARED_DECISION
_FORECAST_STATUS = {status: ForecastStatus(status.value) for status in SeriesStatus}


def vaccine_group_forecast(
    group: VaccineGroup, forecasts: Forecasts, set_aside: Forecasts, given_on: Iterable[date]
) -> VaccineGroupForecast:
    """Table 9-2; VACCINEGROUP-1 and VACCINEGROUP-2 tell the two kinds of groups apart."""
    if len(forecasts) == 1:
        return single_antigen(group, forecasts[0], set_aside)
    return _multiple_antigen(group, forecasts, set_aside, given_on)


def single_antigen(group: VaccineGroup, forecast: SeriesForecast, set_aside: Forecasts) -> VaccineGroupForecast:
    """SINGLEANTVG-1 and SINGLEANTVG-2: the vaccine group's forecast is the patient series forecast."""
    is_open = forecast.status is _NOT_COMPLETE
    return VaccineGroupForecast(
        vaccine_group=group.name,
        series_group=forecast.series_group,
        series_type=forecast.series_type,
        status=_SHARED_DECISION if is_open and forecast.shared_decision else _FORECAST_STATUS[forecast.status],
        series_status=forecast.status,
        dose_number=forecast.dose_number,
        earliest_on=forecast.earliest_on,
        recommended_on=forecast.recommended_on,
        past_due_on=forecast.past_due_on,
        latest_on=forecast.latest_on,
        starts_on=forecast.starts_on,
        unadjusted_recommended_on=forecast.unadjusted_recommended_on,
        unadjusted_past_due_on=forecast.unadjusted_past_due_on,
        recommended_antigens=(forecast.antigen,) if is_open else (),
        recommended_vaccines=forecast.recommended_vaccines,
        guidance=(forecast.guidance,) if forecast.guidance else (),
        contraindications=forecast.contraindications,
        evaluations=forecast.evaluations,
        series=(forecast,),
        set_aside=tuple(set_aside),
    )


def _multiple_antigen(
    group: VaccineGroup, forecasts: Forecasts, set_aside: Forecasts, given_on: Iterable[date]
) -> VaccineGroupForecast:
    """FORECASTVG-2 to FORECASTVG-9 and FORECASTDN-2."""
    needed = forecasts if group.administer_full else _possible(forecasts)
    status = _multiple_antigen_status(needed)
    is_open = status is _NOT_COMPLETE
    dated = [f for f in needed if is_open and f.status is _NOT_COMPLETE]
    earliest = _multiple_antigen_earliest(dated, given_on)
    shared = bool(dated) and all(f.shared_decision for f in dated)
    return VaccineGroupForecast(
        vaccine_group=group.name,
        series_group=forecasts[0].series_group,
        series_type=forecasts[0].series_type,
        status=_SHARED_DECISION if shared else _FORECAST_STATUS[status],
        series_status=status,
        dose_number=(min if group.administer_full else max)((f.dose_number or 1 for f in dated), default=None),
        earliest_on=earliest,
        recommended_on=_at_least(_min(f.recommended_on for f in dated), earliest),
        past_due_on=_at_least(_min(f.past_due_on for f in dated), earliest),
        latest_on=_min(f.latest_on for f in dated),
        starts_on=_min(f.starts_on for f in forecasts),
        unadjusted_recommended_on=_min(f.unadjusted_recommended_on for f in dated),
        unadjusted_past_due_on=_min(f.unadjusted_past_due_on for f in dated),
        recommended_antigens=tuple(f.antigen for f in dated),
        recommended_vaccines=tuple(dict.fromkeys(v for f in dated for v in f.recommended_vaccines)),
        guidance=tuple(dict.fromkeys(f.guidance for f in dated or forecasts if f.guidance)),
        contraindications=tuple(dict.fromkeys(text for f in forecasts for text in f.contraindications)),
        evaluations=_blend(forecasts),
        series=tuple(forecasts),
        set_aside=tuple(set_aside),
    )


def _possible(forecasts: Forecasts) -> Forecasts:
    """Where the full vaccine group need not be administered, a contraindicated antigen does not bar the others.

    Table 9-4 alone would bar them; CDC's cases (pertussis contraindicated: give DT) show that it is not meant.
    """
    return [f for f in forecasts if f.status is not _CONTRAINDICATED] or forecasts


def _multiple_antigen_status(forecasts: Forecasts) -> SeriesStatus:
    """Table 9-4."""
    statuses = {f.status for f in forecasts}
    for status in (
        _CONTRAINDICATED,
        _AGED_OUT,
        _NOT_RECOMMENDED,
        _NOT_COMPLETE,
    ):
        if status in statuses:
            return status
    return _IMMUNE if statuses == {_IMMUNE} else _COMPLETE


def _multiple_antigen_earliest(dated: Forecasts, given_on: Iterable[date]) -> date | None:
    """MULTIANTVG-1."""
    days = [f.earliest_on for f in dated if f.earliest_on is not None]
    if not days:
        return None
    if any(f.priority for f in dated):  # FORECASTPRIORITY-1
        return max([min(days), *given_on])
    return max(days)


def _blend(forecasts: Forecasts) -> tuple[DoseEvaluation, ...]:
    """The specification evaluates by antigen only; a dose is told as its least favourable evaluation that matters.

    Extraneous matters least: a booster is still valid for tetanus when pertussis is complete.
    """
    blended: dict[int, DoseEvaluation] = {}
    for evaluation in (e for f in forecasts for e in f.evaluations):
        known = blended.get(evaluation.dose)
        if known is None or _LEAST_FAVOURABLE[evaluation.status] < _LEAST_FAVOURABLE[known.status]:
            blended[evaluation.dose] = evaluation
    return tuple(blended[dose] for dose in sorted(blended))


def _min(days: Iterable[date | None]) -> date | None:
    return min((day for day in days if day is not None), default=None)


def _at_least(day: date | None, earliest: date | None) -> date | None:
    """FORECASTVG-2 and FORECASTVG-3."""
    return day if day is None or earliest is None else max(day, earliest)
