"""Forecasts as a FHIR R4 ImmunizationRecommendation, with the explanation as its narrative."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from html import escape
from typing import Any

from services.eligibility.forecast.explain import told_changes
from services.eligibility.forecast.group_vaccines import general_code
from services.eligibility.forecast.headlines import Headline, headlines
from services.eligibility.forecast.model import (
    Dose,
    DoseEvaluation,
    EvaluationStatus,
    ForecastStatus,
    VaccineGroupForecast,
)
from services.eligibility.forecast.schedule import SupportingData

CVX_SYSTEM = "http://hl7.org/fhir/sid/cvx"
LOINC = "http://loinc.org"
STATUS_SYSTEM = "http://terminology.hl7.org/CodeSystem/immunization-recommendation-status"
OWN_SYSTEM = "urn:vcc:forecast-status"
"""FHIR's example codes know no 'not yet', no shared decision and no 'too old'; ours name every status."""

EARLIEST, DUE, LATEST, OVERDUE = "30981-5", "30980-7", "59777-3", "59778-1"
CLOSED = {
    ForecastStatus.COMPLETE: "complete",
    ForecastStatus.IMMUNE: "immune",
    ForecastStatus.CONTRAINDICATED: "contraindicated",
}
OWN_CODES = {
    "not-yet-due": "Needed, and not due yet",
    "due": "Due",
    "overdue": "Overdue",
    "shared-decision": "By a shared clinical decision only",
    "complete": "Complete",
    "immune": "Immune",
    "contraindicated": "Contraindicated",
    "not-recommended": "Not recommended at this time",
    "aged-out": "Too old for it",
}


def code_of(forecast: VaccineGroupForecast, on: date) -> str:
    """One word for how the vaccine group stands on this day."""
    if forecast.status is not ForecastStatus.NOT_COMPLETE:
        return "shared-decision" if forecast.status is ForecastStatus.SHARED_DECISION else _closed(forecast)
    if forecast.past_due_on is not None and forecast.past_due_on < on:
        return "overdue"
    is_due = forecast.recommended_on is not None and forecast.recommended_on <= on
    return "due" if is_due else "not-yet-due"


def recommendation(
    forecasts: Iterable[VaccineGroupForecast],
    supporting: SupportingData,
    on: date,
    patient_id: str,
    given: Sequence[tuple[str, Dose]],
    explanation: Iterable[str],
) -> dict[str, Any]:
    """`given`: each dose of the history with its place in the request. Those that count are contained, so that what
    refers to them can be followed wherever the recommendation goes."""
    forecasts = list(forecasts)
    patient = {"reference": f"Patient/{patient_id}"} if patient_id else {"display": "the person asked about"}
    counting = sorted({evaluation.dose for forecast in forecasts for evaluation in _valid(forecast)})
    told = "<br/>".join(escape(line) for line in explanation)
    return {
        "resourceType": "ImmunizationRecommendation",
        "text": {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{told}</div>'},
        **({"contained": [_immunization(*given[n], supporting, patient) for n in counting]} if counting else {}),
        "patient": patient,
        "date": on.isoformat(),
        "authority": {"display": authority(supporting)},
        "recommendation": [_recommended(headline, supporting, on, given) for headline in headlines(forecasts, on)],
    }


def authority(supporting: SupportingData) -> str:
    name, _, jurisdiction = supporting.release.partition("+")
    beside = f", with the recommendations of {jurisdiction} laid over it" if jurisdiction else ""
    return f"CDC CDSi supporting data {name}{beside}"


def _recommended(
    headline: Headline, supporting: SupportingData, on: date, given: Sequence[tuple[str, Dose]]
) -> dict[str, Any]:
    """One for each vaccine group; what else is told of the group stands in its description."""
    forecast = headline.forecast
    group = _coded(general_code(forecast.vaccine_group, supporting), supporting)
    others = [f"Also {_in_short(other, on)}" for other in headline.others]
    found: dict[str, Any] = {
        "vaccineCode": [{**group, "text": forecast.vaccine_group}, *_vaccines(forecast, supporting)],
        "forecastStatus": _status(code_of(forecast, on)),
        "forecastReason": [{"text": step} for step in dict.fromkeys(_reasons(forecast, supporting))],
        "dateCriterion": list(_dates(forecast)),
        "description": "\n".join((*forecast.guidance, *others)),
        "series": "; ".join(series.series for series in forecast.series),
        "doseNumberPositiveInt": forecast.dose_number,
        "supportingImmunization": [{"reference": f"#{given[evaluation.dose][0]}"} for evaluation in _valid(forecast)],
    }
    return {name: value for name, value in found.items() if value}


def _in_short(forecast: VaccineGroupForecast, on: date) -> str:
    dose = f" dose {forecast.dose_number}" if forecast.dose_number else ""
    since = f", recommended from {forecast.recommended_on}" if forecast.recommended_on else ""
    return f"({forecast.series_type.value.lower()}){dose}: {OWN_CODES[code_of(forecast, on)].lower()}{since}"


def _valid(forecast: VaccineGroupForecast) -> list[DoseEvaluation]:
    return [evaluation for evaluation in forecast.evaluations if evaluation.status is EvaluationStatus.VALID]


def _immunization(place: str, dose: Dose, supporting: SupportingData, patient: dict[str, str]) -> dict[str, Any]:
    return {
        "resourceType": "Immunization",
        "id": place,
        "status": "completed",
        "vaccineCode": _coded(dose.cvx, supporting),
        "patient": patient,
        "occurrenceDateTime": dose.administered_on.isoformat(),
    }


def _vaccines(forecast: VaccineGroupForecast, supporting: SupportingData) -> Iterator[dict[str, Any]]:
    return (_coded(cvx, supporting) for cvx in forecast.recommended_vaccines)


def _coded(cvx: str, supporting: SupportingData) -> dict[str, Any]:
    name = supporting.vaccine_names.get(cvx, cvx)
    return {"coding": [{"system": CVX_SYSTEM, "code": cvx, "display": name}], "text": name}


def _status(code: str) -> dict[str, Any]:
    coding = [{"system": OWN_SYSTEM, "code": code}]
    if code in {"due", "overdue", *CLOSED.values()}:
        coding.insert(0, {"system": STATUS_SYSTEM, "code": code})
    return {"coding": coding, "text": OWN_CODES[code]}


def _reasons(forecast: VaccineGroupForecast, supporting: SupportingData) -> Iterator[str]:
    """Of what is contraindicated, CDC's text of why; then the last rule of each series' path: what decided. Where a
    state recommends it otherwise than CDC, that too."""
    if forecast.status is ForecastStatus.CONTRAINDICATED:
        yield from forecast.contraindications
    yield from (series.trail[-1][0] for series in forecast.series if series.trail)
    yield from told_changes(forecast, supporting)


def _dates(forecast: VaccineGroupForecast) -> Iterator[dict[str, Any]]:
    for code, display, day in (
        (EARLIEST, "Earliest date to give", forecast.earliest_on),
        (DUE, "Date vaccine due", forecast.recommended_on),
        (LATEST, "Latest date to give immunization", forecast.latest_on),
        (OVERDUE, "Date when overdue for immunization", forecast.past_due_on),
    ):
        if day is not None:
            yield {"code": {"coding": [{"system": LOINC, "code": code, "display": display}]}, "value": day.isoformat()}


def _closed(forecast: VaccineGroupForecast) -> str:
    named = {ForecastStatus.NOT_RECOMMENDED: "not-recommended", ForecastStatus.AGED_OUT: "aged-out", **CLOSED}
    return named[forecast.status]
