"""Forecasts in plain language: what is due, since when, and which of CDC's rules led there."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path

from services.eligibility.forecast.fhir_history import Bundle, history_of, patient_of
from services.eligibility.forecast.model import (
    Dose,
    DoseEvaluation,
    ForecastStatus,
    History,
    Observation,
    SeriesForecast,
    VaccineGroupForecast,
)
from services.eligibility.forecast.overlay import as_of
from services.eligibility.forecast.schedule import Change, SupportingData
from services.eligibility.forecast.season_warnings import seasons_over
from services.eligibility.forecast.supporting_data import UNDATED
from services.eligibility.forecast.unused import TEXTS, unused

ONE_DAY = timedelta(days=1)
CLOSED = {
    ForecastStatus.COMPLETE: "complete, nothing is due.",
    ForecastStatus.IMMUNE: "immune, nothing is due.",
    ForecastStatus.CONTRAINDICATED: "contraindicated, do not vaccinate.",
    ForecastStatus.AGED_OUT: "too old for it, nothing is due.",
    ForecastStatus.NOT_RECOMMENDED: "not recommended at this time.",
}


class PersonError(ValueError):
    """The file is a FHIR Bundle of one Patient, or has `birth_on` and maybe `assessment_on`, `gender`, `doses`, …"""


def read_person(path: Path, supporting: SupportingData) -> tuple[History, date | None]:
    """A history and the date to assess it at, if the file names one. Errors name the field, never its value."""
    try:
        person = json.loads(path.read_text(encoding="utf-8"))
        if person.get("resourceType") == "Bundle":
            return _read_bundle(Bundle.model_validate(person), supporting), None
        history = History(
            birth_on=date.fromisoformat(person["birth_on"]),
            gender=person.get("gender", "Unknown").capitalize(),
            doses=tuple(map(_dose, person.get("doses", ()))),
            observations=tuple(map(_observation, person.get("observations", ()))),
            birth_country=person.get("birth_country", ""),
        )
        assessment_on = person.get("assessment_on")
        return history, date.fromisoformat(assessment_on) if assessment_on else None
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        field = f" ({error})" if isinstance(error, KeyError) else ""
        raise PersonError(f"{path.name}: {PersonError.__doc__}{field}") from None


def _read_bundle(bundle: Bundle, supporting: SupportingData) -> History:
    patient = patient_of(bundle)
    if patient is None:
        raise KeyError("Patient")
    return history_of(bundle, patient, supporting)[0]


def _dose(row: Mapping[str, str]) -> Dose:
    return Dose(date.fromisoformat(row["administered_on"]), row["cvx"].zfill(2), row.get("mvx", ""))


def _observation(row: Mapping[str, str]) -> Observation:
    observed_on = row.get("observed_on")
    return Observation(row["code"].zfill(3), date.fromisoformat(observed_on) if observed_on else None)


def explain(
    history: History, forecasts: Iterable[VaccineGroupForecast], supporting: SupportingData, on: date
) -> Iterator[str]:
    supporting = as_of(supporting, on)
    yield opening(supporting, on)
    yield from (season.text(supporting.release) for season in seasons_over(supporting, on))
    yield from (
        f"Not used: {entry.kind} {entry.position + 1}: {TEXTS[entry.code]}" for entry in unused(history, supporting, on)
    )
    for forecast in forecasts:
        yield ""
        yield from explain_group(forecast, history.doses, supporting, on)


def opening(supporting: SupportingData, on: date) -> str:
    dated = "without a date" if supporting.released_on == UNDATED else f"of {supporting.released_on}"
    return f"As of {on}, by CDC's supporting data {supporting.release} {dated}:"


def explain_group(
    forecast: VaccineGroupForecast, doses: Sequence[Dose], supporting: SupportingData, on: date
) -> Iterator[str]:
    yield f"{forecast.vaccine_group} ({forecast.series_type.value.lower()}): {_verdict(forecast, on)}"
    if names := [supporting.vaccine_names.get(cvx, cvx) for cvx in forecast.recommended_vaccines]:
        yield f"  Recommended: {', '.join(names)}."
    for evaluation in forecast.evaluations:
        yield f"  {_told_dose(evaluation, doses, supporting)}"
    for series in forecast.series:
        yield from (f"  Contraindicated ({series.antigen}): {text}" for text in series.contraindications)
    yield from (f"  {line}" for line in told_changes(forecast, supporting))
    for series in forecast.series:
        yield f"  Why: {series.series}"
        yield from (f"    {step}" for step in path_of_rules(series))
    for series in forecast.set_aside:
        yield f"  Set aside: {series.series} ({series.status})"
    yield from (f"  Guidance: {line}" for text in forecast.guidance for line in text.splitlines())


def told_changes(forecast: VaccineGroupForecast, supporting: SupportingData) -> Iterator[str]:
    """What a state recommends otherwise than CDC in the series of a forecast: since when, why and by whose word."""
    if supporting.overlay is None:
        return
    jurisdiction = supporting.overlay.jurisdiction
    for change in changes_in(forecast, supporting):
        yield f"By {jurisdiction}, not CDC, since {change.from_on}: {change.because} ({change.source})"


def changes_in(forecast: VaccineGroupForecast, supporting: SupportingData) -> list[Change]:
    found = (
        change for series in forecast.series for change in supporting.changed.get((series.antigen, series.series), ())
    )
    return list(dict.fromkeys(found))


def path_of_rules(series: SeriesForecast) -> Iterator[str]:
    for rule, day, target in series.trail:
        about = f"dose {target}, " if target else ""
        yield f"{about}{date.fromordinal(day)}: {rule}" if day else rule


def _verdict(forecast: VaccineGroupForecast, on: date) -> str:
    if forecast.status is ForecastStatus.NOT_COMPLETE:
        return f"dose {forecast.dose_number} {_when(forecast, on)}"
    if forecast.status is ForecastStatus.SHARED_DECISION:
        return f"dose {forecast.dose_number} only by a shared clinical decision, {_when(forecast, on)}"
    return CLOSED[forecast.status]


def _when(forecast: VaccineGroupForecast, on: date) -> str:
    recommended_on, past_due_on = forecast.recommended_on, forecast.past_due_on
    if recommended_on is None:
        return "is needed; the rules give no date."
    due = f"was due on {recommended_on}" if recommended_on <= on else f"is due on {recommended_on}"
    if past_due_on is not None and past_due_on < on:
        due += f" and is overdue since {past_due_on + ONE_DAY}"  # the past-due date is the last that is not late
    elif past_due_on is not None:
        due += f", overdue after {past_due_on}"
    if forecast.earliest_on is not None and forecast.earliest_on != recommended_on:
        due += f" (may be given from {forecast.earliest_on})"
    return f"{due}."


def _told_dose(evaluation: DoseEvaluation, doses: Sequence[Dose], supporting: SupportingData) -> str:
    dose = doses[evaluation.dose]
    name = supporting.vaccine_names.get(dose.cvx, f"CVX {dose.cvx}")
    reasons = f" ({', '.join(evaluation.reasons)})" if evaluation.reasons else ""
    target = f" as dose {evaluation.target_dose} of the series" if evaluation.target_dose else ""
    return f"{dose.administered_on} {name}: {evaluation.status.lower()}{target}{reasons}"
