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


def vaccine_group_forecast(
    group: VaccineGroup, forecasts: Forecasts, set_aside: Forecasts, given_on: Iterable[date]
) -> VaccineGroupForecast:
    """Table 9-2 (FORECASTVG-2 to FORECASTVG-9, FORECASTDN-2)."""
    single = len(group.antigens) == 1  # VACCINEGROUP-1 and VACCINEGROUP-2
    needed = forecasts if single or group.administer_full else _possible(forecasts)
    status = forecasts[0].status if single else _multiple_antigen_status(needed)
    is_open = status is SeriesStatus.NOT_COMPLETE
    dated = [f for f in needed if is_open and f.status is SeriesStatus.NOT_COMPLETE]
    earliest = _min(f.earliest_on for f in dated) if single else _multiple_antigen_earliest(dated, given_on)
    numbers = [f.dose_number for f in dated if f.dose_number is not None]
    first = forecasts[0]
    return VaccineGroupForecast(
        vaccine_group=group.name,
        series_group=first.series_group,
        series_type=first.series_type,
        status=_forecast_status(status, dated),
        series_status=status,
        dose_number=(min if group.administer_full else max)(numbers, default=None),
        earliest_on=earliest,
        recommended_on=_at_least(_min(f.recommended_on for f in dated), earliest),
        past_due_on=_at_least(_min(f.past_due_on for f in dated), earliest),
        latest_on=_min(f.latest_on for f in dated),
        starts_on=_min(f.starts_on for f in forecasts),
        unadjusted_recommended_on=_min(f.unadjusted_recommended_on for f in dated),
        unadjusted_past_due_on=_min(f.unadjusted_past_due_on for f in dated),
        recommended_antigens=tuple(f.antigen for f in dated),
        recommended_vaccines=tuple(dict.fromkeys(v for f in dated for v in f.recommended_vaccines)),
        guidance=tuple(dict.fromkeys(f.guidance for f in dated if f.guidance)),
        evaluations=_blend(forecasts),
        series=tuple(forecasts),
        set_aside=tuple(set_aside),
    )


def _possible(forecasts: Forecasts) -> Forecasts:
    """Where the full vaccine group need not be administered, a contraindicated antigen does not bar the others.

    Table 9-4 alone would bar them; CDC's case 2016-UC-0003 (pertussis contraindicated: give DT) shows that it is not meant.
    """
    return [f for f in forecasts if f.status is not SeriesStatus.CONTRAINDICATED] or forecasts


def _multiple_antigen_status(forecasts: Forecasts) -> SeriesStatus:
    """Table 9-4."""
    statuses = {f.status for f in forecasts}
    for status in (
        SeriesStatus.CONTRAINDICATED,
        SeriesStatus.AGED_OUT,
        SeriesStatus.NOT_RECOMMENDED,
        SeriesStatus.NOT_COMPLETE,
    ):
        if status in statuses:
            return status
    return SeriesStatus.IMMUNE if statuses == {SeriesStatus.IMMUNE} else SeriesStatus.COMPLETE


def _multiple_antigen_earliest(dated: Forecasts, given_on: Iterable[date]) -> date | None:
    """MULTIANTVG-1."""
    days = [f.earliest_on for f in dated if f.earliest_on is not None]
    if not days:
        return None
    if any(f.priority for f in dated):  # FORECASTPRIORITY-1
        return max([min(days), *given_on])
    return max(days)


def _forecast_status(status: SeriesStatus, dated: Forecasts) -> ForecastStatus:
    if dated and all(f.shared_decision for f in dated):
        return ForecastStatus.SHARED_DECISION
    return ForecastStatus(status)


def _blend(forecasts: Forecasts) -> tuple[DoseEvaluation, ...]:
    """The specification evaluates by antigen only; a dose is told as its least favourable evaluation."""
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
