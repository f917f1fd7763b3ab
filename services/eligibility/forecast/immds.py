"""`$immds-forecast` of the Immunization Decision Support Forecast guide (FHIR R4): Parameters in and out.

In: `assessmentDate`, `patient` and any number of `immunization`; conditions and allergies under whatever name count
too. Out: an ImmunizationEvaluation per dose and antigen, one ImmunizationRecommendation, and an `outcome` that names
what was not used and where the rules no longer speak of the day, if there is anything to say.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Any, Literal

from pydantic import Field

from services.eligibility.forecast.fhir_history import Bundle, Day, Entry, Fhir, Immunization, Patient, Resource
from services.eligibility.forecast.headlines import Headline
from services.eligibility.forecast.model import DoseEvaluation, EvaluationStatus, SeriesForecast

ASSESSMENT_DATE = "assessmentDate"
DOSE_STATUS = "http://terminology.hl7.org/CodeSystem/immunization-evaluation-dose-status"


class Parameter(Fhir):
    name: str = Field(max_length=64)
    value_date: Day | None = Field(default=None, alias="valueDate")
    resource: Resource | None = None


class Parameters(Fhir):
    """FHIR R4 Parameters with `assessmentDate`, one `patient` and any number of `immunization`."""

    resource_type: Literal["Parameters"] = Field(alias="resourceType")
    parameter: tuple[Parameter, ...] = Field(max_length=1000)

    def assessed_on(self) -> date | None:
        """None unless exactly one day is named."""
        days = [parameter.value_date for parameter in self.parameter if parameter.name == ASSESSMENT_DATE]
        return days[0] if len(days) == 1 else None

    def bundle(self) -> tuple[Bundle, list[str]]:
        """The resources, and the place of each."""
        placed = [
            (f"parameter.{n}", parameter.resource)
            for n, parameter in enumerate(self.parameter)
            if parameter.resource is not None
        ]
        entries = tuple(Entry(resource=resource) for _, resource in placed)
        return Bundle(resourceType="Bundle", entry=entries), [place for place, _ in placed]


def parameters_of(
    headlines: Iterable[Headline],
    recommendation: dict[str, Any],
    given: Sequence[Immunization],
    patient: Patient,
    on: date,
    said: Sequence[tuple[str, str]],
) -> dict[str, Any]:
    """`given`: the Immunization of each dose of the history; `said`: place and text of what is to be told beside."""
    found = [
        _evaluation(n, evaluation, series, given, patient, on, recommendation["authority"])
        for n, (series, evaluation) in enumerate(_evaluations(headlines), start=1)
    ]
    parameters = [{"name": "evaluation", "resource": resource} for resource in found]
    parameters.append({"name": "recommendation", "resource": recommendation})
    if said:
        parameters.append({"name": "outcome", "resource": _outcome(said)})
    return {"resourceType": "Parameters", "parameter": parameters}


def _evaluations(headlines: Iterable[Headline]) -> Iterator[tuple[SeriesForecast, DoseEvaluation]]:
    return (
        (series, evaluation)
        for headline in headlines
        for series in headline.forecast.series
        for evaluation in series.evaluations
    )


def _evaluation(
    number: int,
    one: DoseEvaluation,
    series: SeriesForecast,
    given: Sequence[Immunization],
    patient: Patient,
    on: date,
    authority: dict[str, str],
) -> dict[str, Any]:
    is_valid = one.status is EvaluationStatus.VALID
    shot = given[one.dose]
    found: dict[str, Any] = {
        "resourceType": "ImmunizationEvaluation",
        "id": f"evaluation-{number}",
        "status": "completed",
        "patient": {"reference": f"Patient/{patient.id}"} if patient.id else {"display": "the person asked about"},
        "date": on.isoformat(),
        "authority": authority,
        "targetDisease": {"text": series.antigen},
        "immunizationEvent": _event(shot),
        "doseStatus": {
            "coding": [{"system": DOSE_STATUS, "code": "valid" if is_valid else "notvalid"}],
            "text": one.status.value,
        },
        "doseStatusReason": [{"text": reason.value} for reason in one.reasons],
        "series": series.series,
        "doseNumberPositiveInt": one.target_dose,
    }
    return {name: value for name, value in found.items() if value}


def _event(shot: Immunization) -> dict[str, Any]:
    if shot.id:
        return {"reference": f"Immunization/{shot.id}"}
    return {"display": f"the dose of {(shot.occurred or '')[:10]}"}


def _outcome(said: Sequence[tuple[str, str]]) -> dict[str, Any]:
    issues = [
        {
            "severity": "information" if place else "warning",
            "code": "informational",
            "diagnostics": text,
            **({"expression": [f"Parameters.{place.replace('.', '[')}]"]} if place else {}),
        }
        for place, text in said
    ]
    return {"resourceType": "OperationOutcome", "issue": issues}
